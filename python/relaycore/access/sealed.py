"""Passwords that have to be known again: WS-UsernameToken hashes them with what the client chose.

They are kept encrypted with a key that is somewhere else (AES-256-GCM), so that neither
alone has them.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from relaycore.access.key_file import KeyFile
from relaycore.language import Message

__all__ = ["KEY_BYTES", "SEAL_FILE", "Seal", "seal_file"]

KEY_BYTES: Final = 32

SEAL_FILE: Final = "passwords.key"
"""Name of the key in the state folder, for passwords in the account file."""

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


def seal_file(folder: Path) -> KeyFile:
    """The key for the passwords in the account file of a state folder."""
    path = folder / SEAL_FILE
    return KeyFile(
        path,
        KEY_BYTES,
        exposed=Message("{path} may be read by others, who could read passwords: chmod 600 it.", path=path),
        wrong=Message(
            "{path} is no key of passwords: put the right one back, or remove it and give the users of ONVIF "
            "their passwords anew.",
            path=path,
        ),
    )
