"""``python -m benchmarks [OPTIONS] [NAME...]``, and ``python -m benchmarks render``."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Final

from benchmarks.machine import is_debug_build, load, machine, versions
from benchmarks.peer import peers
from benchmarks.pinned import more_files
from benchmarks.result import Options, Result, keep

NAMES: Final = (
    "load.tcp_cost",
    "load.udp_cost",
    "load.tcp_most",
    "load.udp_most",
    "load.first_picture",
    "load.stalled",
    "load.cores",
    "load.publishers",
    "load.storm",
    "load.sessions",
    "load.profiles",
    "load.idle",
    "load.latency",
    "load.joins",
    "load.ledger",
    "load.journeys",
    "versus.tcp",
    "versus.udp",
    "versus.most",
    "versus.first_picture",
    "versus.memory",
    "camera.glass_to_glass",
    "camera.stages",
    "camera.jpeg",
    "camera.masks",
    "camera.sub",
    "camera.readers",
    "camera.first_picture",
    "camera.memory",
    "camera.fleet",
    "web.glass_to_glass",
    "web.webrtc_viewers",
    "web.websocket_viewers",
    "alerts",
    "micro",
)
"""The benchmarks, each a module, in the order in which they run."""

SELECTION: Final = {
    "load.tcp_cost": Options(seconds=6),
    "load.udp_cost": Options(seconds=6),
    "load.tcp_most": Options(repeats=1, seconds=5),
    "load.first_picture": Options(seconds=5),
    "load.stalled": Options(repeats=2, seconds=6),
    "load.publishers": Options(repeats=1, seconds=6),
    "load.storm": Options(repeats=1, seconds=6),
    "load.idle": Options(),
    "versus.tcp": Options(repeats=1, seconds=5),
    "versus.udp": Options(repeats=1, seconds=5),
    "camera.glass_to_glass": Options(),
    "micro": Options(),
}
"""What runs when nothing is named, in ten minutes, and how often and how long each measures."""

OF_NO_SPEED: Final = frozenset({"alerts"})
"""Benchmarks that find the same in a debug build."""

RENDER: Final = "render"


def main() -> int:
    """Runs the benchmarks that are named, or the selection, and draws the page of all results."""
    arguments = _arguments()
    if arguments.names != [RENDER]:
        if is_debug_build() and not set(arguments.names or SELECTION) <= OF_NO_SPEED:
            print(
                "The extension is a debug build, which says nothing about speed: build it with `make bench`."
            )
            return 2
        more_files()
        asked = Options(
            minutes=arguments.minutes,
            repeats=arguments.repeats,
            seconds=arguments.seconds,
            peers=tuple(arguments.peers),
        )
        for name in _chosen(arguments.names) if arguments.names else SELECTION:
            _run(name, asked if arguments.names else SELECTION[name])
    # It needs matplotlib, which nothing else does.
    from benchmarks.page import render

    render()
    return 0


def _arguments() -> argparse.Namespace:
    defaults = Options()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="What relaycore does and costs."
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which ones, or all of a folder: {', '.join(NAMES)}. Without any, a selection that takes ten "
        f"minutes; `{RENDER}` only draws the page of results",
    )
    parser.add_argument(
        "--minutes", type=float, default=defaults.minutes, help="length of camera.memory (%(default)g)"
    )
    parser.add_argument(
        "--repeats",
        type=int,
        default=defaults.repeats,
        help="how often load, versus, camera.sub and the viewers of web measure (%(default)d)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=defaults.seconds,
        help="how long they measure each time (%(default)g)",
    )
    parser.add_argument(
        "--peers", nargs="+", default=[], choices=peers(), help="servers of versus; all that are installed"
    )
    arguments = parser.parse_args()
    for name in arguments.names:
        if name != RENDER and not _chosen([name]):
            parser.error(f"there is no benchmark {name}: choose from {', '.join(NAMES)}")
    return arguments


def _chosen(names: list[str]) -> list[str]:
    """Benchmarks by their names, or by those of their folders."""
    return [name for name in NAMES if name in names or name.partition(".")[0] in names]


def _run(name: str, options: Options) -> None:
    print(f"{name} ...", flush=True)
    before = load()
    result: Result = importlib.import_module(f"benchmarks.{name}").run(options)
    about = {**machine(), "load_before": before, "load_after": load()}
    keep(name, result, {"command": _command(name, options), "machine": about, "versions": versions()})
    for one in result.figures:
        of = f"{one.of}: " if one.of else ""
        print(f"  {of + one.name:56} {one.value:10.4g} {one.unit:14} {one.verdict}", flush=True)


def _command(name: str, options: Options) -> str:
    """What measures the same again."""
    defaults = Options()
    words = ["python -m benchmarks", name]
    if name == "camera.memory":
        words.append(f"--minutes {options.minutes:g}")
    if name.startswith(("load.", "versus.")) or name.endswith("_viewers") or name == "camera.sub":
        words += [f"--repeats {options.repeats}"] if options.repeats != defaults.repeats else []
        words += [f"--seconds {options.seconds:g}"] if options.seconds != defaults.seconds else []
    if name.startswith("versus.") and options.peers:
        words.append(f"--peers {' '.join(options.peers)}")
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
