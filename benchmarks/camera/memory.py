"""Memory of a running camera while readers join and leave."""

from __future__ import annotations

import random
import select
import time
from itertools import count

import numpy as np

from benchmarks.result import Figure, Options, Result
from benchmarks.rtsp import Playing
from benchmarks.server import PATTERN_720P30, Server, serve

READERS = 10
"""Most readers that come and go at a time."""

KEEP_ALIVE_S = 20.0
WARM_UP = 0.2
"""Share of the time that does not count: buffers and caches fill."""


def run(options: Options) -> Result:
    """Serves for ``options.minutes``, with one reader that stays and up to ten that come and go."""
    with serve(*PATTERN_720P30) as server:
        times, memory, joins = _watch(server, options.minutes * 60)
        cpu = server.cpu_seconds()
    first = int(len(times) * WARM_UP)
    slope, start = np.polyfit(times[first:], memory[first:], 1)
    counted = memory[first:]
    return Result(
        title="Memory with joining and leaving readers",
        method=(
            f"The pattern at 720p30 with its tone for {options.minutes:g} minutes, one reader that stays, "
            f"and up to {READERS} that join, one each half second, and leave after a random time, half of "
            "them with TEARDOWN and half without a word. Memory of the server once a second; the slope "
            f"is that of the line through the last {1 - WARM_UP:.0%} of the samples."
        ),
        figures=[
            Figure("joins", joins, ""),
            Figure("memory when the slope begins", float(start + slope * times[first]), "MiB"),
            Figure("memory at the end", memory[-1], "MiB"),
            Figure("spread of the samples", max(counted) - min(counted), "MiB"),
            Figure("slope", float(slope) * 60, "MiB a minute", below=0.05),
        ],
        cpu_seconds={"server": cpu},
        samples={"seconds": [round(at, 1) for at in times], "mib": [round(one, 2) for one in memory]},
    )


def _watch(server: Server, seconds: float) -> tuple[list[float], list[float], int]:
    """Times and memory once a second, and how many readers joined."""
    chance = random.Random(1)
    stays = Playing(server.url)
    guests: list[Playing] = []
    times: list[float] = []
    memory: list[float] = []
    joins = 0
    kept_alive = begin = time.monotonic()
    for step in count(1):
        while (left := begin + step / 2 - time.monotonic()) > 0:
            _drain([stays, *guests], left)
        at = time.monotonic() - begin
        if at >= seconds:
            break
        if len(guests) == READERS or (guests and chance.random() < 0.3):
            _leave(guests.pop(chance.randrange(len(guests))), politely=chance.random() < 0.5)
        guests.append(Playing(server.url))
        joins += 1
        if step % 2 == 0:
            times.append(at)
            memory.append(server.rss_mib())
        if time.monotonic() - kept_alive > KEEP_ALIVE_S:
            kept_alive = time.monotonic()
            for connection in (stays, *guests):
                connection.keep_alive()
    for connection in (stays, *guests):
        connection.close()
    return times, memory, joins


def _drain(connections: list[Playing], seconds: float) -> None:
    """Throws away what comes, for at most so long. ConnectionError when the server ends one."""
    for ready in select.select(connections, [], [], seconds)[0]:
        if not ready.socket.recv(1 << 18):
            raise ConnectionError("the server ended a reader")


def _leave(connection: Playing, *, politely: bool) -> None:
    if politely:
        connection.tear_down()
    connection.close()
