"""Draws ``docs/benchmarks.md`` and its plots from the results that are kept.

The text is in ``page.md``. There, a line of its own stands for what is put in: ``{{aims}}`` for all figures
of ``load`` that have an aim, ``{{result NAME}}`` for a benchmark, ``{{plot NAME}}`` for a plot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Final

from benchmarks.plots import PLOTS, draw
from benchmarks.result import Figure, Record, kept

__all__ = ["render"]

TEMPLATE: Final = Path(__file__).with_name("page.md")
PAGE: Final = Path(__file__).parents[1] / "docs/benchmarks.md"

COLUMNS: Final = 128
"""Width of the text."""

_NUMBERS: Final = re.compile(r"[\d.,]+")

_FIELD: Final = re.compile(r"^\{\{(aims|result|plot)(?: ([\w.-]+))?\}\}$", re.MULTILINE)


def render(records: Mapping[str, Record] | None = None, page: Path = PAGE) -> None:
    """Writes the page, and its plots into the folder of its name. ValueError for a field that is unknown."""
    if records is None:
        records = kept()
    plots = page.with_suffix("")
    plots.mkdir(exist_ok=True)
    drawn = draw(records, plots)

    def put_in(field: re.Match[str]) -> str:
        kind, name = field.groups()
        if kind == "aims":
            return _aims(records)
        if kind == "result":
            record = records.get(name)
            return _not_there(name) if record is None else _section(record)
        if name not in PLOTS:
            raise ValueError(f"{TEMPLATE}: there is no plot {name}")
        if name not in drawn:
            return "(No plot: what it shows was not measured.)"
        return f"![{PLOTS[name].shows}]({plots.name}/{name}.svg)"

    text = _FIELD.sub(put_in, TEMPLATE.read_text(encoding="utf-8"))
    page.write_text(text, encoding="utf-8")


def _not_there(name: str) -> str:
    return f"Not measured: `python -m benchmarks {name}`."


def _aims(records: Mapping[str, Record]) -> str:
    """Every figure of load that has an aim."""
    loads = [record for record in records.values() if record.benchmark.startswith("load.")]
    if not loads:
        return _not_there("load")
    lines = ["| figure | aim | measured | | repeat it |", "| --- | --- | ---: | --- | --- |"]
    for record in loads:
        for figure in record.figures:
            if figure.met is not None:
                verdict = "met" if figure.met else "**missed**"
                lines.append(
                    f"| {record.title}: {figure.name} | {_with_unit(figure.aim, figure.unit)} | "
                    f"{_value(figure)} | {verdict} | `{record.command}` |"
                )
    return "\n".join(lines)


def _section(record: Record) -> str:
    table = _by_server(record) if any(figure.of for figure in record.figures) else _table(record)
    machine = record.machine
    parts = [fill(record.method, COLUMNS, break_long_words=False, break_on_hyphens=False), table]
    versions = ", ".join(_version(name, number) for name, number in record.versions.items())
    circumstances = (
        f"[Result](../benchmarks/results/{record.benchmark}.json) of `{record.command}`: {versions}; "
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']:g} GiB, "
        f"{machine['system']}, load {machine['load_before']:g} before and {machine['load_after']:g} after."
    )
    doubted = _doubts(record)
    if doubted:
        parts.append(doubted)
    parts.append(fill(circumstances, COLUMNS, break_long_words=False, break_on_hyphens=False))
    return "\n\n".join(parts)


def _doubts(record: Record) -> str:
    """What speaks against the runs that the figures are made of, each kind once; empty where nothing does."""
    # An attempt of a search that was not held is no figure, and is at the limit of something.
    doubts = [run["doubts"] for run in record.runs if "doubts" in run and run.get("held", True)]
    kinds = {_NUMBERS.sub("", doubt): doubt for each in reversed(doubts) for doubt in reversed(each)}
    if not kinds:
        return ""
    doubted = sum(bool(each) for each in doubts)
    text = f"What speaks against {doubted} of {len(doubts)} runs: {' '.join(reversed(kinds.values()))}"
    return fill(text, COLUMNS, break_long_words=False, break_on_hyphens=False)


def _version(name: str, number: str) -> str:
    """What a server says of itself has its name in it."""
    return number if name.lower() in number.lower() else f"{name} {number}"


def _table(record: Record) -> str:
    lines = ["| figure | measured | aim | |", "| --- | ---: | --- | --- |"]
    for figure in record.figures:
        verdict = "" if figure.met is None else "met" if figure.met else "**missed**"
        lines.append(
            f"| {figure.name} | {_value(figure)} | {_with_unit(figure.aim, figure.unit)} | {verdict} |"
        )
    return "\n".join(lines)


def _by_server(record: Record) -> str:
    """One column for each server, and whether the first is ahead of the others."""
    servers = list(dict.fromkeys(figure.of for figure in record.figures))
    figures = {(figure.name, figure.of): figure for figure in record.figures}
    lines = [f"| figure | {' | '.join(servers)} | |", f"| --- |{' ---: |' * len(servers)} --- |"]
    for name in dict.fromkeys(figure.name for figure in record.figures):
        cells = [_value(figures[name, of]) if (name, of) in figures else "" for of in servers]
        met = next((figure.met for (known, _), figure in figures.items() if known == name), None)
        verdict = "" if met is None else "ahead" if met else "**behind**"
        lines.append(f"| {name} | {' | '.join(cells)} | {verdict} |")
    return "\n".join(lines)


def _value(figure: Figure) -> str:
    """The number with its unit, and the lowest and the highest of those that it is the median of."""
    value = _with_unit(_number(figure.value), figure.unit)
    if figure.low is None or figure.high is None or figure.low == figure.high:
        return value
    return f"{value} ({_number(figure.low)} to {_number(figure.high)})"


def _number(value: float) -> str:
    """Three digits, or all of a larger one's in front of the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _with_unit(text: str, unit: str) -> str:
    return f"{text} {unit}" if text and unit else text
