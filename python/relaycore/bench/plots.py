"""The plots of a result, each as SVG that can stand in a page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from relaycore.bench.extras import need
from relaycore.bench.quality import Quality, units_sent
from relaycore.bench.report import Distribution, ReaderReport, Second
from relaycore.bench.result import Result, Search
from relaycore.bench.server import Sample
from relaycore.bench.text import tame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Plot", "plots"]

COLOURS = ("#2563a8", "#c2571a", "#2f7d4f", "#8a4f9e")
"""Of the lines, apart from each other for the colour-blind as well, and dark enough on white."""

INK, FAINT = "#333a44", "#d9dde3"

PERCENTILES = (
    ("min", 0.0),
    ("p50", 50.0),
    ("p90", 90.0),
    ("p95", 95.0),
    ("p99", 99.0),
    ("p999", 99.9),
)

BINS = 40
"""Bars of a histogram."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its title and a sentence on what it shows."""

    title: str
    about: str
    svg: str


def plots(result: Result, quality: Quality) -> Iterator[Plot]:
    """All plots that the result has numbers for. ConfigurationError without matplotlib."""
    report = result.report
    if result.search is not None and result.search.steps:
        yield _plot(
            "Search",
            "Each count that was tried, with its latency p99, and whether the quality was held.",
            lambda figure: _draw_search(figure.subplots(), _known(result.search), quality),
        )
    timed = [(tame(group.name), group.latency_ms) for group in report.groups if group.latency_ms.count]
    if timed:
        yield _plot(
            "Latency",
            "From the moment a picture was sent until its last byte was read; the rare cases to the right.",
            lambda figure: _draw_percentiles(figure.subplots(), timed, quality),
        )
    seconds = report.seconds_series
    if seconds:
        yield _plot(
            "Second by second",
            "From the start of the run; the grey part is the warm-up, which is in no other figure.",
            lambda figure: _draw_seconds(figure.subplots(3, 1, sharex=True), seconds, result),
            height=6.0,
        )
    if result.server is not None and len(result.server.samples) > 1:
        samples = result.server.samples
        yield _plot(
            "The server",
            "Processors that it used, and its memory, each second.",
            lambda figure: _draw_server(figure.subplots(2, 1, sharex=True), samples, result),
            height=4.2,
        )
    readers = [reader for group in report.groups for reader in group.readers]
    if readers:
        yield _plot(
            "Completeness",
            "How many readers got which share of the access units whole.",
            lambda figure: _draw_completeness(figure.subplots(), readers, units_sent(report)),
        )


def _known(search: Search | None) -> Search:
    assert search is not None
    return search


def _plot(title: str, about: str, draw: Callable[[Figure], None], height: float = 3.2) -> Plot:
    """One figure, drawn without the global state of pyplot."""
    matplotlib = need("matplotlib", "--html")
    figures = need("matplotlib.figure", "--html")
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": title,
        "font.family": ["sans-serif"],
        "font.size": 10,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.prop_cycle": need("cycler", "--html").cycler(color=COLOURS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.grid": True,
        "grid.color": FAINT,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
    }
    with matplotlib.rc_context(settings):
        figure: Figure = figures.Figure(figsize=(8.0, height), layout="constrained")
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Plot(title, about, _inline(file.getvalue(), title))


def _inline(document: str, title: str) -> str:
    """The element of an SVG document, with ids that are unique in a page of several."""
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    prefix = re.sub(r"[^a-z]", "", title.lower())
    element = re.sub(r'\bid="', f'id="{prefix}-', element)
    element = re.sub(r"url\(#", f"url(#{prefix}-", element)
    element = re.sub(r'href="#', f'href="#{prefix}-', element)
    # The size is the page's matter; the view box stays.
    element = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
    return element.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)


def _draw_percentiles(axes: Axes, timed: Sequence[tuple[str, Distribution]], quality: Quality) -> None:
    for name, distribution in timed:
        values = [getattr(distribution, part) for part, _ in PERCENTILES] + [distribution.max]
        axes.plot(range(len(values)), values, marker="o", markersize=4, label=name)
    axes.axhline(quality.p99_ms, color=INK, linewidth=0.8, linestyle=":")
    axes.annotate(
        f"{quality.p99_ms:g} ms", (0, quality.p99_ms), textcoords="offset points", xytext=(0, 3), fontsize=8
    )
    labels = ["least", *(f"p{share:g}" for _, share in PERCENTILES[1:]), "most"]
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yscale("log")
    axes.margins(y=0.15)
    axes.yaxis.set_major_formatter(_plain)
    axes.set_ylabel("ms")
    _legend(axes, len(timed))


def _draw_seconds(panels: Sequence[Axes], seconds: Sequence[Second], result: Result) -> None:
    ends = [second.t for second in seconds]
    playing, rate, latency = panels
    playing.plot(ends, [second.playing for second in seconds])
    playing.set_ylabel("playing")
    rate.plot(ends, [second.bytes * 8 / 1e6 for second in seconds])
    rate.set_ylabel("Mbit/s")
    for name, part in (("p50", "p50_ms"), ("p99", "p99_ms"), ("most", "max_ms")):
        # Nothing is timed in the warm-up, nor where nothing came.
        timed = [second for second in seconds if second.max_ms > 0]
        latency.plot([second.t for second in timed], [getattr(second, part) for second in timed], label=name)
    latency.set_ylabel("latency, ms")
    latency.legend(ncols=3, loc="upper left", fontsize=8)
    lost = [(second.t, second.lost) for second in seconds if second.lost]
    for at, count in lost[:BINS]:
        rate.annotate(f"{count:,} lost", (at, 0), fontsize=7, color=COLOURS[1], ha="center", va="bottom")
    _shade(panels, result)


def _draw_server(panels: Sequence[Axes], samples: Sequence[Sample], result: Result) -> None:
    cores, memory = panels
    pairs = [pair for pair in pairwise(samples) if pair[1].t - pair[0].t > 0.2]
    cores.plot(
        [after.t for _, after in pairs],
        [(after.cpu_seconds - before.cpu_seconds) / (after.t - before.t) for before, after in pairs],
    )
    cores.set_ylabel("processors")
    memory.plot([sample.t for sample in samples], [sample.resident_bytes / 2**20 for sample in samples])
    memory.set_ylabel("MiB")
    _shade(panels, result)


def _shade(panels: Sequence[Axes], result: Result) -> None:
    for axes in panels:
        axes.axvspan(0, result.plan.warm_up_ms / 1000, color=FAINT, alpha=0.4, linewidth=0)
        axes.margins(x=0, y=0.1)
        axes.set_ylim(bottom=0)
    panels[-1].set_xlabel("seconds")


def _draw_completeness(axes: Axes, readers: Sequence[ReaderReport], sent: float | None) -> None:
    """Of what was sent where that is known; otherwise of what each reader knows of."""
    shares = []
    for reader in readers:
        expected = sent or reader.complete + reader.broken
        shares.append(min(1.0, reader.complete / expected) * 100 if expected else 0.0)
    axes.hist(shares, bins=BINS, range=(0, 100), color=COLOURS[0])
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_formatter(_plain)
    axes.set_xlabel("% of access units whole")
    axes.set_ylabel("readers")
    axes.set_xlim(0, 100)


def _draw_search(axes: Axes, search: Search, quality: Quality) -> None:
    for held, colour, marker in ((True, COLOURS[2], "o"), (False, COLOURS[1], "x")):
        steps = [step for step in search.steps if step.held == held and step.p99_ms > 0]
        axes.plot(
            [step.readers for step in steps],
            [step.p99_ms for step in steps],
            linestyle="none",
            marker=marker,
            color=colour,
            label="held" if held else "not held",
        )
    axes.axhline(quality.p99_ms, color=INK, linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    axes.margins(y=0.15)
    axes.yaxis.set_major_formatter(_plain)
    axes.set_xlabel("readers")
    axes.set_ylabel("latency p99, ms")
    axes.legend()


def _legend(axes: Axes, lines: int) -> None:
    if lines > 1:
        axes.legend()


def _plain(value: float, _: float) -> str:
    """A tick as a plain number, where the scale is logarithmic."""
    return f"{value:g}"
