"""How our parts ask an existing Prometheus that wants a login, headers, or an authority of its own.

Tempo, the collector, Kiali and Grafana each read the password or token from a Secret in their own namespace, and none
has it in its configuration.
"""

from typing import Any

from model import Auth, ExistingPrometheus
from model.parts import SecretKey
from objects.context import Context, Object, Text

# The variable of Tempo, of the collector and of our Grafana that has the password or token.
VARIABLE = "PROMETHEUS_CREDENTIALS"
_KEY = "credentials"


def credentials_key(auth: Auth, consumer: str) -> SecretKey:
    """Where ``consumer`` reads the password or token: its own Secret, or the one that exists."""
    return auth.secret or SecretKey(secret=f"{consumer}-prometheus", key=_KEY)


def build_credentials(
    existing: ExistingPrometheus | None, credentials: Text | None, *, consumer: str, namespace: str, context: Context
) -> Object | None:
    """The Secret of ``consumer``, if the settings have a login and no Secret of somebody else's for it."""
    if existing is None or existing.auth is None or existing.auth.secret is not None:
        return None
    if credentials is None:
        raise ValueError("prometheusCredentials: needed for prometheus.existing.auth")
    source = credentials_key(existing.auth, consumer)
    metadata = context.metadata(source.secret, namespace, app=consumer)
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {source.key: credentials}}


def variables(existing: ExistingPrometheus | None, consumer: str) -> dict[str, SecretKey]:
    """The variable of ``consumer``'s pods, if there is a login."""
    return {} if existing is None or existing.auth is None else {VARIABLE: credentials_key(existing.auth, consumer)}


def remote_write_fields(existing: ExistingPrometheus | None) -> dict[str, Any]:
    """What an entry of Tempo's ``remote_write`` has beside the URL; Tempo expands the variable in it."""
    if existing is None:
        return {}
    fields: dict[str, Any] = {}
    if existing.auth is not None and existing.auth.type == "basic":
        fields["basic_auth"] = {"username": existing.auth.username, "password": f"${{{VARIABLE}}}"}
    elif existing.auth is not None:
        fields["authorization"] = {"type": "Bearer", "credentials": f"${{{VARIABLE}}}"}
    if existing.headers:
        fields["headers"] = dict(existing.headers)
    if existing.ca is not None:
        # As text: the operator's resources have no field for a volume of ours.
        fields["tls_config"] = {"ca": existing.ca}
    return fields


def exporter_login(existing: ExistingPrometheus | None) -> dict[str, Any]:
    """The collector's extension `basicauth` for a Prometheus that wants a user; empty for any other."""
    if existing is None or existing.auth is None or existing.auth.type != "basic":
        return {}
    return {"client_auth": {"username": existing.auth.username, "password": f"${{env:{VARIABLE}}}"}}


def exporter_fields(existing: ExistingPrometheus | None, *, authenticator: str) -> dict[str, Any]:
    """What the collector's exporter has beside the URL; ``authenticator`` is the name of that extension."""
    if existing is None:
        return {}
    fields: dict[str, Any] = {}
    headers = dict(existing.headers)
    if exporter_login(existing):
        fields["auth"] = {"authenticator": authenticator}
    elif existing.auth is not None:
        headers["Authorization"] = f"Bearer ${{env:{VARIABLE}}}"
    if headers:
        fields["headers"] = headers
    if existing.ca is not None:
        fields["tls"] = {"ca_pem": existing.ca}
    return fields


def kiali_fields(existing: ExistingPrometheus | None, consumer: str) -> dict[str, Any]:
    """What Kiali's ``external_services.prometheus`` has beside the URL."""
    if existing is None:
        return {}
    fields: dict[str, Any] = {}
    if existing.auth is not None:
        source = credentials_key(existing.auth, consumer)
        # Kiali's own notation for a key of a Secret.
        reference = f"secret:{source.secret}:{source.key}"
        if existing.auth.type == "basic":
            fields["auth"] = {"type": "basic", "username": existing.auth.username, "password": reference}
        else:
            fields["auth"] = {"type": "bearer", "token": reference}
    if existing.headers:
        fields["custom_headers"] = dict(existing.headers)
    return fields


def datasource_fields(existing: ExistingPrometheus | None, credentials: str) -> dict[str, Any]:
    """What a data source of Grafana has beside the URL; ``credentials`` stands for the password or token."""
    if existing is None:
        return {}
    plain, secure, fields = dict[str, Any](), dict[str, str](), dict[str, Any]()
    headers = dict(existing.headers)
    if existing.auth is not None and existing.auth.type == "basic":
        fields |= {"basicAuth": True, "basicAuthUser": existing.auth.username}
        secure["basicAuthPassword"] = credentials
    elif existing.auth is not None:
        headers["Authorization"] = f"Bearer {credentials}"
    for number, (name, value) in enumerate(headers.items(), start=1):
        plain[f"httpHeaderName{number}"], secure[f"httpHeaderValue{number}"] = name, value
    if existing.ca is not None:
        plain["tlsAuthWithCACert"], secure["tlsCACert"] = True, existing.ca
    return {**fields, **({"jsonData": plain} if plain else {}), **({"secureJsonData": secure} if secure else {})}
