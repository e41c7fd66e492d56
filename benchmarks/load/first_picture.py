"""How soon a reader that joins has a picture that can be decoded."""

from __future__ import annotations

from benchmarks.measure import GOP_MS, STREAM, Cores, Measured, cores, group, measure, percentiles
from benchmarks.peer import Peer, peer, start
from benchmarks.result import Figure, Options, Result, middle

__all__ = ["PER_SECOND", "WATCHING", "joining", "run"]

WATCHING, PER_SECOND = 50, 20

LAST_S = 3.0
"""How long the last one that joins is waited for: longer than from one key frame to the next."""


def run(options: Options) -> Result:
    """Lets readers join at all moments of a group of pictures, beside some that watch."""
    on = cores()
    runs, found = [], []
    cpu = 0.0
    for turn in range(options.repeats):
        measured = joining(peer("relaycore"), on, options.seconds)
        found.append(measured)
        cpu += measured.cpu_seconds
        runs.append(
            measured.record(
                server="relaycore",
                turn=turn,
                readers=WATCHING,
                first_packet_ms=percentiles(measured.readers.first_packet_ms),
            )
        )
    first = [one.readers.first_picture_ms for one in found]
    return Result(
        title="The first picture of a reader that joins",
        method=(
            f"A stream of {STREAM}, published to relaycore on one processor and watched by {WATCHING} "
            f"readers over TCP; {PER_SECOND} more join in each second, for {options.seconds:g} s, "
            f"{options.repeats} times. From the moment when a reader connects until it has the last packet "
            "of the first access unit that a decoder can begin with. One that waits for the next key frame "
            f"would have it after {GOP_MS / 2000:g} s on average."
        ),
        figures=[
            middle("first picture, 95th percentile", [one.p95 for one in first], "ms", below=50),
            middle("first picture, median", [one.p50 for one in first], "ms"),
            middle("first picture, last", [one.max for one in first], "ms"),
            middle("PLAY answered, 95th percentile", [one.readers.setup_ms.p95 for one in found], "ms"),
            Figure("readers that failed", sum(one.failed for one in found), "", below=1),
        ],
        cpu_seconds={"relaycore": cpu},
        runs=runs,
    )


def joining(which: Peer, on: Cores, seconds: float) -> Measured:
    """Lets readers join a server for so long; they are the last group."""
    with start(which, on.server) as target:
        watching = group(target, WATCHING, per_second=WATCHING, name="watching")
        begin = watching.start_ms + 2000
        readers = group(
            target, int(PER_SECOND * seconds), per_second=PER_SECOND, name="joining", start_ms=begin
        )
        return measure(target, on, [watching, readers], seconds=seconds + LAST_S, warm_up_ms=begin)
