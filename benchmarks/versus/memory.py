"""What memory one more reader takes, of each server."""

from __future__ import annotations

from typing import Any

from benchmarks.measure import Cores, Measured, cores, group, measure, source
from benchmarks.peer import Peer, start
from benchmarks.result import Options, Result
from benchmarks.versus.compare import ahead, compare

BEFORE, MORE = 100, 500
BITRATE = 200_000
PER_SECOND = 100
CACHE_MS = 10_000
"""How long the first ones read before more come: what a server caches of a stream is there."""


def run(options: Options) -> Result:
    """Compares the memory of each server with few and with many readers."""
    on = cores()
    grown: dict[str, list[float]] = {}

    def one(which: Peer) -> Measured:
        measured, kib = _measure(which, on, options.seconds)
        grown.setdefault(which.name, []).append(kib / MORE)
        return measured

    compared = compare(options, one, transport="tcp")
    kept: dict[str, list[float]] = {server: grown[server] for server in compared.measured}
    return Result(
        title="Memory of one more reader, beside other servers",
        method=(
            f"A stream of {BITRATE / 1000:g} kbit/s, to each server, with {BEFORE} readers over TCP and, "
            f"{CACHE_MS / 1000:g} s later, with {MORE} more: the difference of what its process has in RAM, "
            f"by the number of readers; {options.repeats} times. The kernel's buffers are not in it. The aim "
            f"of relaycore is the best of the others.{compared.remarks}"
        ),
        figures=[
            *ahead("one more reader", "KiB", kept),
            *compared.figures(
                f"{BEFORE + MORE} readers", "MiB", lambda one: one.memory_kib / 1024, aim=False
            ),
            *compared.figures("readers that failed", "", lambda one: one.failed, aim=False),
        ],
        cpu_seconds=compared.cpu_seconds,
        runs=compared.runs,
        versions=compared.versions,
    )


def _measure(which: Peer, on: Cores, seconds: float) -> tuple[Measured, float]:
    """A run, and by how many KiB the server has grown."""
    before: list[float] = []
    with start(which, on.server) as target:
        few = group(target, BEFORE, per_second=PER_SECOND, name="before")
        begin = few.start_ms + CACHE_MS
        many = group(target, MORE, per_second=PER_SECOND, start_ms=begin)
        look: dict[int, Any] = {begin: lambda: before.append(target.memory_kib())}
        streams = [source(target, bitrate=BITRATE)]
        measured = measure(target, on, [few, many], seconds=seconds, sources=streams, at=look)
    return measured, measured.memory_kib - before[0]
