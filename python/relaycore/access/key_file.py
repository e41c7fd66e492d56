"""A key in the state folder: random bytes as hexadecimal digits, for its owner only."""

from __future__ import annotations

import secrets
from pathlib import Path

from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.system.private_files import others_may_read, write_private

__all__ = ["KeyFile"]


class KeyFile:
    """A key of ``length`` bytes at ``path``.

    ``exposed`` says what to do where others may read the file, ``wrong`` where it holds no such key. Every
    method may raise StateError.
    """

    def __init__(self, path: Path, length: int, *, exposed: str, wrong: str) -> None:
        self._path, self._length = path, length
        self._exposed, self._wrong = exposed, wrong

    def read(self) -> bytes | None:
        """The key, if there is one."""
        path = self._path
        try:
            if others_may_read(path):
                raise StateError(self._exposed)
            key = bytes.fromhex(path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StateError(
                Message("{path} cannot be read: {error}. Put it back, or remove it.", path=path, error=error)
            ) from None
        if len(key) != self._length:
            raise StateError(self._wrong)
        return key

    def mark(self) -> tuple[int, ...] | None:
        """What tells one version of the file from another; ``None`` where there is none."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode

    def make(self) -> bytes:
        """The key; a new one where there is none."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            write_private(self._path, secrets.token_hex(self._length).encode("ascii"))
        except FileExistsError:
            pass
        except OSError as error:
            raise StateError(
                Message("{value} cannot be written: {strerror}.", value=self._path, strerror=error.strerror)
            ) from None
        key = self.read()
        assert key is not None
        return key
