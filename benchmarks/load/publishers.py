"""A thousand publishers, with one reader each."""

from __future__ import annotations

from benchmarks.measure import FPS, GOP_MS, Measured, cores, group, measure, source
from benchmarks.peer import peer, start
from benchmarks.result import Figure, Options, Result, middle

STREAMS = 1000
BITRATE = 1_000_000
PER_SECOND = 200


def run(options: Options) -> Result:
    """Lets publishers come, then their readers, and measures when all are there."""
    runs = []
    found: list[Measured] = []
    for turn in range(options.repeats):
        measured = _measure(options.seconds)
        found.append(measured)
        runs.append(measured.record(server="relaycore", turn=turn, readers=STREAMS))
    gigabits = [(one.report.bytes + sum(sent.bytes for sent in one.report.sources)) * 8e-9 for one in found]
    python = [_python_seconds(one) / one.report.seconds * 100 for one in found]
    return Result(
        title=f"{STREAMS} publishers with one reader each",
        method=(
            f"{STREAMS} streams of {BITRATE / 1e6:g} Mbit/s at {FPS} pictures a second, a key frame every "
            f"{GOP_MS / 1000:g} s, published over TCP to relaycore on one processor; {PER_SECOND} publishers "
            f"come in a second, and then as many readers, one for each stream. For {options.seconds:g} s "
            f"after that, {options.repeats} times. Python's thread decides about sessions and sees no packet."
        ),
        figures=[
            middle("streams published", [_publishing(one) for one in found], "", at_least=STREAMS),
            Figure("readers that failed", sum(one.failed for one in found), "", below=1),
            Figure("access units that did not come whole", sum(one.broken for one in found), "", below=1),
            middle("latency p99", [one.readers.latency_ms.p99 for one in found], "ms", below=100),
            middle("latency p50", [one.readers.latency_ms.p50 for one in found], "ms"),
            middle("Python's thread, while nobody comes or goes", python, "% of a core", below=2),
            middle(
                "CPU, in and out together",
                [one.cpu_seconds / amount for one, amount in zip(found, gigabits, strict=True)],
                "s/Gbit",
            ),
            middle(
                "RECORD answered, 95th percentile",
                [one.report.sources[0].setup_ms.p95 for one in found],
                "ms",
            ),
            middle("PLAY answered, 95th percentile", [one.readers.setup_ms.p95 for one in found], "ms"),
        ],
        cpu_seconds={"relaycore": sum(one.cpu_seconds for one in found)},
        runs=runs,
    )


def _measure(seconds: float) -> Measured:
    on = cores()
    with start(peer("relaycore"), on.server) as target:
        # Each publisher and each reader has a path of its own: live0, live1 and so on.
        url = target.url + "{n}"
        streams = source(target, url=url, count=STREAMS, bitrate=BITRATE, ramp_per_second=PER_SECOND)
        readers = group(
            target,
            STREAMS,
            per_second=PER_SECOND,
            url=url,
            paths=STREAMS,
            start_ms=STREAMS * 1000 // PER_SECOND + 1000,
        )
        return measure(target, on, [readers], seconds=seconds, sources=[streams])


def _publishing(measured: Measured) -> int:
    return sum(one.publishing for one in measured.report.sources)


def _python_seconds(measured: Measured) -> float:
    """Processor time of the first thread, which runs the event loop."""
    return next(iter(measured.thread_seconds.values()))
