"""The cluster's certificates and kubeconfigs: its own authority, one identity per component, as with kubeadm."""

import base64
import datetime
import ipaddress
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=365)

# Kubernetes reads the user from the common name and the groups from the organizations.
IDENTITIES: dict[str, tuple[str, Sequence[str]]] = {
    "admin": ("kubernetes-admin", ["system:masters"]),
    "controller-manager": ("system:kube-controller-manager", []),
    "scheduler": ("system:kube-scheduler", []),
    "proxy": ("system:kube-proxy", []),
    "provisioner": ("mesh-tracing:provisioner", []),
    "policies": ("mesh-tracing:policies", []),
}


class Authority:
    """A certificate authority that writes ``NAME.crt`` and ``NAME.key`` below one folder."""

    def __init__(self, path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        """Issue with ``key``; ``path`` is the file of ``certificate``, beside which what is issued lies."""
        self.path = path
        self._key = key
        self._certificate = certificate

    @classmethod
    def create(cls, folder: Path, name: str) -> Self:
        """Make a new authority, and write its own certificate and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(subject, subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = folder / f"{name}.crt"
        _write(path.with_suffix(".key"), _private(key))
        _write(path, certificate.public_bytes(serialization.Encoding.PEM))
        return cls(path, key, certificate)

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        """Return the authority that ``create`` has written."""
        path = folder / f"{name}.crt"
        key = serialization.load_pem_private_key(path.with_suffix(".key").read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{path.with_suffix('.key')} holds no key of the kind that is written here")
        return cls(path, key, x509.load_pem_x509_certificate(path.read_bytes()))

    def issue(self, file: str, user: str, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> tuple[Path, Path]:
        """Write a certificate for client use, and for serving ``hosts``; return its path and its key's."""
        key = ec.generate_private_key(ec.SECP256R1())
        organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        builder = _builder(subject, self._certificate.subject, key.public_key()).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]),
            critical=False,
        )
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_host(name) for name in hosts]), critical=False
            )
        certificate = builder.sign(self._key, hashes.SHA256())
        paths = self.path.with_name(f"{file}.crt"), self.path.with_name(f"{file}.key")
        _write(paths[0], certificate.public_bytes(serialization.Encoding.PEM))
        _write(paths[1], _private(key))
        return paths


def signing_key(folder: Path) -> None:
    """Write the key pair with which service-account tokens are signed and checked."""
    key = ec.generate_private_key(ec.SECP256R1())
    _write(folder / "service-account.key", _private(key))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _write(folder / "service-account.pub", public)


def write_kubeconfig(path: Path, context: str, server: str, authority: Path, client: tuple[Path, Path]) -> None:
    """Write a kubeconfig of one context whose credentials are embedded, so that the file stands alone."""
    certificate, key = client
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [
            {
                "name": context,
                "cluster": {"server": server, "certificate-authority-data": _base64(authority)},
            }
        ],
        "users": [
            {
                "name": context,
                "user": {
                    "client-certificate-data": _base64(certificate),
                    "client-key-data": _base64(key),
                },
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
    }
    _write(path, json.dumps(config, indent=1).encode())  # JSON is YAML


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks of clients may be behind
        .not_valid_after(now + LIFETIME)
    )


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _write(path: Path, content: bytes) -> None:
    """Write for the owner's eyes only: most of these files are keys or hold one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
