"""Reads a stack's configuration: the only place that asks ``pulumi.Config``.

``load`` returns one frozen ``Settings`` (``model.stack``) or raises one ``ConfigError`` that names
everything that is wrong. Keys are camelCase in the stack's YAML and snake_case here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from model import S3
from model.parts import value_at
from model.scalars import SecretText
from model.stack import Settings

PROJECT = "mesh-tracing"
SECRETS = {
    "objectStoreAccessKey": "object_store_access_key",
    "objectStoreSecretKey": "object_store_secret_key",
    "azureAccountKey": "azure_account_key",
    "gcsKey": "gcs_key",
    "prometheusCredentials": "prometheus_credentials",
    "grafanaAdminPassword": "grafana_admin_password",
}


class ConfigError(pulumi.RunError):
    """All that is wrong with a stack's configuration; Pulumi shows the message without a traceback."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"the stack's configuration has {count}:", *(f"  - {p}" for p in problems)]))


def load(config: pulumi.Config) -> Settings:
    """Read and check the stack's configuration."""
    raw: dict[str, Any] = {}
    problems = [
        f"{PROJECT}:{key}: expected one of {', '.join(_known_keys())}; found an unknown key" for key in _unknown_keys()
    ]
    for section in _sections():
        try:
            value = config.get_object(section)
        except pulumi.ConfigTypeError:
            # The error's own message repeats the value, which may be a secret under the wrong key.
            value = config.get(section)
        if value is not None:
            # The CLI tells which sections have a secret in them, and not which of their texts it is.
            raw[section] = _kept_secret(value) if _is_secret(f"{PROJECT}:{section}") else value
    required = _required_secrets(raw)
    for key in SECRETS:
        full_key = f"{PROJECT}:{key}"
        # Empty means not set: Pulumi.yaml declares an empty default, because Pulumi requires keys without one.
        given = bool(runtime_config.get_config(full_key))
        if given and not _is_secret(full_key):
            problems.append(
                f"{full_key}: expected a secret text; found one in clear; "
                f"example: pulumi config set --secret {key} <value>"
            )
        if given:
            raw[key] = config.get_secret(key)
        elif key in required:
            problems.append(
                f"{full_key}: expected a secret text, for {required[key]}; found nothing; "
                f"example: pulumi config set --secret {key} <value>"
            )

    try:
        settings = Settings.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise ConfigError([*problems, *(_describe(detail) for detail in found)]) from None
    if problems:
        raise ConfigError(problems)
    return settings


def _is_secret(full_key: str) -> bool:
    """Whether a value is encrypted, as the CLI says in the environment; the SDK's own function works only in tests."""
    return runtime_config.is_config_secret(full_key) or full_key in runtime_config.get_config_secret_keys_env()


def _kept_secret(value: Any) -> Any:
    """``value`` with every text marked; where the model expects a name or a number, the mark is gone again."""
    if isinstance(value, str):
        return SecretText(value)
    if isinstance(value, dict):
        return {key: _kept_secret(inner) for key, inner in value.items()}
    return [_kept_secret(inner) for inner in value] if isinstance(value, list) else value


def _required_secrets(raw: Mapping[str, Any]) -> dict[str, str]:
    """The secrets that this configuration needs, valid or not, each with the setting that needs it."""
    required = {}
    backend = value_at(raw, "tempo.storage.backend")
    if backend == "s3":
        source = value_at(raw, "tempo.storage.s3.source") or S3().source
        if source in {"seaweedfs", "minio", "keys"}:
            for key in ("objectStoreAccessKey", "objectStoreSecretKey"):
                required[key] = f"tempo.storage.s3.source {source}"
    for cloud, key in (("azure", "azureAccountKey"), ("gcs", "gcsKey")):
        if backend == cloud and (value_at(raw, f"tempo.storage.{cloud}.source") or "keys") == "keys":
            required[key] = f"tempo.storage.{cloud}.source keys"
    auth = value_at(raw, "prometheus.existing.auth")
    if auth is not None and value_at(raw, "prometheus.existing.auth.secret") is None:
        required["prometheusCredentials"] = "prometheus.existing.auth"
    if value_at(raw, "grafana.mode") == "managed":
        required["grafanaAdminPassword"] = "grafana.mode managed"
    return required


def _sections() -> list[str]:
    return [field.alias or name for name, field in Settings.model_fields.items() if name not in SECRETS.values()]


def _known_keys() -> list[str]:
    return [*_sections(), *SECRETS]


def _unknown_keys() -> list[str]:
    """Configuration keys that match no setting, such as misspelt ones; Pulumi itself accepts any key."""
    prefix = f"{PROJECT}:"
    present = {*runtime_config.CONFIG.get(), *runtime_config.get_config_env()}
    known = set(_known_keys())
    keys = (key.removeprefix(prefix) for key in present if key.startswith(prefix))
    return sorted(key for key in keys if key not in known)


def _describe(detail: ErrorDetails) -> str:
    """One problem in one line, without the value, which may be a secret under the wrong key."""
    location = [str(part) for part in detail["loc"] if part != "[key]"]
    key = f"{PROJECT}:{'.'.join(location)}" if location else PROJECT
    missing = detail["type"] == "missing"
    unknown = detail["type"] == "extra_forbidden"
    expected = "a known key" if unknown else "a value" if missing else _expected(detail["msg"])
    found = "nothing" if missing else "an unknown key" if unknown else _kind(detail["input"])
    line = f"{key}: expected {expected}; found {found}"
    example = _example(location)
    return line if example is None or unknown else f"{line}; example: {_as_yaml(example)}"


def _expected(message: str) -> str:
    """Pydantic's message in the words of YAML."""
    if "valid dictionary" in message:
        return "an object"
    for words, ours in (
        ("Input should be ", ""),
        ("String should have ", ""),
        ("a valid string", "text"),
        ("a valid boolean", "true or false"),
        ("a valid integer", "a whole number"),
        ("a valid number", "a number"),
    ):
        message = message.replace(words, ours)
    return message


def _kind(value: object) -> str:
    kinds: Iterator[tuple[type, str]] = iter(
        (
            (bool, "true or false"),
            (int, "a number"),
            (float, "a number"),
            (str, "text"),
            (list, "a list"),
            (dict, "an object"),
        )
    )
    if value is None:
        return "nothing"
    return next((name for kind, name in kinds if isinstance(value, kind)), "something else")


def _as_yaml(value: object) -> str:
    """``value`` on one line."""
    return value if isinstance(value, str) and "\n" not in value else json.dumps(value)


def _example(location: list[str]) -> object | None:
    """The example of the field at ``location``, or of the nearest field above it that has one."""
    model: type[BaseModel] | None = Settings
    example: object | None = None
    for part in location:
        if model is None:
            break
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        field = fields.get(part)
        if field is None:
            break
        example = field.examples[0] if field.examples else _example_in(field.annotation)
        model = _model_in(field.annotation)
    return example


def _example_in(annotation: object) -> object | None:
    for part in _parts(annotation):
        examples = getattr(part, "examples", None)
        if examples:
            return examples[0]  # type: ignore[no-any-return]
    return None


def _model_in(annotation: object) -> type[BaseModel] | None:
    for part in _parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
