"""What readers notice of others that do not read any more."""

from __future__ import annotations

from statistics import median

from benchmarks.measure import STREAM, Measured, cores, group, measure
from benchmarks.peer import peer, start
from benchmarks.result import Figure, Options, Result, middle

GOOD, STALLED = 200, 20
STALLED_FOR_MS = 8000
"""When measuring begins: by then the kernel's buffers are full, and what waits is too old."""


def run(options: Options) -> Result:
    """Measures with and without them in turns."""
    runs = []
    without: list[Measured] = []
    beside: list[Measured] = []
    for turn in range(options.repeats):
        for stalled, kept in ((0, without), (STALLED, beside)):
            measured = _measure(stalled, options.seconds)
            kept.append(measured)
            runs.append(measured.record(server="relaycore", turn=turn, readers=GOOD, stalled=stalled))
    p99 = [median(one.readers.latency_ms.p99 for one in each) for each in (without, beside)]
    return Result(
        title="Good readers beside stalled ones",
        method=(
            f"A stream of {STREAM}, published to relaycore on one processor; {GOOD} readers over TCP, with "
            f"and without {STALLED} more that keep their connections open but have read nothing for "
            f"{STALLED_FOR_MS / 1000:g} s when measuring begins. In turns, {options.repeats} times for "
            f"{options.seconds:g} s each. The change is that of the median."
        ),
        figures=[
            Figure("latency p99, change", (p99[1] / p99[0] - 1) * 100, "%", below=10),
            middle("latency p99 without", [one.readers.latency_ms.p99 for one in without], "ms"),
            middle("latency p99 beside them", [one.readers.latency_ms.p99 for one in beside], "ms"),
            middle("latency p50 without", [one.readers.latency_ms.p50 for one in without], "ms"),
            middle("latency p50 beside them", [one.readers.latency_ms.p50 for one in beside], "ms"),
            Figure(
                "access units that good readers did not get",
                sum(one.readers.access_units.broken for one in beside),
                "",
                below=1,
            ),
        ],
        cpu_seconds={"relaycore": sum(one.cpu_seconds for one in [*without, *beside])},
        runs=runs,
    )


def _measure(stalled: int, seconds: float) -> Measured:
    on = cores()
    with start(peer("relaycore"), on.server) as target:
        groups = [group(target, GOOD, per_second=GOOD, name="good")]
        warm_up = groups[0].start_ms + 1000 + STALLED_FOR_MS
        if stalled:
            groups.insert(0, group(target, stalled, per_second=GOOD, name="stalled", behaviour="stalled"))
        return measure(target, on, groups, seconds=seconds, warm_up_ms=warm_up)
