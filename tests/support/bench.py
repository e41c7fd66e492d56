"""Load tests without a load: made-up reports, and a load generator that plays a script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from relaycore.bench.plan import Plan
from relaycore.bench.profiles import make_plan
from relaycore.bench.report import (
    AccessUnits,
    Distribution,
    Fairness,
    Finding,
    Generator,
    GroupReport,
    Machine,
    Packets,
    ReaderReport,
    Report,
    Second,
    Snapshot,
    SourceReport,
)
from relaycore.bench.server import Sample
from relaycore.bench.wishes import Wishes

__all__ = ["PASSWORD", "URL", "FakeLoad", "FakeServer", "distribution", "group", "plan", "report", "spoilt"]

URL = "rtsp://127.0.0.1:8554/cam"
PASSWORD = "hunter2-of-the-plan"

SENT = 600
"""Access units of 20 s at 30 a second."""


def plan(profile: str = "steady", **wishes: Any) -> Plan:
    """The plan of a profile, by a user."""
    return make_plan(profile, Wishes(**{"url": URL, "user": "anna", "readers": 10, **wishes}), PASSWORD)


def distribution(median: float, count: int = 6000) -> Distribution:
    """Times with a long tail: the 99th percentile is four times the median."""
    return Distribution(
        count=count,
        min=median / 2,
        mean=median * 1.1,
        p50=median,
        p90=median * 2,
        p95=median * 3,
        p99=median * 4,
        p999=median * 5,
        max=median * 6,
    )


def group(name: str, readers: int, median: float = 1.0) -> GroupReport:
    """Readers who got everything."""
    units = readers * SENT
    one = ReaderReport(playing=True, sessions=1, setup_ms=5.0, complete=SENT, bytes=10_000_000)
    return GroupReport(
        name=name,
        asked=readers,
        playing=readers,
        setup_ms=distribution(5.0, readers),
        first_packet_ms=distribution(7.0, readers),
        first_picture_ms=distribution(9.0, readers),
        latency_ms=distribution(median, units),
        gap_ms=distribution(33.3, units),
        access_units=AccessUnits(expected=units, complete=units, marked=units, content_checked=units // 16),
        packets=Packets(received=units * 12),
        bytes=readers * 10_000_000,
        fairness=Fairness(jain=1.0, least=SENT, most=SENT),
        readers=[one] * readers,
    )


def report(plan: Plan, median: float = 1.0, *, busy: float = 0.2, findings: Sequence[Finding] = ()) -> Report:
    """What a good server would do with a plan."""
    groups = [group(asked.name, asked.count, median) for asked in plan.groups]
    return Report(
        machine=Machine(system="linux", architecture="x86_64", cpus=2, descriptors=20_000),
        generator=Generator(threads=2, cpu_seconds=3.0, busiest_thread=busy),
        seconds=plan.duration_ms / 1000,
        groups=groups,
        sources=[
            SourceReport(
                url=source.url,
                count=source.count,
                publishing=source.count,
                access_units=SENT * source.count,
                bytes=10_000_000,
                setup_ms=distribution(3.0, source.count),
                late_ms=distribution(0.05),
            )
            for source in plan.sources
        ],
        seconds_series=[
            Second(
                t=t,
                playing=plan.readers,
                bytes=500_000 * plan.readers,
                p50_ms=median,
                p99_ms=4 * median,
                max_ms=6 * median,
            )
            for t in range(1, plan.total_ms // 1000 + 1)
        ],
        findings=list(findings),
    )


def spoilt(report: Report, **changes: Any) -> Report:
    """The report with something else in its first group."""
    groups = [msgspec.structs.replace(report.groups[0], **changes), *report.groups[1:]]
    return msgspec.structs.replace(report, groups=groups)


class FakeLoad:
    """A load generator whose time goes by in steps, one for each look at it.

    A report that is given is what it found; ``calls`` is what was asked of it.
    """

    def __init__(self, plan: Plan, report: Report, *, step_ms: int = 250) -> None:
        self._plan, self._report, self._step_ms = plan, report, step_ms
        self._elapsed_ms = 0
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def snapshot(self) -> bytes:
        total = self._plan.total_ms
        now = min(self._elapsed_ms, total)
        begun = min((group.start_ms for group in self._plan.groups), default=0)
        playing = self._plan.readers if now > begun else 0
        self._elapsed_ms += self._step_ms
        return msgspec.json.encode(
            Snapshot(
                elapsed_ms=now,
                total_ms=total,
                finished=now == total,
                playing=playing,
                publishing=len(self._plan.sources),
                # A megabyte a second.
                bytes=1000 * max(0, now - begun),
                last_second=Second(
                    t=now // 1000, playing=playing, bytes=1_000_000, p50_ms=1.0, p99_ms=4.0, max_ms=5.0
                ),
            )
        )

    def stop(self) -> bytes:
        self.calls.append("stop")
        return msgspec.json.encode(self._report)


class FakeServer:
    """A server that uses a tenth of a processor, and a KiB for each reader beside 50 MiB.

    It ends after so many seconds of a run as ``lives_s`` says. All programs of the machine use ``machine``
    processors.
    """

    program = "fake"

    def __init__(self, lives_s: float = 1e9, machine: float = 0.0) -> None:
        self._lives_s, self._machine = lives_s, machine

    def sample(self, snapshot: Snapshot) -> Sample | None:
        now = snapshot.elapsed_ms / 1000
        if now > self._lives_s:
            return None
        return Sample(
            t=now,
            cpu_seconds=7.0 + now / 10,
            resident_bytes=50 * 2**20 + 1024 * snapshot.playing,
            threads=3,
            descriptors=20 + snapshot.playing,
            machine_cpu_seconds=100.0 + self._machine * now,
            playing=snapshot.playing,
            bytes=snapshot.bytes,
        )
