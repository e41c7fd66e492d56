"""``python -m benchmarks [--minutes N] [NAME...]``."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Final

from benchmarks.machine import is_debug_build, load, machine, versions
from benchmarks.result import Options, Result, keep

NAMES: Final = (
    "camera.glass_to_glass",
    "camera.stages",
    "camera.jpeg",
    "camera.readers",
    "camera.first_picture",
    "load.latency",
    "load.joins",
    "load.idle",
    "camera.memory",
)
"""The benchmarks, each a module, in the order in which they run; all but the last take two minutes."""


def main() -> int:
    """Runs the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Speed and memory of relaycore."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which ones, all by default: {', '.join(NAMES)}"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the memory benchmark (10)")
    arguments = parser.parse_args()
    unknown = set(arguments.names).difference(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: choose from {', '.join(NAMES)}")
    if is_debug_build():
        print("The extension is a debug build, which says nothing about speed: build it with `make bench`.")
        return 2
    for name in arguments.names or NAMES:
        _run(name, Options(minutes=arguments.minutes))
    return 0


def _run(name: str, options: Options) -> None:
    print(f"{name} ...", flush=True)
    before = load()
    result: Result = importlib.import_module(f"benchmarks.{name}").run(options)
    command = f"python -m benchmarks {name}"
    if name == "camera.memory":
        command += f" --minutes {options.minutes:g}"
    about = {**machine(), "load_before": before, "load_after": load()}
    keep(name, result, {"command": command, "machine": about, "versions": versions()})
    for figure in result.figures:
        print(f"  {figure.name:48} {figure.value:10.4g} {figure.unit:14} {figure.verdict}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
