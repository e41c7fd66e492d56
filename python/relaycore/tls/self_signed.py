"""A certificate that is signed by itself, for relays whose clients know them by it.

It encrypts, but tells nobody who the relay is: clients compare its fingerprint, or are told not to ask.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from relaycore.errors import StateError
from relaycore.language import Message

__all__ = ["self_signed"]

VALID_DAYS = 825
"""Days that a certificate lasts: Apple's systems trust none that lasts longer."""

RENEWED_DAYS = 30
"""Days before its end at which another one is made."""

_FOLDER, _CERTIFICATE, _KEY = "tls", "certificate.pem", "key.pem"


def self_signed(folder: Path, names: Iterable[str]) -> tuple[Path, Path]:
    """The files of the certificate and of its key in the state folder; both are made where there are none.

    ``names`` are further names and addresses of this machine beside its own. The key can be read by its
    owner alone. StateError when the files cannot be written.
    """
    chain, key = folder / _FOLDER / _CERTIFICATE, folder / _FOLDER / _KEY
    try:
        if not (key.exists() and _lasts(chain)):
            chain.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(chain, key, names)
    except OSError as error:
        raise StateError(
            Message(
                "No certificate can be written to {parent}: {strerror}. Give the relay the right to "
                "write there, or another folder with --state-folder.",
                parent=chain.parent,
                strerror=error.strerror,
            )
        ) from error
    return chain, key


def _lasts(chain: Path) -> bool:
    try:
        found = x509.load_pem_x509_certificate(chain.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return found.not_valid_after_utc - datetime.now(UTC) > timedelta(days=RENEWED_DAYS)


def _make(chain: Path, key: Path, names: Iterable[str]) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relaycore")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of cameras and recorders are often a little slow.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key, secret, 0o600)
    _write(chain, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Puts a whole file in the place of another, never readable by others before it has its mode."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    new.replace(path)


def _alternatives(names: Iterable[str]) -> list[x509.GeneralName]:
    own = socket.gethostname()
    wanted = dict.fromkeys(["localhost", "127.0.0.1", "::1", own, f"{own}.local", *names])
    found: list[x509.GeneralName] = []
    for name in wanted:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            if name.isascii() and name:
                found.append(x509.DNSName(name))
    return found
