"""Programs that tests run."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

__all__ = ["first_bytes", "run"]


def run(command: Sequence[str | Path], *, limit: float = 45.0) -> str:
    """Run a program to its end and give back what it printed.

    AssertionError with all that it said when it fails, does not end within ``limit`` seconds or is not
    installed: a test that lacks its tool has failed.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=limit
        )
    except FileNotFoundError as error:
        raise AssertionError(f"{words[0]} is not installed: `make test` installs it") from error
    except subprocess.TimeoutExpired as error:
        raise AssertionError(
            f"{words} took longer than {limit} s: {error.stdout!r} {error.stderr!r}"
        ) from error
    assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def first_bytes(command: Sequence[str | Path], wanted: int, directory: Path, limit: float = 300.0) -> bytes:
    """The first ``wanted`` bytes that a program prints; it runs in ``directory`` and is then killed.

    For players of live streams, some of which end badly by themselves: gst-launch closes its rtspsrc while
    that still sends PAUSE, and fails for it once in many times.
    AssertionError with all that it complained of when it ends before, or is killed after ``limit`` seconds.
    """
    complaints = directory / "complaints"
    with (
        complaints.open("wb") as errors,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=directory
        ) as program,
    ):
        assert program.stdout is not None
        clock = threading.Timer(limit, program.kill)
        clock.start()
        try:
            printed = program.stdout.read(wanted)
        finally:
            clock.cancel()
            program.kill()
    assert len(printed) == wanted, f"{command} ended after {len(printed)} bytes: {complaints.read_text()}"
    return printed
