"""The plots of the page, as SVG. The same results give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import LogLocator, NullLocator

from benchmarks.measure import HELD
from benchmarks.result import Figure, Record

__all__ = ["PLOTS", "Plot", "draw"]

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by people who see fewer colours (Okabe and Ito); relaycore has the first."""

GREY: Final = "#777777"
MISSED: Final = "#d55e00"

STYLE: Final[Any] = {
    "svg.hashsalt": "relaycore",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "figure.facecolor": "white",
}

WIDTH: Final = 8.0
"""Inches, of which each is 72 points."""

PERCENTILES: Final = {"p50": "50", "p90": "90", "p95": "95", "p99": "99", "p999": "99.9", "max": "most"}

Records = Mapping[str, Record]


@dataclass(frozen=True, slots=True)
class Plot:
    """What a plot shows, in words, and what makes it; that gives None where there is nothing to show."""

    shows: str
    make: Callable[[Records], Drawing | None]


def draw(records: Records, folder: Path) -> set[str]:
    """Draws what can be drawn, and gives the names of those. A plot that has nothing to show is removed."""
    drawn = set()
    with mpl.rc_context(STYLE):
        for name, plot in PLOTS.items():
            path = folder / f"{name}.svg"
            drawing = plot.make(records)
            if drawing is None:
                path.unlink(missing_ok=True)
                continue
            drawing.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
            # matplotlib leaves spaces at the ends of lines.
            lines = path.read_text(encoding="utf-8").splitlines()
            path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")
            drawn.add(name)
    return drawn


def _aims(records: Records) -> Drawing | None:
    """Each figure that has an aim, as a share of what it may be."""
    figures = [
        (record.title, figure)
        for record in records.values()
        if record.benchmark.startswith("load.")
        for figure in record.figures
        # Of what must not be there at all there is no share.
        if figure.met is not None and figure.below != 1
    ]
    if not figures:
        return None
    drawing, axes = _figure(0.32 * len(figures) + 1.0)
    names = [f"{title}: {figure.name}" for title, figure in figures]
    shares = [_share(figure) for _, figure in figures]
    colours = [COLOURS[0] if figure.met else MISSED for _, figure in figures]
    axes.barh(names, [min(share, 2.0) for share in shares], color=colours)
    for row, share in enumerate(shares):
        axes.text(min(share, 2.0) + 0.03, row, f"{share:.2f}", va="center", backgroundcolor="white")
    axes.axvline(1.0, color=GREY, linestyle="--", linewidth=1, zorder=0)
    axes.set_xlim(0, 2.2)
    axes.set_xlabel("1 is the aim, less is better")
    axes.invert_yaxis()
    return drawing


def _share(figure: Figure) -> float:
    if figure.below is not None:
        return max(figure.value, 0.0) / figure.below
    assert figure.at_least is not None
    return figure.at_least / figure.value if figure.value else float("inf")


def _latency(records: Records) -> Drawing | None:
    """Percentiles of relaycore beside those of the bare loop."""
    found = [
        (transport, records[name])
        for transport, name in (("TCP", "load.tcp_cost"), ("UDP", "load.udp_cost"))
        if name in records
    ]
    if not found:
        return None
    drawing, row = _row(len(found))
    for axes, (transport, record) in zip(row, found, strict=True):
        for server, colour in (("relaycore", COLOURS[0]), ("bare loop", GREY)):
            runs = [run["latency_ms"] for run in record.runs if run["server"] == server]
            if runs:
                values = [median(run[name] for run in runs) for name in PERCENTILES]
                axes.plot(list(PERCENTILES.values()), values, color=colour, marker="o", label=server)
        axes.set_title(f"over {transport}")
        axes.set_yscale("log")
        _logarithmic(axes.yaxis)
        axes.set_xlabel("percentile of the latency")
        axes.grid(axis="y", alpha=0.3)
    row[0].set_ylabel("ms")
    row[0].legend(frameon=False)
    return drawing


def _most(records: Records) -> Drawing | None:
    """Every attempt of the searches: readers, and how late the stream was for them."""
    runs = [
        run
        for name in ("load.tcp_most", "load.udp_most", "versus.most")
        if name in records
        for run in records[name].runs
        if "latency_ms" in run and run["latency_ms"]["p99"] > 0
    ]
    transports = sorted({run["transport"] for run in runs})
    if not runs:
        return None
    drawing, row = _row(len(transports))
    servers = _servers(run["server"] for run in runs)
    for axes, transport in zip(row, transports, strict=True):
        for server, colour in servers.items():
            mine = [run for run in runs if run["server"] == server and run["transport"] == transport]
            for held, marker in ((True, "o"), (False, "x")):
                shown = [run for run in mine if run["held"] == held]
                if not shown:
                    continue
                axes.scatter(
                    [run["readers"] for run in shown],
                    [run["latency_ms"]["p99"] for run in shown],
                    color=colour,
                    marker=marker,
                    label=server if held else None,
                )
        axes.axhline(HELD.p99_ms, color=GREY, linestyle="--", linewidth=1)
        axes.set_title(f"over {transport.upper()}")
        axes.set_xscale("log")
        axes.set_yscale("log")
        _logarithmic(axes.xaxis)
        _logarithmic(axes.yaxis)
        axes.set_xlabel("readers")
    row[0].set_ylabel("p99 of the latency, ms")
    row[0].legend(frameon=False)
    return drawing


def _versus(name: str) -> Callable[[Records], Drawing | None]:
    """Bars of each server for each figure in which relaycore is to be ahead."""

    def make(records: Records) -> Drawing | None:
        if name not in records:
            return None
        figures = [figure for figure in records[name].figures if figure.of]
        names = list(dict.fromkeys(figure.name for figure in figures if figure.met is not None))
        if not names:
            return None
        drawing, row = _row(len(names), height=0.4 * len({figure.of for figure in figures}) + 1.2)
        colours = _servers(figure.of for figure in figures)
        for axes, title in zip(row, names, strict=True):
            shown = [figure for figure in figures if figure.name == title]
            _bars(axes, shown, colours)
            axes.set_title(title if not shown[0].unit else f"{title}, {shown[0].unit}")
        for axes in row[1:]:
            axes.set_yticklabels([])
        return drawing

    return make


def _bars(axes: Axes, figures: Sequence[Figure], colours: Mapping[str, str]) -> None:
    values = [figure.value for figure in figures]
    spreads = [
        [max(figure.value - (figure.value if figure.low is None else figure.low), 0.0) for figure in figures],
        [
            max((figure.value if figure.high is None else figure.high) - figure.value, 0.0)
            for figure in figures
        ],
    ]
    rows = list(range(len(figures)))
    axes.barh(rows, values, xerr=spreads, color=[colours[figure.of] for figure in figures], ecolor=GREY)
    axes.set_yticks(rows, [figure.of for figure in figures])
    axes.invert_yaxis()
    axes.margins(x=0.25)
    for row, figure in enumerate(figures):
        end = figure.value if figure.high is None else figure.high
        axes.annotate(
            f"{figure.value:.3g}", (end, row), xytext=(4, 0), textcoords="offset points", va="center"
        )


def _logarithmic(axis: Axis) -> None:
    """Tells numbers as they are, at 1, 2 and 5 of each power of ten."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_locator(NullLocator())


def _servers(names: Any) -> dict[str, str]:
    """Colours of servers; the bare loop is none and has none."""
    others = [name for name in dict.fromkeys(names) if name not in ("relaycore", "bare loop")]
    colours = {name: COLOURS[1 + number % (len(COLOURS) - 1)] for number, name in enumerate(others)}
    return {"relaycore": COLOURS[0], **colours, "bare loop": GREY}


def _figure(height: float) -> tuple[Drawing, Axes]:
    drawing = Drawing(figsize=(WIDTH, height), layout="constrained")
    return drawing, drawing.add_subplot()


def _row(count: int, height: float = 3.2) -> tuple[Drawing, list[Axes]]:
    drawing = Drawing(figsize=(WIDTH, height), layout="constrained")
    return drawing, [drawing.add_subplot(1, count, number + 1) for number in range(count)]


PLOTS: Final[dict[str, Plot]] = {
    "aims": Plot("The figures that have an aim, each as a share of what it may be", _aims),
    "latency": Plot("Percentiles of the latency, of relaycore and of the bare loop", _latency),
    "most": Plot("Latency by the number of readers; crosses are numbers that were not held", _most),
    "versus-tcp": Plot("1,000 readers over TCP of each server", _versus("versus.tcp")),
    "versus-udp": Plot("100 readers over UDP of each server", _versus("versus.udp")),
    "versus-most": Plot("The most readers of each server", _versus("versus.most")),
    "versus-first-picture": Plot("The first picture of each server", _versus("versus.first_picture")),
    "versus-memory": Plot("Memory of one more reader of each server", _versus("versus.memory")),
}
"""The plots by their names."""
