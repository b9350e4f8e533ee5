"""How Tempo's operator is told of an object store: by a Secret with four keys."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True)
class S3Keys:
    """Secret Outputs, which go nowhere but into Secrets."""

    access_key: pulumi.Input[str]
    secret_key: pulumi.Input[str]


def client_data(*, bucket: str, endpoint: str, keys: S3Keys) -> dict[str, pulumi.Input[str]]:
    """The content of the Secret; the operator takes an http ``endpoint`` to mean no TLS."""
    return {
        "bucket": bucket,
        "endpoint": endpoint,
        "access_key_id": keys.access_key,
        "access_key_secret": keys.secret_key,
    }
