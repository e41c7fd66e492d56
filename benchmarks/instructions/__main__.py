"""``python -m benchmarks.instructions [--renew]``: holds the hot paths against the counts in ``counts.json``.

More instructions than there by more than the tolerance are an error. After a change that is worth it,
``--renew`` stores new ones; the difference shows in review.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.instructions.callgrind import count

ROOT: Final = Path(__file__).parents[2]
STORED: Final = Path(__file__).with_name("counts.json")

FEW: Final = 10
MANY: Final = 60
"""How often a workload is done: the difference is what counts, so that setting up does not."""

TOLERANCE: Final = 0.03
OTHER_TOLERANCE: Final = 0.5
"""Where another compiler or another kind of processor stored the counts."""

_SHARD: Final = "shard_"
"""Workloads of this name count what the engine's threads do, not the program that reads from it."""


def main() -> int:
    """Counts, and compares or stores."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions", description="Count the instructions of the hot paths."
    )
    parser.add_argument("--renew", action="store_true", help="store what is counted")
    renew: bool = parser.parse_args().renew
    program = build()
    names = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    counted = {name: _instructions(program, name) for name in names}
    if renew:
        stored = {**_built_with(), "instructions": counted}
        STORED.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
        return 0
    return _compare(counted, json.loads(STORED.read_text(encoding="utf-8")))


def build() -> Path:
    """The program with the workloads, as it is released."""
    command = ["cargo", "build", "--release", "--locked", "--package", "relaycore-counted"]
    told = subprocess.run(
        [*command, "--message-format=json-render-diagnostics"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    built = (json.loads(line).get("executable") for line in told.splitlines())
    return Path(next(path for path in built if path))


def _instructions(program: Path, name: str) -> int:
    """What doing a workload once takes."""
    few, many = (
        count(program, [name, str(times)], main_thread=not name.startswith(_SHARD)) for times in (FEW, MANY)
    )
    return round((many - few) / (MANY - FEW))


def _built_with() -> dict[str, str]:
    compiler = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True, cwd=ROOT)
    return {"compiler": compiler.stdout.strip(), "processor": platform.machine()}


def _compare(counted: dict[str, int], stored: dict[str, Any]) -> int:
    same = all(stored[key] == value for key, value in _built_with().items())
    tolerance = TOLERANCE if same else OTHER_TOLERANCE
    known: dict[str, int] = stored["instructions"]
    failed = False
    for name, instructions in counted.items():
        before = known.get(name)
        if before is None:
            verdict, failed = "not stored", True
        elif instructions > before * (1 + tolerance):
            verdict, failed = f"more than {before:,.0f} by {instructions / before - 1:.1%}", True
        elif instructions < before * (1 - tolerance):
            verdict = f"less than {before:,.0f}: store that with --renew"
        else:
            verdict = "ok"
        print(f"{name:20} {instructions:14,.0f}  {verdict}")
    if failed:
        print(
            f"More than {tolerance:.0%} is not tolerated: callgrind_annotate tells where instructions go. "
            "If they are worth it, `make instructions RENEW=1` stores them; say in the commit why."
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
