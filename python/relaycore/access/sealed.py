"""Passwords that have to be known again: WS-UsernameToken hashes them with what the client chose.

They are kept encrypted with a key that is somewhere else (AES-256-GCM), so that neither
alone has them.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["KEY_BYTES", "Seal"]

KEY_BYTES: Final = 32

_NONCE_BYTES: Final = 12
"""As NIST SP 800-38D section 8.2.2 has it for random ones."""


class Seal:
    """Encrypts passwords, each for the user who has it."""

    def __init__(self, key: bytes | None = None) -> None:
        self._cipher = AESGCM(secrets.token_bytes(KEY_BYTES) if key is None else key)

    def close(self, name: str, password: str) -> bytes:
        """The password of a user, encrypted."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, password.encode(), name.encode())

    def open(self, name: str, sealed: bytes) -> str | None:
        """The password again; ``None`` where it was of another user or with another key."""
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            return None
        return plain.decode()
