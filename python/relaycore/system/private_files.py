"""Files that nobody but their owner may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["others_may_read", "write_private"]

_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


def others_may_read(path: Path) -> bool:
    """Whether the mode of a file lets others in. Windows has no such modes: the folder decides there."""
    return os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077 != 0


def write_private(path: Path, data: bytes) -> None:
    """Makes a file that is its owner's only, and waits for the disk. FileExistsError where there is one."""
    with os.fdopen(os.open(path, _NEW, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
