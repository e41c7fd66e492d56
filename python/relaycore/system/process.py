"""What this process uses, where the system shows it as files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["open_descriptors", "resident_bytes"]


def open_descriptors() -> int:
    """How many files, sockets and pipes the process has open. OSError where the system does not show it."""
    folder = Path("/dev/fd" if sys.platform == "darwin" else "/proc/self/fd")
    return sum(1 for _ in folder.iterdir())


def resident_bytes() -> int:
    """Bytes of the process that are in memory. OSError where the system does not show it.

    The second number of ``statm``: resident pages (proc(5)).
    """
    if sys.platform == "win32":
        raise OSError("Windows shows the memory of a process by calls only")
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
