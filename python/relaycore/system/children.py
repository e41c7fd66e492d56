"""Ends programs that were started, with all that they have started themselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

__all__ = ["kill_group"]


def kill_group(process: asyncio.subprocess.Process) -> None:
    """Kills a program that was started in a session of its own, and what it has started.

    On Windows, which has no sessions of that kind, what it has started lives on.
    """
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
