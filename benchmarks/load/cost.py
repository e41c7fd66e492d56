"""What readers cost, and how late they are, beside a bare loop that does the same."""

from __future__ import annotations

from typing import Final

from benchmarks.measure import STREAM, Transport, bare_loop, cores, measure_once, percentiles
from benchmarks.peer import peer
from benchmarks.result import Figure, Options, Result, middle

__all__ = ["LOOPS", "cost"]

READERS: Final = 1000
CPU_TIMES, LATE_TIMES = 1.25, 1.5

LOOPS: Final = {
    "tcp": "one write to each socket for each access unit",
    "udp": (
        "two sends to each address for each access unit, one of the packet with its mark, which is shorter, "
        "and one with segmentation offload of all others"
    ),
}


def cost(transport: Transport, options: Options) -> Result:
    """Measures the bare loop and relaycore in turns, and takes the ratios of each turn."""
    on, which = cores(), peer("relaycore")
    runs = []
    floors, ours = [], []
    for turn in range(options.repeats):
        bare = bare_loop(transport, READERS, on, seconds=options.seconds)
        floors.append(bare)
        runs.append(
            {
                "server": "bare loop",
                "turn": turn,
                "cpu_seconds": bare.cpu_seconds,
                "bytes": bare.bytes,
                "latency_ms": percentiles(bare.latency_ms),
                "written_within_ms": percentiles(bare.written_within_ms),
            }
        )
        measured = measure_once(which, on, READERS, transport=transport, seconds=options.seconds)
        ours.append(measured)
        runs.append(measured.record(server="relaycore", turn=turn, readers=READERS))
    both = list(zip(ours, floors, strict=True))
    cpu = [one.cpu_per_gigabit / bare.cpu_seconds_per_gigabit for one, bare in both]
    late = [one.readers.latency_ms.p99 / bare.latency_ms.p99 for one, bare in both]
    return Result(
        title=f"{READERS} readers over {transport.upper()}: cost and latency beside the bare loop",
        method=(
            f"A stream of {STREAM}, published over TCP to relaycore on one processor and read by {READERS} "
            f"readers over {transport.upper()} on the other, which check it. The bare loop sends the same "
            f"bytes from the same processor to as many sockets: {LOOPS[transport]}. Both in turns, "
            f"{options.repeats} times for {options.seconds:g} s each; medians, with the lowest and the "
            "highest. Latency is from the moment when the publisher sends an access unit to its last byte "
            "at a reader."
        ),
        figures=[
            middle("CPU, times that of the bare loop", cpu, "", below=CPU_TIMES),
            middle("latency p99, times that of the bare loop", late, "", below=LATE_TIMES),
            middle("CPU", [one.cpu_per_gigabit for one in ours], "s/Gbit"),
            middle("CPU of the bare loop", [one.cpu_seconds_per_gigabit for one in floors], "s/Gbit"),
            middle("latency p50", [one.readers.latency_ms.p50 for one in ours], "ms"),
            middle("latency p99", [one.readers.latency_ms.p99 for one in ours], "ms"),
            middle("latency p99 of the bare loop", [one.latency_ms.p99 for one in floors], "ms"),
            Figure("access units that did not come whole", sum(one.broken for one in ours), "", below=1),
            Figure("readers that failed", sum(one.failed for one in ours), "", below=1),
            middle("load generator busy", [one.report.generator.busiest_thread * 100 for one in ours], "%"),
        ],
        cpu_seconds={"relaycore": sum(one.cpu_seconds for one in ours)},
        runs=runs,
    )
