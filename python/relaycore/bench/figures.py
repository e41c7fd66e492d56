"""The numbers of a result that a person looks at, in one list for terminal, page and comparison."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from relaycore.bench.report import Distribution, GroupReport
from relaycore.bench.result import Floor, Result
from relaycore.language import Message, _

__all__ = ["Figure", "figure_name", "figures", "floor_ratios", "floor_text", "number"]

SHOWN: Final = (
    Message("server"),
    Message("floor"),
    Message("load generator"),
    Message("search"),
    Message("processor time per gigabit"),
    Message("latency"),
    Message("set-up"),
    Message("first packet"),
    Message("first picture"),
    Message("alike"),
)
"""Names of figures and of what they are about, which are English in a result and translated where shown."""

Better = Literal["lower", "higher", "none"]
"""Which of two values is the better one, where that can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number. ``about`` is what it is of: a group of readers, the server, or the whole."""

    about: str
    name: str
    value: float
    unit: str
    better: Better = "lower"

    @property
    def text(self) -> str:
        """The value with its unit."""
        return f"{number(self.value)} {self.unit}".rstrip()


def number(value: float) -> str:
    """A number with three digits that count, as people write it."""
    if value == 0 or abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def figures(result: Result) -> Iterator[Figure]:
    """All that can be told of a result; what was not measured is left out."""
    if result.search is not None and result.search.largest is not None:
        yield Figure(
            about="search", name="most readers", value=result.search.largest, unit="", better="higher"
        )
    for group in result.report.groups:
        yield from _of_group(group, result.report.seconds)
    yield from _of_server(result)
    for name, ratio in floor_ratios(result):
        yield Figure(about="floor", name=name, value=ratio, unit="times")
    generator = result.report.generator
    yield Figure(
        about="load generator",
        name="busiest thread",
        value=100 * generator.busiest_thread,
        unit="%",
        better="none",
    )


def figure_name(name: str) -> str:
    """What a person is shown for the name of a figure."""
    of, _space, part = name.rpartition(" ")
    return f"{_(of)} {part}" if part in ("p50", "p95", "p99", "p99.9", "max") else _(name)


def floor_ratios(result: Result) -> Iterator[tuple[str, float]]:
    """How many times what a bare loop needs the server needs: processor time and latency."""
    floor, server = result.floor, result.server
    if floor is None:
        return
    least = floor.report.cpu_seconds_per_gigabit
    if server is not None and server.cpu_seconds_per_gigabit is not None and least > 0:
        yield "processor time per gigabit", server.cpu_seconds_per_gigabit / least
    good = [
        group
        for asked, group in zip(result.plan.groups, result.report.groups, strict=False)
        if asked.is_good and group.latency_ms.count
    ]
    if good and floor.report.latency_ms.p99 > 0:
        worst = max(group.latency_ms.p99 for group in good)
        yield "latency p99", worst / floor.report.latency_ms.p99


def floor_text(floor: Floor) -> str:
    """The bare loop in a sentence."""
    plan, report = floor.plan, floor.report
    return (
        f"{plan.kind.replace('_', ' ')} to {plan.sockets:,} sockets: "
        f"{number(report.cpu_seconds_per_gigabit)} s/Gbit, p99 {number(report.latency_ms.p99)} ms"
    )


def _of_group(group: GroupReport, seconds: float) -> Iterator[Figure]:
    about = group.name
    yield Figure(about=about, name="playing at the end", value=group.playing, unit="", better="higher")
    if group.failed:
        yield Figure(about=about, name="failed sessions", value=group.failed, unit="")
    if group.refused:
        yield Figure(about=about, name="refused sessions", value=group.refused, unit="", better="none")
    times: list[tuple[str, Distribution, tuple[str, ...]]] = [
        ("set-up", group.setup_ms, ("p50", "p95", "max")),
        ("first packet", group.first_packet_ms, ("p50", "p95")),
        ("first picture", group.first_picture_ms, ("p50", "p95", "max")),
        ("latency", group.latency_ms, ("p50", "p99", "p999", "max")),
    ]
    for name, distribution, parts in times:
        if distribution.count:
            for part in parts:
                part_name = "p99.9" if part == "p999" else part
                yield Figure(
                    about=about, name=f"{name} {part_name}", value=getattr(distribution, part), unit="ms"
                )
    units = group.access_units
    if units.expected:
        complete = 100 * units.complete / units.expected
        yield Figure(about=about, name="access units whole", value=complete, unit="%", better="higher")
        yield Figure(about=about, name="access units broken", value=units.broken, unit="")
        yield Figure(about=about, name="packets lost", value=group.packets.lost, unit="")
        yield Figure(about=about, name="fairness", value=group.fairness.jain, unit="", better="higher")
    if seconds > 0:
        rate = group.bytes * 8 / seconds / 1e6
        yield Figure(about=about, name="received", value=rate, unit="Mbit/s", better="none")


def _of_server(result: Result) -> Iterator[Figure]:
    server, about = result.server, "server"
    if server is None:
        return
    if server.cpu_seconds_per_gigabit is not None:
        yield Figure(
            about=about, name="processor time per gigabit", value=server.cpu_seconds_per_gigabit, unit="s"
        )
    if server.seconds > 0:
        share = 100 * server.cpu_seconds / server.seconds
        yield Figure(about=about, name="of a processor", value=share, unit="%", better="none")
    if server.bytes_per_reader is not None:
        yield Figure(about=about, name="memory per reader", value=server.bytes_per_reader / 1024, unit="KiB")
    yield Figure(
        about=about, name="memory before readers", value=server.idle_resident_bytes / 2**20, unit="MiB"
    )
    yield Figure(about=about, name="most memory", value=server.most_resident_bytes / 2**20, unit="MiB")
    yield Figure(about=about, name="threads", value=server.threads, unit="", better="none")
    if server.descriptors is not None:
        yield Figure(about=about, name="descriptors", value=server.descriptors, unit="", better="none")
