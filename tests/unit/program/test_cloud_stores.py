"""Tempo on the object stores of clouds: the Secret has the keys that its operator demands, by kind of credentials.

The keys are those of tempo-operator, internal/handlers/storage, which has tests of its own for them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import schemas
from recording import PROJECT, SENTINELS, Deployed, is_secret, minimal_config, with_settings
from test_settings import load, problems_of

Deploy = Callable[..., Deployed]

CLIENT, TENANT = "4c1a4b54-2f4e-4d4c-9f0e-2f1d1b6a7c11", "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
ROLE = "arn:aws:iam::123456789012:role/tempo"
S3 = {"tempo.storage.backend": "s3", "tempo.storage.s3.source": "role", "tempo.storage.s3.region": "eu-central-1"}
AZURE = {"tempo.storage.backend": "azure", "tempo.storage.azure.accountName": "traces"}
GCS = {"tempo.storage.backend": "gcs", "tempo.storage.gcs.bucket": "our-traces"}
IDENTITY = {
    "tempo.storage.azure.source": "identity",
    "tempo.storage.azure.clientId": CLIENT,
    "tempo.storage.azure.tenantId": TENANT,
}

# The settings, the Secret's name and content, and the mode of a TempoStack.
STORES: Mapping[str, tuple[dict[str, Any], str, dict[str, str], str | None]] = {
    "a role of AWS": (
        {**S3, "tempo.storage.s3.roleArn": ROLE},
        "tempo-s3-role",
        {"bucket": "tempo", "region": "eu-central-1", "role_arn": ROLE},
        "token",
    ),
    "OpenShift's credentials for AWS": (
        S3,
        "tempo-s3-role",
        {"bucket": "tempo", "region": "eu-central-1"},
        "token-cco",
    ),
    "a key of Azure": (
        AZURE,
        "tempo-azure",
        {"container": "tempo", "account_name": "traces", "account_key": "sentinel-azure-key"},
        None,
    ),
    "an identity of Azure": (
        {**AZURE, **IDENTITY},
        "tempo-azure",
        {"container": "tempo", "account_name": "traces", "client_id": CLIENT, "tenant_id": TENANT},
        None,
    ),
    "a key of Google": (GCS, "tempo-gcs", {"bucketname": "our-traces", "key.json": "sentinel-gcs-key"}, None),
}


def config(changes: Mapping[str, Any], mode: str = "monolithic") -> dict[str, Any]:
    return with_settings({**minimal_config(), **SENTINELS}, {"tempo.mode": mode, **changes})


def tempo_of(deployed: Deployed) -> Any:
    (tempo,) = (r for r in deployed if r.custom and r.kind in {"TempoMonolithic", "TempoStack"})
    return tempo


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> tuple[dict[str, Any], str, dict[str, str], str | None]:
    return STORES[request.param]


@pytest.mark.parametrize("mode", ["monolithic", "stack"])
def test_the_secret_has_the_keys_of_its_kind_and_tempo_waits_for_it(deploy: Deploy, store: Any, mode: str) -> None:
    changes, name, content, _ = store
    deployed = deploy(config(changes, mode))
    secret = deployed.get("Secret", name)
    assert secret.inputs["stringData"] == content
    assert is_secret(secret.raw_inputs["stringData"])
    assert secret.urn in deployed.before(tempo_of(deployed).urn)


@pytest.mark.parametrize("mode", ["monolithic", "stack"])
def test_every_object_fits_its_schema(deploy: Deploy, store: Any, mode: str) -> None:
    assert schemas.faults(deploy(config(store[0], mode))) == []


def test_a_tempo_stack_names_the_kind_of_store_and_of_credentials_where_a_field_can(deploy: Deploy, store: Any) -> None:
    changes, name, _, mode = store
    told = tempo_of(deploy(config(changes, "stack"))).inputs["spec"]["storage"]
    expected = {"name": name, "type": changes["tempo.storage.backend"]}
    assert told["secret"] == (expected if mode is None else {**expected, "credentialMode": mode})
    assert told.get("tls") == ({"enabled": True} if changes["tempo.storage.backend"] == "s3" else None)


def test_a_tempo_of_one_process_names_them_below_its_backend(deploy: Deploy, store: Any) -> None:
    changes, name, _, mode = store
    told = tempo_of(deploy(config(changes))).inputs["spec"]["storage"]["traces"]
    backend = changes["tempo.storage.backend"]
    assert told["backend"] == backend
    expected = {"secret": name} if mode is None else {"secret": name, "credentialMode": mode, "tls": {"enabled": True}}
    assert told[backend] == expected


@pytest.mark.parametrize("backend", ["azure", "gcs"])
@pytest.mark.parametrize("mode", ["monolithic", "stack"])
def test_a_secret_that_exists_is_named_and_none_is_made(deploy: Deploy, backend: str, mode: str) -> None:
    theirs = {f"tempo.storage.{backend}.source": "secret", f"tempo.storage.{backend}.secretName": "theirs"}
    deployed = deploy(config({"tempo.storage.backend": backend, **theirs}, mode))
    assert [r.object_name for r in deployed if r.kind == "Secret"] == []
    storage = tempo_of(deployed).inputs["spec"]["storage"]
    named = storage["secret"]["name"] if mode == "stack" else storage["traces"][backend]["secret"]
    assert named == "theirs"
    assert deployed.exports["deployment"]["tempo"]["object_store"]["bucket"] is None


@pytest.mark.parametrize(("changes", "secret"), [(AZURE, "azureAccountKey"), (GCS, "gcsKey")], ids=["azure", "gcs"])
def test_a_new_key_restarts_tempo_and_stands_nowhere_but_in_its_secret(
    deploy: Deploy, changes: dict[str, Any], secret: str
) -> None:
    before = deploy(config(changes))
    after = deploy({**config(changes), f"{PROJECT}:{secret}": "another key"})
    changed = {f"{r.kind} {r.object_name}" for r in after.children if r.inputs != before.resources[r.urn].inputs}
    backend = changes["tempo.storage.backend"]
    assert changed == {f"Secret tempo-{backend}", "TempoMonolithic tempo"}
    for resource in before:
        if resource.kind != "Secret":
            assert SENTINELS[f"{PROJECT}:{secret}"] not in str(resource.raw_inputs), resource.urn


def test_verify_knows_the_store_and_that_it_is_not_ours(deploy: Deploy, store: Any) -> None:
    changes, _, content, _ = store
    bucket = next(content[key] for key in ("bucket", "container", "bucketname") if key in content)
    told = deploy(config(changes)).exports["deployment"]["tempo"]["object_store"]
    assert told == {"bucket": bucket, "service": None, "job": None}


@pytest.mark.parametrize(
    ("name", "annotations"),
    [
        (
            "a role of AWS",
            {"eks.amazonaws.com/audience": "sts.amazonaws.com", "eks.amazonaws.com/role-arn": ROLE},
        ),
        (
            "an identity of Azure",
            {"azure.workload.identity/client-id": CLIENT, "azure.workload.identity/tenant-id": TENANT},
        ),
    ],
)
def test_an_account_of_ours_has_the_identity_that_the_operator_gives_its_own(
    deploy: Deploy, name: str, annotations: dict[str, str]
) -> None:
    beside = {"images.pullSecrets": ["registry"], "commonAnnotations": {"team": "mesh"}}
    account = deploy(config({**STORES[name][0], **beside})).get("ServiceAccount", "mesh-tracing-tempo")
    assert {**annotations, "team": "mesh"}.items() <= account.inputs["metadata"]["annotations"].items()
    plain = deploy(config({**STORES["a key of Google"][0], "images.pullSecrets": ["registry"]}))
    found = plain.get("ServiceAccount", "mesh-tracing-tempo").inputs["metadata"]["annotations"]
    assert not annotations.keys() & found.keys()


REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "no region": ({"tempo.storage.backend": "s3", "tempo.storage.s3.source": "role"}, "a region"),
    "a region without a role": (
        {"tempo.storage.backend": "s3", "tempo.storage.s3.region": "eu-central-1"},
        "no region and no roleArn for source seaweedfs",
    ),
    "no account": ({"tempo.storage.backend": "azure"}, "azure.accountName"),
    "half an identity": (
        {**AZURE, "tempo.storage.azure.source": "identity", "tempo.storage.azure.clientId": CLIENT},
        "clientId and tenantId",
    ),
    "an identity beside a key": ({**AZURE, "tempo.storage.azure.tenantId": TENANT}, "no clientId and no tenantId"),
    "no Secret": ({"tempo.storage.backend": "gcs", "tempo.storage.gcs.source": "secret"}, "a secretName"),
    "not a role": ({**S3, "tempo.storage.s3.roleArn": "tempo"}, "the ARN of a role"),
    "not an account": ({**AZURE, "tempo.storage.azure.accountName": "My-Account"}, "3 to 24"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_store_that_is_half_described_is_refused_in_one_line(name: str) -> None:
    changes, words = REFUSED[name]
    (problem,) = problems_of(config(changes))
    assert words in problem


@pytest.mark.parametrize(("changes", "key"), [(AZURE, "azureAccountKey"), (GCS, "gcsKey")], ids=["azure", "gcs"])
def test_a_key_that_is_missing_comes_with_the_command_that_sets_it(changes: dict[str, Any], key: str) -> None:
    without = {name: value for name, value in config(changes).items() if name != f"{PROJECT}:{key}"}
    (problem,) = problems_of(without)
    assert f"pulumi config set --secret {key} <value>" in problem


@pytest.mark.parametrize("changes", [{**AZURE, **IDENTITY}, S3], ids=["azure", "s3"])
def test_an_identity_needs_no_secret_of_the_configuration(changes: dict[str, Any]) -> None:
    assert load(with_settings(minimal_config(), changes)).azure_account_key is None
