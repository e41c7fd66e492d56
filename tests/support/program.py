"""The program ``relaycore`` as a process that ends by itself, or that a test ends."""

from __future__ import annotations

import subprocess
import sys

__all__ = ["LIMIT", "SMALL", "command", "run"]

LIMIT = 45.0
"""Seconds for what takes one or two; only a hang takes that long."""

SMALL = ("--camera", "pattern", "--size", "320x240", "--fps", "10", "--encoder", "libx264")
"""Options for a stream that costs little."""


def command(*arguments: str) -> list[str]:
    """The words that start it."""
    return [sys.executable, "-m", "relaycore", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL
    )
