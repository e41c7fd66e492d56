"""A result in a few tables, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relaycore.bench.figures import figure_name, figures, number
from relaycore.bench.report import Distribution, GroupReport
from relaycore.bench.result import Result, Search
from relaycore.bench.text import tame
from relaycore.language import Message, _

__all__ = ["Table", "tables"]


@dataclass(frozen=True, slots=True)
class Table:
    """Texts in rows. The first ``words`` columns are words, the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    words: int = 1


def tables(result: Result) -> Iterator[Table]:
    """All there is to tell of a result, without what it means."""
    if result.search is not None:
        yield _steps(result.search)
    groups = result.report.groups
    yield Table(
        Message("Times in milliseconds"),
        (Message("readers"), Message("what"), "p50", "p95", "p99", "p99.9", Message("most")),
        [row for group in groups for row in _times(group)],
        words=2,
    )
    columns: list[str] = [
        Message("readers"),
        Message("playing"),
        Message("failed"),
        Message("whole"),
        Message("broken"),
        Message("lost"),
        Message("fairness"),
        Message("Mbit/s"),
    ]
    came = [_came(group, result.report.seconds) for group in groups]
    if any(group.refused for group in groups):
        columns.append(Message("refused"))
        came = [(*row, f"{group.refused:,}") for row, group in zip(came, groups, strict=True)]
    yield Table(Message("What came"), tuple(columns), came)
    yield Table(
        Message("What it took"),
        (Message("of"), Message("figure"), Message("value")),
        [
            (_(one.about), figure_name(one.name), one.text)
            for one in figures(result)
            if one.about in ("server", "floor", "load generator")
        ],
        words=2,
    )
    findings = result.report.findings
    if findings:
        yield Table(
            Message("Findings about the server"),
            (Message("what"), Message("first case"), Message("times"), Message("first at")),
            [
                (tame(one.kind), tame(one.example), f"{one.count:,}", f"{one.first_at_ms / 1000:.1f} s")
                for one in findings
            ],
            words=2,
        )


def _steps(search: Search) -> Table:
    return Table(
        Message("Steps of the search"),
        (
            Message("quality"),
            Message("what was missed"),
            Message("readers"),
            Message("p99 ms"),
            Message("load generator busy"),
        ),
        [
            (
                _("held") if step.held else _("missed"),
                "; ".join(step.shortfalls),
                f"{step.readers:,}",
                f"{step.p99_ms:.1f}",
                f"{100 * step.busiest_thread:.0f} %",
            )
            for step in search.steps
        ],
        words=2,
    )


def _times(group: GroupReport) -> Iterator[tuple[str, ...]]:
    times: list[tuple[str, Distribution]] = [
        (_("set-up"), group.setup_ms),
        (_("first packet"), group.first_packet_ms),
        (_("first picture"), group.first_picture_ms),
        (_("latency"), group.latency_ms),
    ]
    for name, found in times:
        if found.count:
            values = (found.p50, found.p95, found.p99, found.p999, found.max)
            yield tame(group.name), name, *map(number, values)


def _came(group: GroupReport, seconds: float) -> tuple[str, ...]:
    units = group.access_units
    rate = group.bytes * 8 / seconds / 1e6 if seconds > 0 else 0.0
    known = units.expected > 0
    return (
        tame(group.name),
        f"{group.playing:,}",
        f"{group.failed:,}",
        f"{number(100 * units.complete / units.expected)} %" if known else "-",
        f"{units.broken:,}",
        f"{group.packets.lost:,}",
        number(group.fairness.jain) if known else "-",
        number(rate),
    )
