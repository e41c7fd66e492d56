"""What a camera costs with no reader, one and fifty, and so what one more reader costs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

from benchmarks.drain import readers
from benchmarks.result import Figure, Options, Result
from benchmarks.server import PATTERN_720P30, Server, serve

COUNTS = (0, 1, 50)
ROUNDS = 3
SECONDS = 6.0
SETTLE_S = 1.5
"""Starting readers cost a handshake and a key frame, which is not what is measured."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time by second of time, in percent of a core: of the server, and of its shards alone."""

    server: float
    shards: float


def run(_options: Options) -> Result:
    """Measures 0, 1 and 50 readers in turns, so that what else the machine does falls on all of them."""
    costs: dict[int, list[Cost]] = {count: [] for count in COUNTS}
    drained = received = 0.0
    with serve(*PATTERN_720P30) as server:
        for _ in range(ROUNDS):
            for count in COUNTS:
                with readers(server.url, count) as drain:
                    costs[count].append(_measure(server))
                drained += drain.cpu_seconds
                received += drain.received
        cpu = server.cpu_seconds()
    server_cost = {count: median(cost.server for cost in costs[count]) for count in COUNTS}
    shard_cost = {count: median(cost.shards for cost in costs[count]) for count in COUNTS}
    more = COUNTS[2] - COUNTS[1]
    return Result(
        title="Processor time by readers",
        method=(
            f"The pattern at 720p30 with its tone; {', '.join(map(str, COUNTS))} readers over TCP in turns, "
            f"{ROUNDS} times for {SECONDS:g} s each, medians. The readers are one process that throws away "
            "what comes, counted apart. What one more reader costs is the difference between 50 and 1, by "
            "49: once for the threads that carry packets, which is all that readers use, and once for the "
            "whole server, in which the encoder's share varies by more than that."
        ),
        figures=[
            *(Figure(f"server with {count} readers", server_cost[count], "% of a core") for count in COUNTS),
            *(Figure(f"shards with {count} readers", shard_cost[count], "% of a core") for count in COUNTS),
            Figure(
                "one more, by the shards",
                (shard_cost[50] - shard_cost[1]) / more,
                "% of a core",
                below=0.2,
            ),
            Figure(
                "one more, by the server",
                (server_cost[50] - server_cost[1]) / more,
                "% of a core",
                below=0.2,
            ),
            Figure("received by readers", received / 1e6, "MB"),
        ],
        cpu_seconds={"server": cpu, "readers": drained},
    )


def _measure(server: Server) -> Cost:
    time.sleep(SETTLE_S)
    began, all_before, shards_before = time.monotonic(), server.cpu_seconds(), server.shard_seconds()
    time.sleep(SECONDS)
    passed = time.monotonic() - began
    return Cost(
        (server.cpu_seconds() - all_before) / passed * 100,
        (server.shard_seconds() - shards_before) / passed * 100,
    )
