"""The key that signs the ledger (Ed25519, RFC 8032), and its public half.

``ledger.key`` in the state folder is the private key, for its owner only; ``ledger.pub`` is what others need
to verify. Both are PEM, as OpenSSL writes them.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.system.private_files import others_may_read

__all__ = ["KEY_FILE", "NEW_FILE", "PUBLIC_KEY_FILE", "PublicKey", "SigningKey"]

KEY_FILE: Final = "ledger.key"
"""Name of the private key in the state folder."""

PUBLIC_KEY_FILE: Final = "ledger.pub"
"""Name of the public key in the state folder."""

NEW_FILE: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
"""How a file is opened that must not be there yet; on Windows without changing the ends of lines."""

_LARGEST: Final = 4096
"""Bytes; a key is much shorter."""


class PublicKey:
    """What signatures are checked with."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.fingerprint = hashlib.sha256(raw).hexdigest()[:32]
        """Names the key: the first 128 bits of the SHA-256 of its 32 bytes."""
        self.pem = key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode("ascii")

    @classmethod
    def load(cls, path: Path) -> PublicKey:
        """The public key in a file. StateError where there is none."""
        try:
            key = serialization.load_pem_public_key(_read(path))
        except FileNotFoundError:
            raise StateError(
                Message("{path} is missing: name the public key that was kept for the ledger.", path=path)
            ) from None
        except ValueError:
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise StateError(
                Message("{path} is no public key of a ledger: name the one that was kept for it.", path=path)
            )
        return cls(key)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is the one of this key for the message."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """The private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    @classmethod
    def load(cls, folder: Path) -> SigningKey:
        """The key in a state folder. StateError where there is none, or where others may read it."""
        path = folder / KEY_FILE
        try:
            if others_may_read(path):
                raise StateError(
                    Message(
                        "{path} may be read by others, who could sign in its place: chmod 600 it.", path=path
                    )
                )
            key = serialization.load_pem_private_key(_read(path), password=None)
        except FileNotFoundError:
            raise StateError(
                Message(
                    "{path} is missing, and without it nothing can be added to the ledger beside it: "
                    "put the key back, or move the ledger away to begin a new one.",
                    path=path,
                )
            ) from None
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise StateError(Message("{path} is no key of a ledger: put the right one back.", path=path))
        return cls(key)

    @classmethod
    def make(cls, folder: Path) -> SigningKey:
        """A new key, kept in a state folder; the one that is there already where there is one."""
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            descriptor = os.open(folder / KEY_FILE, NEW_FILE, 0o600)
        except FileExistsError:
            made = cls.load(folder)
        else:
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            made = cls(key)
        (folder / PUBLIC_KEY_FILE).write_text(made.public.pem, encoding="ascii")
        return made

    def sign(self, message: bytes) -> bytes:
        """The signature for a message, 64 bytes."""
        return self._key.sign(message)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StateError(
            Message("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror)
        ) from None
