"""Two results beside each other, where they are of the same load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from rich.console import Console

from relaycore.bench.figures import Figure, figure_name, figures, number
from relaycore.bench.plan import Plan
from relaycore.bench.result import Result
from relaycore.bench.text import tame
from relaycore.control.console import say, show_table
from relaycore.errors import ConfigurationError
from relaycore.language import Message, _

__all__ = ["ALIKE", "Comparison", "Row", "compare_results", "show_comparison"]

ALIKE = 0.05
"""Share by which two values may differ before one is called better: two runs of the same do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of two results; ``None`` where one has not got it."""

    about: str
    name: str
    unit: str
    first: float | None
    second: float | None
    better: str
    """``A``, ``B``, ``alike``, or empty where that cannot be said."""

    @property
    def ratio(self) -> float | None:
        """How many times the first value the second one is."""
        return self.second / self.first if self.first and self.second is not None else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rows, and what differs between the two that a reader has to know."""

    rows: list[Row]
    notes: list[str]


def compare_results(first: Result, second: Result, *, anyway: bool = False) -> Comparison:
    """Puts two results beside each other.

    ConfigurationError when their loads differ, with what differs, unless they are to be compared ``anyway``.
    """
    differences = _differences(first, second)
    if differences and not anyway:
        raise ConfigurationError(
            Message(
                "The two are of different loads: {names}. Add --anyway to see them still.",
                names="; ".join(differences),
            )
        )
    notes = list(differences)
    if first.host != second.host:
        notes.append(_("They ran on different machines: only ratios to a floor say something."))
    notes += [
        _("{name} was ended before its time.", name=name)
        for name, result in (("A", first), ("B", second))
        if result.interrupted
    ]
    return Comparison(_rows(first, second), notes)


def show_comparison(console: Console, comparison: Comparison, first: str, second: str) -> None:
    """Prints the table."""
    say(console, Message("A is {first}, B is {second}.", first=first, second=second))
    rows, about = [], ""
    for row in comparison.rows:
        shown = "" if row.about == about else tame(row.about)
        about = row.about
        values = (
            "-" if value is None else f"{number(value)} {row.unit}" for value in (row.first, row.second)
        )
        ratio = "" if row.ratio is None else number(row.ratio)
        rows.append((_(shown), figure_name(row.name), *values, ratio, _(row.better)))
    show_table(
        console,
        Message("Comparison"),
        (Message("of"), Message("figure"), "A", "B", "B / A", Message("better")),
        rows,
    )
    for note in comparison.notes:
        say(console, tame(note), "yellow")


def _rows(first: Result, second: Result) -> list[Row]:
    ours = {(figure.about, figure.name): figure for figure in figures(first)}
    theirs = {(figure.about, figure.name): figure for figure in figures(second)}
    rows = []
    for key in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(key), theirs.get(key)
        known = one or other
        assert known is not None
        rows.append(
            Row(
                known.about,
                known.name,
                known.unit,
                None if one is None else one.value,
                None if other is None else other.value,
                _better(one, other),
            )
        )
    return rows


def _better(one: Figure | None, other: Figure | None) -> str:
    if one is None or other is None or one.better == "none":
        return ""
    low, high = sorted((one.value, other.value))
    if high - low <= ALIKE * abs(high):
        return "alike"
    return "A" if (one.value < other.value) == (one.better == "lower") else "B"


def _differences(first: Result, second: Result) -> list[str]:
    if first.profile != second.profile:
        return [f"profile {first.profile} and {second.profile}"]
    if (first.search is None) != (second.search is None):
        return ["one is a search for the largest count, the other is not"]
    ours, theirs = _load_of(first), _load_of(second)
    return [
        f"{name} {ours.get(name, 'none')} and {theirs.get(name, 'none')}"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def _load_of(result: Result) -> dict[str, Any]:
    """What the server was given, flat: ``groups.0.count`` and its value.

    Of a search, the steps are what it found: only the quality was given.
    """
    plan: dict[str, Any] = msgspec.to_builtins(_without_server(result.plan))
    if result.search is not None:
        plan["quality"] = str(result.search.quality)
        for part in (plan, *plan["groups"], *plan["sources"]):
            for key in ("count", "paths", "ramp_per_second", "start_ms", "warm_up_ms"):
                part.pop(key, None)
    return dict(_flat(plan, ""))


def _without_server(plan: Plan) -> Plan:
    replace = msgspec.structs.replace
    nothing = {"url": "", "user": None, "password": None}
    return replace(
        plan,
        sources=[replace(source, **nothing) for source in plan.sources],
        groups=[replace(group, **nothing) for group in plan.groups],
    )


def _flat(value: Any, name: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in _flat(item, f"{name}.{key}".lstrip("."))]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [pair for index, item in enumerate(value) for pair in _flat(item, f"{name}.{index}")]
    return [(name, value)]
