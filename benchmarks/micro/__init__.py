"""Single steps through the Python extension, timed by pytest-benchmark: ``pytest benchmarks/micro``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from benchmarks.result import Figure, Options, Result

__all__ = ["run"]

FOLDER: Final = Path(__file__).parent


class _Stats(msgspec.Struct):
    """Seconds, as pytest-benchmark writes them."""

    median: float
    q1: float
    q3: float


class _Step(msgspec.Struct):
    name: str
    stats: _Stats


class _Steps(msgspec.Struct):
    benchmarks: list[_Step]


def run(_options: Options) -> Result:
    """Runs them in a process of their own. CalledProcessError when one fails."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "steps.json"
        command = [sys.executable, "-m", "pytest", "-q", str(FOLDER), f"--benchmark-json={path}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        steps = msgspec.json.decode(path.read_bytes(), type=_Steps).benchmarks
    return Result(
        title="Single steps through the Python extension",
        method=(
            "Each step by itself, again and again, by the clock and not by the processor's; medians, with "
            "the quartiles in brackets. What a program in Python pays for a call is in it."
        ),
        figures=[
            Figure(
                _title(step.name),
                step.stats.median * 1e6,
                "µs",
                low=step.stats.q1 * 1e6,
                high=step.stats.q3 * 1e6,
            )
            for step in steps
        ],
    )


def _title(name: str) -> str:
    """What a test is called, in words."""
    return name.removeprefix("test_").replace("_", " ").replace("[", " (").replace("]", ")")
