"""Files that nobody but their owner may read."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

__all__ = ["others_may_read", "write_private"]

_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


def others_may_read(path: Path) -> bool:
    """Whether the mode of a file lets others in. Windows has no such modes: the folder decides there."""
    return os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077 != 0


def write_private(path: Path, data: bytes) -> None:
    """Makes a file that is its owner's only, and waits for the disk. FileExistsError where there is one.

    It is there with all that is in it or not at all, whoever looks and whatever crashes meanwhile.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(new, data)
        if os.name == "posix":
            try:
                os.link(new, path)
            except FileExistsError:
                raise
            except OSError:
                # Some file systems have no second names, like those of memory cards.
                _write(path, data)
            _sync_folder(path.parent)
        else:
            # Unlike that of POSIX, it does not take the place of another file.
            new.rename(path)
    finally:
        new.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, _NEW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Waits until the name is on the disk, too, where the file system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
