"""One run of the load generator against a server, and what the server needed for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from benchmarks.generator import floor, generate, nothing
from benchmarks.peer import Peer, Target, start
from relaycore._relaycore import LoadRun
from relaycore.bench.plan import FloorKind, FloorPlan, Group, Plan, Source
from relaycore.bench.quality import BUSY, Quality, doubts, good_groups, shortfalls
from relaycore.bench.report import Distribution, FloorReport, GroupReport, Report

__all__ = [
    "BITRATE",
    "FPS",
    "GOP_MS",
    "HELD",
    "STREAM",
    "Cores",
    "Measured",
    "Transport",
    "bare_loop",
    "carry_out",
    "cores",
    "group",
    "measure",
    "measure_once",
    "percentiles",
    "source",
]

Transport = Literal["tcp", "udp"]

BITRATE: Final = 4_000_000
FPS: Final = 30
GOP_MS: Final = 2000

STREAM: Final = f"{BITRATE / 1e6:g} Mbit/s at {FPS} pictures a second, a key frame every {GOP_MS / 1000:g} s"

BEGIN_MS: Final = {"publish": 1500, "rtp_udp": 5000}
"""When readers come, by how the stream comes to the server.

A publisher has to be there by then. A server that takes plain RTP prepares its stream for its first reader,
which comes a little earlier and waits for a key frame.
"""

SETTLE_MS: Final = 2000
"""From the last reader to what is measured."""

BEFORE_END_MS: Final = 100
"""When memory is looked at: the readers are still there."""

HELD: Final = Quality()
"""What makes a number of readers one that is held."""

JOINS_PER_SECOND: Final = 200.0
LONGEST_RAMP_S: Final = 8.0
"""How fast readers come, where that is not what is measured."""

NOTHING: Final[Mapping[int, Callable[[], None]]] = MappingProxyType({})

_FLOOR_KINDS: Final[dict[Transport, FloorKind]] = {"tcp": "tcp_burst", "udp": "udp_offload"}


@dataclass(frozen=True, slots=True)
class Cores:
    """The processors of the server, and those of the load."""

    server: tuple[int, ...]
    load: tuple[int, ...]


def cores(servers: int = 1) -> Cores:
    """The first ones for the server and all others for the load; a machine with too few shares them."""
    mine = tuple(sorted(os.sched_getaffinity(0)))
    return Cores(mine[:servers], mine[servers:] or mine)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run found.

    Processor time is that of the server while it was measured, also by thread; memory is what it had in RAM
    at the end.
    """

    plan: Plan
    report: Report
    cpu_seconds: float
    memory_kib: float
    thread_seconds: dict[str, float]

    @property
    def readers(self) -> GroupReport:
        """The last group: those that the measurement is about."""
        return self.report.groups[-1]

    @property
    def cpu_per_gigabit(self) -> float:
        """Processor seconds for each gigabit that readers got. RuntimeError when they got nothing."""
        if self.report.bytes == 0:
            raise RuntimeError(f"no reader got anything: {self.report.findings}")
        return self.cpu_seconds / (self.report.bytes * 8e-9)

    @property
    def good(self) -> list[GroupReport]:
        """The groups of readers that are to get everything in time."""
        return [found for _, found in good_groups(self.plan, self.report)]

    @property
    def broken(self) -> int:
        """Access units that good readers did not get, or not whole."""
        return sum(one.access_units.broken for one in self.good)

    @property
    def failed(self) -> int:
        """Sessions of good readers that did not come to play, or were cut off."""
        return sum(one.asked - one.left - one.playing for one in self.good)

    @property
    def delivered(self) -> float:
        """Share of what was sent that the readers got whole."""
        sent = sum(one.access_units // max(one.count, 1) for one in self.report.sources)
        return self.readers.access_units.complete / max(sent * self.readers.asked, 1)

    @property
    def shortfalls(self) -> list[str]:
        """Why it was not held, in words; empty when every reader had all of the stream in time."""
        return shortfalls(self.plan, self.report, HELD)

    @property
    def generator_is_full(self) -> bool:
        """Whether the load generator had no time left, so that what is late may be late there."""
        return self.report.generator.busiest_thread >= BUSY

    def record(self, **about: Any) -> dict[str, Any]:
        """The run in numbers, to be kept."""
        return {
            **about,
            "cpu_seconds": self.cpu_seconds,
            "memory_kib": self.memory_kib,
            "seconds": self.report.seconds,
            "bytes": self.report.bytes,
            "delivered": self.delivered,
            "broken": self.broken,
            "failed": self.failed,
            "latency_ms": percentiles(self.readers.latency_ms),
            "first_picture_ms": percentiles(self.readers.first_picture_ms),
            "setup_ms": percentiles(self.readers.setup_ms),
            "sent_late_ms": [percentiles(one.late_ms) for one in self.report.sources],
            "generator_busiest_thread": self.report.generator.busiest_thread,
            "findings": {one.kind: one.count for one in self.report.findings},
            "doubts": doubts(self.plan, self.report),
        }


def percentiles(found: Distribution) -> dict[str, float]:
    """Those that are kept."""
    names = ("p50", "p90", "p95", "p99", "p999", "max")
    return {name: getattr(found, name) for name in names}


def source(target: Target, **more: Any) -> Source:
    """The stream of these measurements, as the server takes it; ``more`` are other fields of the plan."""
    fields = {"url": target.source_url, "bitrate": BITRATE, "fps": FPS, "gop_ms": GOP_MS, **more}
    return Source(kind=target.peer.source, **fields)


def group(target: Target, count: int, *, per_second: float, **more: Any) -> Group:
    """Readers of the stream, of which so many come in a second; ``more`` are other fields of the plan."""
    fields = {"name": "readers", "url": target.url, "start_ms": BEGIN_MS[target.peer.source], **more}
    return Group(count=count, ramp_per_second=per_second, **fields)


def measure(
    target: Target,
    on: Cores,
    groups: Sequence[Group],
    *,
    seconds: float,
    sources: Sequence[Source] = (),
    warm_up_ms: int | None = None,
    at: Mapping[int, Callable[[], None]] = NOTHING,
) -> Measured:
    """Lets readers come, and measures for so long: a little after the last one, or after ``warm_up_ms``.

    Without ``sources`` there is one, with the stream of these measurements. Each of ``at`` is called at its
    time in milliseconds.
    """
    if warm_up_ms is None:
        warm_up_ms = SETTLE_MS + max(_last_ms(one) for one in groups)
    if target.peer.source == "rtp_udp":
        first = Group(name="first", url=target.url, count=1, start_ms=1000)
        groups = [first, *groups]
    plan = Plan(
        seed=1,
        threads=len(on.load),
        cpus=list(on.load),
        warm_up_ms=warm_up_ms,
        duration_ms=int(seconds * 1000),
        sources=list(sources) or [source(target)],
        groups=list(groups),
    )
    return carry_out(target, on, plan, at)


def carry_out(
    target: Target,
    on: Cores,
    plan: Plan,
    at: Mapping[int, Callable[[], None]] = NOTHING,
    begun: Callable[[LoadRun], None] = nothing,
) -> Measured:
    """Carries out a plan, and looks at the server when what is measured begins and ends.

    ``begun`` is called with the run when it has started.
    """
    marks: list[tuple[float, dict[str, float]]] = []
    memory: list[float] = []

    def mark() -> None:
        marks.append((target.cpu_seconds(), target.thread_seconds()))

    def look() -> None:
        memory.append(target.memory_kib())

    moments = {plan.warm_up_ms: mark, plan.total_ms - BEFORE_END_MS: look, plan.total_ms: mark}
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, on.load)
    try:
        report = generate(plan, {**moments, **at}, begun)
    finally:
        os.sched_setaffinity(0, everywhere)
    (cpu, threads), (cpu_at_end, threads_at_end) = marks
    ran = {name: at_end - threads.get(name, 0.0) for name, at_end in threads_at_end.items()}
    return Measured(plan, report, cpu_at_end - cpu, memory[0], ran)


def measure_once(which: Peer, on: Cores, count: int, *, transport: Transport, seconds: float) -> Measured:
    """A server by itself, from its start to its end, with so many readers of the stream."""
    with start(which, on.server) as target:
        readers = group(
            target, count, per_second=max(JOINS_PER_SECOND, count / LONGEST_RAMP_S), transport=transport
        )
        return measure(target, on, [readers], seconds=seconds)


def _last_ms(readers: Group) -> int:
    """When the last of them comes."""
    ramp = readers.ramp_per_second
    return readers.start_ms + (0 if ramp is None else int(readers.count / ramp * 1000))


def bare_loop(transport: Transport, count: int, on: Cores, *, seconds: float) -> FloorReport:
    """What this machine can do at all: the same bytes to as many sockets, from the server's processor."""
    return floor(
        FloorPlan(
            sockets=count,
            bitrate=BITRATE,
            fps=FPS,
            seconds=seconds,
            kind=_FLOOR_KINDS[transport],
            sender_cpu=on.server[0],
            drain_cpu=on.load[0],
        )
    )
