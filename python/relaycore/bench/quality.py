"""Whether a run was good enough, and what speaks against believing it."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from relaycore.bench.plan import Plan
from relaycore.bench.report import GroupReport, Report
from relaycore.language import Message

__all__ = [
    "BUSY",
    "MANY_OTHERS",
    "HighestLatency",
    "Quality",
    "doubts",
    "good_groups",
    "shortfalls",
    "units_sent",
]

BUSY: Final = 0.85
"""Share of the time from which on a thread of the load generator is its limit: what waits, waits for it."""

MANY_OTHERS: Final = 0.3
"""Processors that other programs may use before that is told."""

LATE_MS: Final = 5.0
"""How late the publisher may send, in the 99th percentile, before its lateness is told."""

RECEIVED: Final = 0.95
"""Share of what was sent that each reader has to get. The rest is what is on its way at both ends."""


HighestLatency = Annotated[
    float, Meta(gt=0, le=60_000, description="milliseconds, up to 60000", examples=[100])
]


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """What the good readers of a run have to get."""

    p99_ms: HighestLatency = 100.0
    """Most that the latency may be in the 99th percentile."""

    lossless: bool = True
    """Whether nothing may be lost, incomplete, corrupt or missing."""

    def __str__(self) -> str:
        return str(self.said())

    def said(self) -> Message:
        """The same for a person."""
        if self.lossless:
            return Message("p99 at most {limit} ms, all playing, nothing lost", limit=f"{self.p99_ms:g}")
        return Message("p99 at most {limit} ms, all playing", limit=f"{self.p99_ms:g}")


def good_groups(plan: Plan, report: Report) -> list[tuple[int, GroupReport]]:
    """The groups that are to get everything in time, each after the number of its readers."""
    return [
        (asked.count, found)
        for asked, found in zip(plan.groups, report.groups, strict=False)
        if asked.is_good
    ]


def units_sent(report: Report) -> float | None:
    """Access units sent to each stream while it was measured; ``None`` where nothing was published."""
    streams = sum(source.count for source in report.sources)
    return sum(source.access_units for source in report.sources) / streams if streams else None


def shortfalls(plan: Plan, report: Report, quality: Quality) -> list[str]:
    """What is worse than the quality, in words for a person; empty when it was held."""
    found: list[str] = []
    sent = units_sent(report)
    for count, group in good_groups(plan, report):
        missed: list[str] = []
        if group.playing < count:
            missed.append(f"{group.playing:,} of {count:,} play")
        if group.failed:
            missed.append(f"{group.failed:,} sessions failed")
        if not group.latency_ms.count:
            missed.append("nothing came that tells its time")
        elif group.latency_ms.p99 > quality.p99_ms:
            missed.append(f"p99 {group.latency_ms.p99:,.1f} ms")
        if quality.lossless:
            missed += _losses(group)
        if sent and _stays(plan, group.name) and group.fairness.least < RECEIVED * sent:
            missed.append(f"a reader got {group.fairness.least:,} of {sent:,.0f} access units")
        found += missed if len(plan.groups) == 1 else [f"{group.name}: {what}" for what in missed]
    for asked, group in zip(plan.groups, report.groups, strict=False):
        if asked.wrong_password and group.setup_ms.count:
            found.append(f"{group.name}: {group.setup_ms.count} sessions began with a wrong password")
    if not report.groups:
        found.append("nobody read")
    return found


def doubts(plan: Plan, report: Report) -> list[str]:
    """What makes the figures those of the load generator or the machine, not of the server."""
    found: list[str] = []
    if not report.machine.optimised:
        found.append(
            Message("The load generator was built without optimisation: its own latency is in all figures.")
        )
    if report.generator.busiest_thread >= BUSY:
        found.append(
            Message(
                "A thread of the load generator was busy {share} of the time: it is the limit, not the "
                "server. Give it more processors or threads, or fewer readers.",
                share=f"{report.generator.busiest_thread:.0%}",
            )
        )
    for source in report.sources:
        if source.late_ms.p99 > LATE_MS:
            found.append(
                Message(
                    "The publisher sent up to {late} ms late (p99): the machine is overloaded, and latencies "
                    "begin when the picture was sent.",
                    late=f"{source.late_ms.p99:.1f}",
                )
            )
    limit = report.machine.descriptors
    needed = plan.readers + sum(source.count for source in plan.sources)
    if limit is not None and needed > limit:
        found.append(
            Message(
                "{needed} sessions need more than the {limit} descriptors that this process may have: raise "
                "`ulimit -n`.",
                needed=needed,
                limit=limit,
            )
        )
    return found


def _losses(group: GroupReport) -> list[str]:
    units = group.access_units
    counts = {
        "packets lost": group.packets.lost,
        "access units incomplete": units.incomplete,
        "access units corrupt": units.corrupt,
        "access units missing": units.missing,
    }
    return [f"{count:,} {what}" for what, count in counts.items() if count]


def _stays(plan: Plan, name: str) -> bool:
    """Whether the readers of a group are there all the time that is measured."""
    return any(
        group.name == name and group.stay_ms is None and group.start_ms < plan.warm_up_ms
        for group in plan.groups
    )
