"""The limit of descriptors: of files, sockets and pipes that the process may have open."""

from __future__ import annotations

import contextlib
import sys

__all__ = ["raise_descriptor_limit"]


def raise_descriptor_limit() -> int | None:
    """Raises this process's limit as far as it may, and gives it; ``None`` where there is none to raise.

    Shells start programs with a soft limit of 1024 or less, for the sake of ``select``; a relay with a
    thousand readers needs more, and may take them up to the hard limit (getrlimit(2)).
    """
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, _OPEN_MAX):
        if soft == resource.RLIM_INFINITY:
            return None
        if wanted == resource.RLIM_INFINITY or wanted > soft:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                soft = wanted
    return soft


_OPEN_MAX = 10_240
"""What macOS gives a process at most where it says that there is no limit (setrlimit(2) there)."""
