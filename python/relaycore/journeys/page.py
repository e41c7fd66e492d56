"""The report as a page of HTML that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Final

from relaycore.journeys.charts import Bar, bars, columns, number, share, span
from relaycore.journeys.report import DIMENSIONS, Dimension, Funnel, Playbacks, Question, Report
from relaycore.journeys.stages import FIRST_KEY_FRAME, STAGES, WATCHED

__all__ = ["TITLES", "causes_of", "name_of", "playback_lines", "report_page", "titles_of"]

POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'"
"""Keeps a browser from loading or running anything, should some text pass for markup after all (CSP)."""

STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; font: 15px/1.45 system-ui, sans-serif;
  background: #fff; color: #1d232b; }
h1 { margin-bottom: .2rem; } h2 { margin: 2.2rem 0 .4rem; font-size: 1.2rem; }
.about { color: #59636e; margin: .2rem 0 1rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.4rem, 1fr)); gap: .7rem;
  margin: 1.2rem 0; }
.tiles div { padding: .6rem .8rem; background: #f2f5f7; border-radius: .4rem; }
.tiles b { display: block; font-size: 1.5rem; font-weight: 600; }
.tiles span { color: #59636e; font-size: .85rem; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 13px system-ui, sans-serif; fill: #1d232b; }
.name { text-anchor: end; } .tick { text-anchor: middle; } svg .note { fill: #59636e; }
.full, .series1 { fill: #2563a8; } .pale, .series0 { fill: #c9d8e8; } .series2 { fill: #2f7d4f; }
.grid { stroke: #e3e7eb; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: right; vertical-align: top; padding: .3rem .4rem; border-bottom: 1px solid #e3e7eb;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
th:first-child, td:first-child, .text { text-align: left; overflow-wrap: anywhere; }
.text { white-space: normal; min-width: 9rem; }
thead th { background: #f2f5f7; white-space: normal; vertical-align: bottom; font-size: .85rem; }
.wide { overflow-x: auto; }
@media print { body { padding: 0; max-width: none; font-size: 9pt; } thead { display: table-header-group; } }
"""

TITLES: Final[dict[Dimension, str]] = {
    "path": "Path",
    "client": "Client",
    "protocol": "Protocol",
    "transport": "Transport",
    "day": "Day",
}

_NAMES: Final[dict[Dimension, dict[str, str]]] = {
    "path": {"": "(not there)", "*": "(others)"},
    "client": {"*": "(others)"},
    "transport": {"": "(none yet)"},
    "protocol": {},
    "day": {},
}


def name_of(dimension: Dimension, funnel: Funnel) -> str:
    """What a person reads for the name of a funnel."""
    return _NAMES[dimension].get(funnel.name, funnel.name)


def causes_of(funnel: Funnel, most: int = 2) -> str:
    """The most frequent causes of all ends before the last stage."""
    causes: Counter[str] = Counter()
    for stage in funnel.stages:
        for cause in stage.ended:
            causes[cause.cause] += cause.count
    return ", ".join(f"{cause} {number(count)}" for cause, count in causes.most_common(most))


def titles_of(question: Question, report: Report) -> str:
    """What is reported, in a line."""
    days = "nothing was counted" if report.since is None else f"{report.since} to {report.until} (UTC)"
    wanted = ((name, getattr(question, name)) for name in ("path", "client", "protocol", "transport"))
    return "; ".join([days, *(f"{name} {value or 'none'}" for name, value in wanted if value is not None)])


def playback_lines(playbacks: Playbacks) -> list[tuple[str, str]]:
    """What players reported, each with its name (CTA-2066)."""
    ratio = playbacks.rebuffering_ratio
    return [
        ("playbacks", number(playbacks.count)),
        ("video startup time, median", span(playbacks.video_startup_ms)),
        ("video start failures", number(playbacks.video_start_failures)),
        ("exits before video start", number(playbacks.exits_before_video_start)),
        ("video playback failures", number(playbacks.video_playback_failures)),
        ("end not reported", number(playbacks.lost)),
        ("playing time", span(playbacks.playing_s * 1000)),
        ("rebuffering events", number(playbacks.rebuffering_count)),
        ("rebuffering ratio", "-" if ratio is None else f"{100 * ratio:.2f} %"),
        *((f"error: {error.cause}", number(error.count)) for error in playbacks.errors),
        *(
            (
                f"{seen.stage.replace('_', ' ')} after, median",
                f"{span(seen.median_ms)} ({number(seen.count)})",
            )
            for seen in playbacks.stages
        ),
    ]


def report_page(question: Question, report: Report) -> str:
    """The page."""
    whole = report.all
    parts = [
        f'<p class="about">{escape(titles_of(question, report))}</p>',
        _tiles(whole),
        "<h2>How far attempts to view came</h2>",
        '<p class="about">Of all attempts, how many passed each stage, and how many ended there (pale).</p>',
        bars(_funnel_bars(whole), "Attempts that passed each stage"),
        _stages(whole),
    ]
    if len(report.days) > 1:
        series = [
            ("attempts", [float(day.attempts) for day in report.days]),
            ("first key frame", [float(day.stages[FIRST_KEY_FRAME].passed) for day in report.days]),
            ("ten seconds watched", [float(day.stages[WATCHED].passed) for day in report.days]),
        ]
        parts += [
            "<h2>Day by day</h2>",
            columns([day.name for day in report.days], series, "Attempts by day"),
        ]
    slow = [funnel for funnel in report.clients if funnel.startup_ms is not None]
    if slow:
        parts += [
            "<h2>Time to the first key frame</h2>",
            '<p class="about">Median <em>startup time</em> (CTA-2066), as the relay sees it.</p>',
            bars(
                [Bar(funnel.name, funnel.startup_ms or 0.0, 0.0, span(funnel.startup_ms)) for funnel in slow],
                "Median startup time by client",
            ),
        ]
    if whole.playbacks is not None:
        parts += [
            "<h2>What players in browsers reported</h2>",
            _table(("", ""), playback_lines(whole.playbacks)),
        ]
    for dimension in DIMENSIONS:
        if report.by(dimension):
            parts += [f"<h2>By {dimension}</h2>", _parts(dimension, report.by(dimension))]
    if report.uncounted:
        parts.append(f"<p>{number(report.uncounted)} more attempts came too fast to be counted.</p>")
    return _page("Journeys of viewers", "\n".join(parts))


def _tiles(whole: Funnel) -> str:
    first = whole.stages[FIRST_KEY_FRAME].passed
    watched = whole.stages[WATCHED].passed
    tiles = [
        (number(whole.attempts), "attempts to view"),
        (share(first, whole.attempts), "got a first key frame"),
        (share(watched, whole.attempts), "got ten seconds"),
        (span(whole.startup_ms), "startup time, median"),
        (number(whole.start_failures), "video start failures"),
        (number(whole.exits_before_start), "exits before video start"),
        (number(whole.refused), "refused"),
    ]
    cells = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for value, name in tiles)
    return f'<div class="tiles">{cells}</div>'


def _funnel_bars(funnel: Funnel) -> list[Bar]:
    rows = []
    for stage in funnel.stages:
        ended = sum(cause.count for cause in stage.ended)
        note = f"{number(stage.passed)} · {share(stage.passed, funnel.attempts)}"
        if ended:
            note += f" · {number(ended)} ended here"
        rows.append(Bar(stage.stage.replace("_", " "), stage.passed - ended, ended, note))
    return rows


def _stages(funnel: Funnel) -> str:
    head = ("Stage", "Passed", "Of all", "Not needed", "Ended here", "Median", "Why")
    rows = []
    for stage in funnel.stages:
        ended = sum(cause.count for cause in stage.ended)
        why = ", ".join(f"{cause.cause} {number(cause.count)}" for cause in stage.ended)
        rows.append(
            (
                stage.stage.replace("_", " "),
                number(stage.passed),
                share(stage.passed, funnel.attempts),
                number(stage.skipped),
                number(ended),
                span(stage.median_ms),
                why,
            )
        )
    return _table(head, rows)


def _parts(dimension: Dimension, funnels: Sequence[Funnel]) -> str:
    shown = STAGES[1:]
    head = (TITLES[dimension], "Attempts", *(stage.replace("_", " ") for stage in shown), "Startup", "Why")
    rows = [
        (
            name_of(dimension, funnel),
            number(funnel.attempts),
            *(share(stage.passed, funnel.attempts) for stage in funnel.stages[1:]),
            span(funnel.startup_ms),
            causes_of(funnel),
        )
        for funnel in funnels
    ]
    return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    last = len(head) - 1

    def cell(place: int, text: str, tag: str) -> str:
        kind = ' class="text"' if place == last else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    titles = "".join(cell(place, text, "th") for place, text in enumerate(head))
    body = "\n".join(
        f"<tr>{''.join(cell(place, text, 'td') for place, text in enumerate(row))}</tr>" for row in rows
    )
    head_and_body = f"<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return f'<div class="wide"><table>\n{head_and_body}</table></div>'


def _page(title: str, body: str) -> str:
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head>',
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head><body>",
            f"<h1>{escape(title)}</h1>",
            body,
            "</body></html>",
            "",
        ]
    )
