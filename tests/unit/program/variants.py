"""Configurations that together contain every compatible pair of choices."""

import itertools
import random
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError
from recording import SENTINELS, STACKS, minimal_config, stack_config, with_setting

from model.stack import Settings

Config = dict[str, Any]
# A choice: the settings that it makes.
Choice = Mapping[str, Any]

FACTORS: Mapping[str, Mapping[str, Choice]] = {
    "platform": {"kubernetes": {}, "openshift": {"platform": "openshift"}},
    "installer": {
        "helm": {},
        "helm-revision": {
            "mesh.revision": "canary",
            "mesh.discoveryNamespacesOnly": True,
            "mesh.cni": True,
            "tracing.collector.inMesh": True,
        },
        # A version that the definitions know which the schemas are made of.
        "sail": {"mesh.installer": "sail", "mesh.version": "1.30.3", "mesh.sail.profile": "ambient"},
        "sail-by-revision": {
            "mesh.installer": "sail",
            "mesh.version": "1.30.3",
            "mesh.sail.updateStrategy": "RevisionBased",
        },
        "existing": {"mesh.installer": "existing", "namespaces.existing": ["istio-system"]},
    },
    "tempo": {
        "memory": {"tempo.storage.backend": "memory"},
        "volume": {"tempo.storage.storageClass": "fast"},
        "seaweedfs": {"tempo.storage.backend": "s3"},
        "minio": {"tempo.storage.backend": "s3", "tempo.storage.s3.source": "minio"},
        "move": {"tempo.storage.backend": "s3", "tempo.storage.s3.moveFrom": "minio"},
        "keys": {
            "tempo.storage.backend": "s3",
            "tempo.storage.s3.source": "keys",
            "tempo.storage.s3.endpoint": "https://s3.example.com",
        },
        "secret": {
            "tempo.storage.backend": "s3",
            "tempo.storage.s3.source": "secret",
            "tempo.storage.s3.secretName": "tempo-s3",
        },
        "existing": {
            "tempo.existing": {
                "otlp": {"endpoint": "tempo.traces.svc.cluster.local:4317", "tls": {"insecure": True}},
                "queryUrl": "http://tempo.traces.svc.cluster.local:3200",
                "tenant": "mesh",
            },
        },
    },
    "mode": {"monolithic": {}, "stack": {"tempo.mode": "stack", "tempo.replicationFactor": 3}},
    "graph": {
        "auto": {},
        "collector": {"graph.source": "collector"},
        "collectors": {"graph.source": "collector", "tracing.collector.replicas": 2},
        "tail": {
            "tracing.sampling": {"mode": "tail"},
            "tracing.collector.replicas": 2,
            "tracing.exporters": {
                "hosted": {"endpoint": "traces.example.com:4317", "bearerToken": {"secret": "hosted", "key": "token"}},
                "all": {"protocol": "http", "endpoint": "https://all.example.com", "allTraces": True},
            },
        },
        "thinned": {"tracing.samplingPercentage": 5},
        "telling": {
            "tracing.resource": {"cluster": "production", "kubernetes": True},
            "tracing.customTags": {"tenant": {"header": {"name": "x-tenant"}}},
            "mesh.accessLogs.enabled": True,
        },
    },
    "prometheus": {
        "own": {},
        "volume": {"prometheus.storage": {"size": "20Gi"}, "protectData": True},
        "existing": {"prometheus.existing": {"queryUrl": "http://prometheus.monitoring.svc.cluster.local:9090"}},
        "native": {"prometheus.nativeHistograms": True, "tempo.histograms": "both"},
    },
    "grafana": {
        "config-map": {},
        "operator": {
            "grafana.mode": "operator",
            "grafana.namespace": "grafana",
            "grafana.loki": {"url": "http://loki.logging.svc.cluster.local:3100"},
        },
        "managed": {"grafana.mode": "managed", "grafana.namespace": "tracing-grafana"},
    },
    "kiali": {"none": {}, "operator": {"kiali.installer": "operator"}, "helm": {"kiali.installer": "helm"}},
    "exposure": {
        "none": {},
        "route": {"exposure.kind": "route", "exposure.domain": "apps.example.com", "exposure.prometheus": True},
        "ingress": {
            "exposure.kind": "ingress",
            "exposure.domain": "example.com",
            "exposure.ingressClass": "nginx",
            "exposure.jaegerUi": True,
        },
        "gateway-api": {
            "exposure.kind": "gateway-api",
            "exposure.domain": "example.com",
            "exposure.gateway": "ingress/public",
            "exposure.tls": False,
        },
    },
    "bookinfo": {
        "none": {"bookinfo.enabled": False},
        "plain": {},
        "istio": {"bookinfo.gateway": "istio"},
        "gateway-api": {"bookinfo.gateway": "gateway-api", "bookinfo.gatewayServiceType": "LoadBalancer"},
        "existing": {"namespaces.existing": ["bookinfo", "istio-system"], "bookinfo.traffic.enabled": False},
    },
    "operators": {
        "existing": {},
        "olm": {"operators.source": "olm"},
        "community": {
            "operators.source": "olm",
            "operators.catalog": "community",
            "operators.channels": {"tempo": "alpha"},
        },
        "operatorhub": {
            "operators.source": "olm",
            "operators.catalog": "operatorhub",
            "operators.approval": "Manual",
            "operators.startingVersions": {"tempo": "tempo-operator.v0.22.0"},
        },
        "manifests": {"operators.source": "manifests"},
    },
    "applications": {
        "none": {},
        "one": {
            "namespaces.applications": [
                {
                    "name": "shop",
                    "deployments": ["cart"],
                    "statefulSets": ["db"],
                    "daemonSets": ["agent"],
                    "rollouts": ["checkout"],
                }
            ],
            # It adds objects and changes none, whatever else is chosen: a factor of its own would only add variants.
            "verify": {"enabled": True, "image": "registry.example.com/mesh-tracing-verify:1.0.0"},
        },
    },
}

# A choice of each factor.
Combination = tuple[str, ...]


# One that every operator has, and the same for all installers: pods have it in a hash.
ISTIO = "1.30.3"


def config_of(combination: Combination) -> Config:
    settings: dict[str, Any] = {"mesh.version": ISTIO}
    for levels, level in zip(FACTORS.values(), combination, strict=True):
        settings |= levels[level]
    config: Config = {**minimal_config(), **SENTINELS}
    for path, value in settings.items():
        config = with_setting(config, path, value)
    return config


def is_accepted(config: Mapping[str, Any]) -> bool:
    """Whether the model takes ``config``; the secrets that it may need are another matter."""
    plain = {key.split(":")[1]: value for key, value in config.items() if key not in SENTINELS}
    try:
        Settings.model_validate(plain)
    except ValidationError:
        return False
    return True


def pairs(combination: Combination) -> Iterator[tuple[str, str, str, str]]:
    for (factor, level), (other, other_level) in itertools.combinations(zip(FACTORS, combination, strict=True), 2):
        yield factor, level, other, other_level


@cache
def variants() -> Mapping[str, Config]:
    """A few valid configurations by name, which together contain every pair that any valid one contains."""
    chance = random.Random(1)  # noqa: S311  the same choice in every run
    candidates = [tuple(chance.choice(list(levels)) for levels in FACTORS.values()) for _ in range(2000)]
    accepted = [candidate for candidate in dict.fromkeys(candidates) if is_accepted(config_of(candidate))]
    number = {pair: index for index, pair in enumerate(dict.fromkeys(p for c in accepted for p in pairs(c)))}
    masks = {candidate: sum(1 << number[pair] for pair in pairs(candidate)) for candidate in accepted}
    missing = (1 << len(number)) - 1
    chosen: dict[str, Config] = {}
    while missing:
        best = max(masks, key=lambda candidate: (masks[candidate] & missing).bit_count())
        missing &= ~masks[best]
        chosen["/".join(best)] = config_of(best)
    return chosen


def choices(name: str) -> list[tuple[str, str]]:
    """The factors and levels of the variant called ``name``."""
    return list(zip(FACTORS, name.split("/"), strict=True))


# The committed stacks and the variants.
EVERY_CONFIG: Mapping[str, Config] = {**{stack: stack_config(stack) for stack in STACKS}, **variants()}
