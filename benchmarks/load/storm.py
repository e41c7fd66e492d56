"""Two hundred readers that join in each second."""

from __future__ import annotations

from benchmarks.measure import STREAM, Measured, cores, group, measure
from benchmarks.peer import peer, start
from benchmarks.result import Figure, Options, Result, middle

WATCHING, PER_SECOND = 50, 200


def run(options: Options) -> Result:
    """Looks at those that watch while others join, and at those that join."""
    on = cores()
    runs = []
    found: list[Measured] = []
    for turn in range(options.repeats):
        with start(peer("relaycore"), on.server) as target:
            watching = group(target, WATCHING, per_second=WATCHING, name="watching")
            begin = watching.start_ms + 2000
            joining = group(
                target,
                int(PER_SECOND * options.seconds),
                per_second=PER_SECOND,
                name="joining",
                start_ms=begin,
            )
            found.append(measure(target, on, [watching, joining], seconds=options.seconds, warm_up_ms=begin))
            runs.append(found[-1].record(server="relaycore", turn=turn, readers=joining.count))
    watchers = [one.report.groups[0] for one in found]
    joiners = [one.readers for one in found]
    return Result(
        title=f"{PER_SECOND} joins a second",
        method=(
            f"A stream of {STREAM}, published to relaycore on one processor and watched by {WATCHING} "
            f"readers over TCP; {PER_SECOND} more join in each second and stay, for {options.seconds:g} s, "
            f"{options.repeats} times."
        ),
        figures=[
            Figure("readers that failed", sum(one.failed for one in found), "", below=1),
            middle("PLAY answered, 99th percentile", [one.setup_ms.p99 for one in joiners], "ms"),
            middle("first picture, 95th percentile", [one.first_picture_ms.p95 for one in joiners], "ms"),
            middle(
                "latency p99 of those that watch", [one.latency_ms.p99 for one in watchers], "ms", below=100
            ),
            Figure(
                "access units that those did not get whole",
                sum(one.access_units.broken for one in watchers),
                "",
                below=1,
            ),
        ],
        cpu_seconds={"relaycore": sum(one.cpu_seconds for one in found)},
        runs=runs,
    )
