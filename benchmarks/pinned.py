"""``python -m benchmarks.pinned CPUS COMMAND...``: becomes a command that runs on some processors only.

CPUS are numbers with commas between. It may have as many files open as the system lets it.
"""

from __future__ import annotations

import os
import resource
import sys

__all__ = ["more_files", "pinned"]


def pinned(cpus: tuple[int, ...], command: list[str]) -> list[str]:
    """The command that starts ``command`` so."""
    return [sys.executable, "-m", __name__, ",".join(map(str, cpus)), *command]


def more_files() -> None:
    """Lets this process have as many files open as the system lets it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    os.sched_setaffinity(0, map(int, sys.argv[1].split(",")))
    more_files()
    os.execvp(sys.argv[2], sys.argv[2:])
