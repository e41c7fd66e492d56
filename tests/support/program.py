"""The program ``relaycore`` as a process that ends by itself, or that a test ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["LIMIT", "SMALL", "command", "end", "run", "started"]

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


@contextmanager
def started(*arguments: str, until: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running program, and its standard output up to the line with the text ``until``."""
    process = subprocess.Popen(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    try:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if until in line:
                break
        yield process, output
    finally:
        process.kill()
        process.communicate()


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    """Sends a signal, expects the exit code 0, and gives what was printed since."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, errors
    return output, errors
