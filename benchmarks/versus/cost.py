"""What readers cost each server, and how late they are, beside the bare loop."""

from __future__ import annotations

from benchmarks.load.cost import LOOPS
from benchmarks.measure import STREAM, Transport, bare_loop, cores, measure_once, percentiles
from benchmarks.result import Options, Result, middle
from benchmarks.versus.compare import compare

__all__ = ["cost"]


def cost(transport: Transport, readers: int, options: Options) -> Result:
    """Measures the bare loop, and each server in turns."""
    on = cores()
    bare = [bare_loop(transport, readers, on, seconds=options.seconds) for _ in range(options.repeats)]
    compared = compare(
        options,
        lambda which: measure_once(which, on, readers, transport=transport, seconds=options.seconds),
        transport=transport,
        readers=readers,
    )
    loop = "bare loop"
    return Result(
        title=f"{readers} readers over {transport.upper()}, beside other servers",
        method=(
            f"A stream of {STREAM}, to each server on one processor; {readers} readers over "
            f"{transport.upper()} on the other, which check it. In turns, {options.repeats} times for "
            f"{options.seconds:g} s each; medians, with the lowest and the highest. The bare loop sends the "
            f"same bytes from the same processor to as many sockets: {LOOPS[transport]}. Latency is from the "
            "moment when the source sends an access unit to its last byte at a reader; of a server that "
            "falls behind, what came in that time is what has a latency. The aim of relaycore is the best "
            f"of the others.{compared.remarks}"
        ),
        figures=[
            *compared.figures("CPU", "s/Gbit", lambda one: one.cpu_per_gigabit),
            middle("CPU", [one.cpu_seconds_per_gigabit for one in bare], "s/Gbit", of=loop),
            *compared.figures("latency p99", "ms", lambda one: one.readers.latency_ms.p99),
            middle("latency p99", [one.latency_ms.p99 for one in bare], "ms", of=loop),
            *compared.figures("latency p50", "ms", lambda one: one.readers.latency_ms.p50),
            middle("latency p50", [one.latency_ms.p50 for one in bare], "ms", of=loop),
            *compared.figures(
                "access units that came whole", "%", lambda one: one.delivered * 100, aim=False
            ),
            *compared.figures("readers that failed", "", lambda one: one.failed, aim=False),
        ],
        cpu_seconds=compared.cpu_seconds,
        runs=[
            *(
                {
                    "server": loop,
                    "turn": turn,
                    "transport": transport,
                    "readers": readers,
                    "cpu_seconds": one.cpu_seconds,
                    "bytes": one.bytes,
                    "latency_ms": percentiles(one.latency_ms),
                }
                for turn, one in enumerate(bare)
            ),
            *compared.runs,
        ],
        versions=compared.versions,
    )
