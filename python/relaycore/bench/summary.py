"""What a load test found, in the terminal."""

from __future__ import annotations

from rich.console import Console

from relaycore.bench.figures import floor_text, number
from relaycore.bench.quality import Quality
from relaycore.bench.result import Floor, Result
from relaycore.bench.tables import tables
from relaycore.bench.verdict import verdict, warnings
from relaycore.control.console import say, show_table
from relaycore.language import Message

__all__ = ["show_floors", "show_result"]


def show_result(console: Console, result: Result, quality: Quality) -> None:
    """Figures, findings, the verdict, and what speaks against believing them."""
    for table in tables(result):
        rows, before = [], ""
        for row in table.rows:
            # What stands above is not said again.
            rows.append(("" if table.words > 1 and row[0] == before else row[0], *row[1:]))
            before = row[0]
        if rows:
            show_table(console, table.title, table.columns, rows)
    if result.floor is not None:
        say(
            console,
            Message("A bare loop on this machine: {floor_text}.", floor_text=floor_text(result.floor)),
        )
    _, text = verdict(result, quality)
    say(console, text, "bold")
    for warning in warnings(result):
        say(console, warning, "yellow")


def show_floors(console: Console, floors: list[Floor]) -> None:
    """What bare loops needed."""
    rows = (
        (
            floor.plan.kind,
            f"{floor.plan.sockets:,}",
            number(floor.report.cpu_seconds_per_gigabit),
            number(floor.report.latency_ms.p50),
            number(floor.report.latency_ms.p99),
            number(floor.report.written_within_ms.p99),
            f"{_share(floor.report.received_bytes, floor.report.bytes):.1f} %",
        )
        for floor in floors
    )
    columns = (
        Message("kind"),
        Message("sockets"),
        Message("s/Gbit"),
        Message("p50 ms"),
        Message("p99 ms"),
        Message("all written, p99 ms"),
        Message("received"),
    )
    show_table(console, Message("A bare loop on this machine"), columns, rows)


def _share(part: float, whole: float) -> float:
    """Percent of the whole."""
    return 100 * part / whole if whole else 0.0
