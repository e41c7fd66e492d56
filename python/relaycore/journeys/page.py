"""The report as a page of HTML that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Final, cast

from relaycore.journeys.charts import Bar, bars, columns, number, share, span
from relaycore.journeys.report import DIMENSIONS, Dimension, Funnel, Playbacks, Question, Report
from relaycore.journeys.stages import FIRST_KEY_FRAME, STAGES, WATCHED
from relaycore.language import Message, _, _n, html_tag, shown

__all__ = [
    "causes_of",
    "name_of",
    "playback_lines",
    "report_page",
    "stage_name",
    "title_of",
    "titles_of",
    "uncounted_line",
]

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
svg { direction: ltr; width: 100%; height: auto; display: block; }
svg text { font: 13px system-ui, sans-serif; fill: #1d232b; }
.name { text-anchor: end; } .tick { text-anchor: middle; } svg .note { fill: #59636e; }
.full, .series1 { fill: #2563a8; } .pale, .series0 { fill: #c9d8e8; } .series2 { fill: #2f7d4f; }
.grid { stroke: #e3e7eb; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: end; vertical-align: top; padding: .3rem .4rem; border-bottom: 1px solid #e3e7eb;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
th:first-child, td:first-child, .text { text-align: start; overflow-wrap: anywhere; }
.text { white-space: normal; min-width: 9rem; }
thead th { background: #f2f5f7; white-space: normal; vertical-align: bottom; font-size: .85rem; }
.wide { overflow-x: auto; }
@media print { body { padding: 0; max-width: none; font-size: 9pt; } thead { display: table-header-group; } }
"""

TITLES: Final[dict[Dimension, Message]] = {
    "path": Message("Path"),
    "client": Message("Client"),
    "protocol": Message("Protocol"),
    "transport": Message("Transport"),
    "day": Message("Day"),
}

_STAGES: Final = {
    "connected": Message("connected"),
    "secured": Message("secured"),
    "authorised": Message("authorised"),
    "described": Message("described"),
    "set_up": Message("set up"),
    "playing": Message("playing"),
    "first_packet": Message("first packet"),
    "first_key_frame": Message("first key frame"),
    "watched": Message("watched"),
    "ended_well": Message("ended well"),
}

_NAMES: Final[dict[Dimension, dict[str, str]]] = {
    "path": {"": Message("(not there)"), "*": Message("(others)")},
    "client": {"*": Message("(others)")},
    "transport": {"": Message("(none yet)")},
    "protocol": {},
    "day": {},
}


def title_of(dimension: Dimension) -> str:
    """What a person calls that which funnels are told apart by."""
    return shown(TITLES[dimension])


def stage_name(stage: str) -> str:
    """What a person calls a stage."""
    return shown(_STAGES.get(stage, stage.replace("_", " ")))


def uncounted_line(report: Report) -> str:
    """A sentence about those who came too fast."""
    return _n(
        "{count} more attempt came too fast to be counted.",
        "{count} more attempts came too fast to be counted.",
        report.uncounted,
    )


def name_of(dimension: Dimension, funnel: Funnel) -> str:
    """What a person reads for the name of a funnel."""
    return shown(_NAMES[dimension].get(funnel.name, funnel.name))


def causes_of(funnel: Funnel, most: int = 2) -> str:
    """The most frequent causes of all ends before the last stage."""
    causes: Counter[str] = Counter()
    for stage in funnel.stages:
        for cause in stage.ended:
            causes[cause.cause] += cause.count
    return ", ".join(f"{cause} {number(count)}" for cause, count in causes.most_common(most))


def titles_of(question: Question, report: Report) -> str:
    """What is reported, in a line."""
    days = (
        _("nothing was counted")
        if report.since is None
        else _("{since} to {until} (UTC)", since=report.since, until=report.until)
    )
    wanted = ((name, getattr(question, name)) for name in ("path", "client", "protocol", "transport"))
    return "; ".join(
        [
            days,
            *(
                _("{name} {value}", name=title_of(cast("Dimension", name)), value=value or _("none"))
                for name, value in wanted
                if value is not None
            ),
        ]
    )


def playback_lines(playbacks: Playbacks) -> list[tuple[str, str]]:
    """What players reported, each with its name (CTA-2066)."""
    ratio = playbacks.rebuffering_ratio
    return [
        (_("playbacks"), number(playbacks.count)),
        (_("video startup time, median"), span(playbacks.video_startup_ms)),
        (_("video start failures"), number(playbacks.video_start_failures)),
        (_("exits before video start"), number(playbacks.exits_before_video_start)),
        (_("video playback failures"), number(playbacks.video_playback_failures)),
        (_("end not reported"), number(playbacks.lost)),
        (_("playing time"), span(playbacks.playing_s * 1000)),
        (_("rebuffering events"), number(playbacks.rebuffering_count)),
        (_("rebuffering ratio"), "-" if ratio is None else f"{100 * ratio:.2f} %"),
        *((_("error: {cause}", cause=error.cause), number(error.count)) for error in playbacks.errors),
        *(
            (
                _("{stage} after, median", stage=stage_name(seen.stage)),
                f"{span(seen.median_ms)} ({number(seen.count)})",
            )
            for seen in playbacks.stages
        ),
    ]


def report_page(question: Question, report: Report) -> str:
    """The page."""
    whole = report.all
    parts = [
        _about(titles_of(question, report)),
        _tiles(whole),
        _heading(_("How far attempts to view came")),
        _about(_("Of all attempts, how many passed each stage, and how many ended there (pale).")),
        bars(_funnel_bars(whole), _("Attempts that passed each stage")),
        _stages(whole),
    ]
    if len(report.days) > 1:
        series = [
            (_("attempts"), [float(day.attempts) for day in report.days]),
            (_("first key frame"), [float(day.stages[FIRST_KEY_FRAME].passed) for day in report.days]),
            (_("ten seconds watched"), [float(day.stages[WATCHED].passed) for day in report.days]),
        ]
        parts += [
            _heading(_("Day by day")),
            columns([day.name for day in report.days], series, _("Attempts by day")),
        ]
    slow = [funnel for funnel in report.clients if funnel.startup_ms is not None]
    if slow:
        parts += [
            _heading(_("Time to the first key frame")),
            _about(_("Median startup time (CTA-2066), as the relay sees it.")),
            bars(
                [Bar(funnel.name, funnel.startup_ms or 0.0, 0.0, span(funnel.startup_ms)) for funnel in slow],
                _("Median startup time by client"),
            ),
        ]
    if whole.playbacks is not None:
        parts += [
            _heading(_("What players in browsers reported")),
            _table((_("what"), _("value")), playback_lines(whole.playbacks)),
        ]
    for dimension in DIMENSIONS:
        if report.by(dimension):
            parts += [
                _heading(_("By {dimension}", dimension=title_of(dimension))),
                _parts(dimension, report.by(dimension)),
            ]
    if report.uncounted:
        parts.append(_about(uncounted_line(report)))
    return _page(_("Journeys of viewers"), "\n".join(parts))


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _about(text: str) -> str:
    return f'<p class="about">{escape(text)}</p>'


def _tiles(whole: Funnel) -> str:
    first = whole.stages[FIRST_KEY_FRAME].passed
    watched = whole.stages[WATCHED].passed
    tiles = [
        (number(whole.attempts), _("attempts to view")),
        (share(first, whole.attempts), _("got a first key frame")),
        (share(watched, whole.attempts), _("got ten seconds")),
        (span(whole.startup_ms), _("startup time, median")),
        (number(whole.start_failures), _("video start failures")),
        (number(whole.exits_before_start), _("exits before video start")),
        (number(whole.refused), _("refused")),
    ]
    cells = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for value, name in tiles)
    return f'<div class="tiles">{cells}</div>'


def _funnel_bars(funnel: Funnel) -> list[Bar]:
    rows = []
    for stage in funnel.stages:
        ended = sum(cause.count for cause in stage.ended)
        note = f"{number(stage.passed)} · {share(stage.passed, funnel.attempts)}"
        if ended:
            note += " · " + _n("{count} ended here", "{count} ended here", ended)
        rows.append(Bar(stage_name(stage.stage), stage.passed - ended, ended, note))
    return rows


def _stages(funnel: Funnel) -> str:
    head = (_("Stage"), _("Passed"), _("Of all"), _("Not needed"), _("Ended here"), _("Median"), _("Why"))
    rows = []
    for stage in funnel.stages:
        ended = sum(cause.count for cause in stage.ended)
        why = ", ".join(f"{cause.cause} {number(cause.count)}" for cause in stage.ended)
        rows.append(
            (
                stage_name(stage.stage),
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
    stages = STAGES[1:]
    head = (
        title_of(dimension),
        _("Attempts"),
        *(stage_name(stage) for stage in stages),
        _("Startup"),
        _("Why"),
    )
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
            f"{html_tag()}<head>",
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
