"""From the start of the program to the first picture that a player has decoded."""

from __future__ import annotations

import time
from statistics import median

from benchmarks.player import pictures
from benchmarks.result import Figure, Options, Result
from benchmarks.server import PATTERN_720P30, serve

ROUNDS = 7


def run(_options: Options) -> Result:
    """Starts the server several times; the player connects as soon as the server says that it serves."""
    ready: list[float] = []
    first: list[float] = []
    cpu = 0.0
    for _ in range(ROUNDS):
        with serve(*PATTERN_720P30) as server:
            ready.append(time.monotonic() - server.started)
            with_player = pictures(server.url)
            next(with_player)
            first.append(time.monotonic() - server.started)
            with_player.close()
            cpu += server.cpu_seconds()
    return Result(
        title="Start to first picture",
        method=(
            f"`relaycore serve` with the pattern at 720p30, started {ROUNDS} times: from its start "
            "until it says that it serves, and until a player (PyAV over TCP, running already) has decoded "
            "the first picture. Medians. The interpreter, PyAV and numpy are read from the file cache."
        ),
        figures=[
            Figure("serving", median(ready), "s"),
            Figure("first picture", median(first), "s", below=1.5),
            Figure("slowest first picture", max(first), "s"),
        ],
        cpu_seconds={"servers": cpu},
    )
