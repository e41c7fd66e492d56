"""The result of a load test as one page of HTML, which needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Final

from relaycore.bench.figures import floor_text
from relaycore.bench.plots import plots
from relaycore.bench.quality import Quality
from relaycore.bench.result import Result
from relaycore.bench.tables import tables
from relaycore.bench.text import tame
from relaycore.bench.verdict import verdict, warnings
from relaycore.errors import ConfigurationError
from relaycore.language import Message, _, html_tag, shown

__all__ = ["page", "write_page"]

STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; background: #fff; color: #1d232b;
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
p { margin: .3rem 0; }
code { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; }
.dim { color: #5b6573; }
.verdict { margin: 1rem 0; padding: .6rem .9rem; border-left: 4px solid; background: #f5f7f9; }
.held { border-color: #2f7d4f; }
.missed { border-color: #c2571a; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #e4e8ec;
  vertical-align: top; }
th { font-weight: 600; color: #5b6573; }
.number { text-align: right; white-space: nowrap; }
figure { margin: 0; }
svg { width: 100%; height: auto; }
.wide { overflow-x: auto; }
"""


POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""Keeps a browser from loading or running anything, should some text pass for markup after all (CSP)."""


def write_page(result: Result, quality: Quality, path: Path) -> None:
    """Writes the page. ConfigurationError when it cannot be written, or matplotlib is not there."""
    text = page(result, quality)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            Message("{path} cannot be written: {strerror}.", path=path, strerror=error.strerror)
        ) from None


def page(result: Result, quality: Quality) -> str:
    """The page. What a server or a person wrote is only ever text in it."""
    title = _("Load test: {profile}", profile=result.profile)
    parts = [
        "<!DOCTYPE html>",
        html_tag(),
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        f"<h1>{escape(title)}</h1>",
        *_head(result),
        *_verdict(result, quality),
        *_tables(result),
        *_plots(result, quality),
        *_circumstances(result),
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _head(result: Result) -> Iterator[str]:
    plan = result.plan
    urls = dict.fromkeys(group.url for group in plan.groups)
    what = f"{plan.readers:,} readers of {' and '.join(f'<code>{escape(url)}</code>' for url in urls)}"
    if plan.sources:
        source = plan.sources[0]
        rate = f"{source.bitrate / 1e6:g} Mbit/s at {source.fps:g} pictures per second"
        what += f", {rate}" if source.count == 1 else f", {source.count:,} streams of {rate}"
    yield f"<p>{what}; {result.report.seconds:.0f} s measured.</p>"
    yield f'<p class="dim">{escape(result.made_at)}</p>'


def _verdict(result: Result, quality: Quality) -> Iterator[str]:
    held, text = verdict(result, quality)
    yield f'<p class="verdict {"held" if held else "missed"}">{escape(text)}</p>'
    for warning in warnings(result):
        yield f'<p class="verdict missed">{escape(warning)}</p>'


def _tables(result: Result) -> Iterator[str]:
    for table in tables(result):
        if table.rows:
            yield f"<h2>{escape(shown(table.title))}</h2>"
            yield from _table(table.columns, table.rows, table.words)
    if result.floor is not None:
        said = _("A bare loop on this machine: {floor_text}.", floor_text=floor_text(result.floor))
        yield f"<p>{escape(said)}</p>"
    if not result.report.findings:
        yield f"<h2>{escape(_('Findings about the server'))}</h2>"
        yield f"<p>{escape(_('None.'))}</p>"


def _plots(result: Result, quality: Quality) -> Iterator[str]:
    for plot in plots(result, quality):
        yield f"<h2>{escape(plot.title)}</h2>"
        yield f'<figure><figcaption class="dim">{escape(plot.about)}</figcaption>'
        yield plot.svg
        yield "</figure>"


def _circumstances(result: Result) -> Iterator[str]:
    host, generator, report = result.host, result.report.generator, result.report
    memory = "" if host.memory_bytes is None else f", {host.memory_bytes / 2**30:.0f} GiB"
    rows = [
        (_("command"), " ".join(result.command)),
        (_("machine"), f"{host.processor}, {host.cpus} processors{memory}, {host.system}"),
        (_("versions"), ", ".join(f"{name} {number}" for name, number in result.versions.items())),
        (
            _("load generator"),
            f"{generator.threads} threads, {generator.cpu_seconds:.1f} s of processor time, "
            f"the busiest {100 * generator.busiest_thread:.0f} %",
        ),
    ]
    if result.server is not None:
        rows.append((_("server"), f"{result.server.program}, {result.server.seconds:.1f} s looked at"))
    for source in report.sources:
        rows.append(
            (
                _("publisher"),
                f"{source.count:,} to {source.url}: {source.access_units:,} access units, "
                f"{source.skipped:,} not sent, {source.failed:,} sessions failed, "
                f"{source.restarts:,} restarts, late p99 {source.late_ms.p99:.2f} ms",
            )
        )
    yield f"<h2>{escape(_('Circumstances'))}</h2>"
    yield from _table((_("of"), _("what")), ((name, tame(text)) for name, text in rows), words=2)


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]], words: int) -> Iterator[str]:
    """A table whose first columns are words and whose others are numbers."""
    yield '<div class="wide"><table>'
    yield f"<tr>{_cells('th', columns, words)}</tr>"
    for row in rows:
        yield f"<tr>{_cells('td', row, words)}</tr>"
    yield "</table></div>"


def _cells(tag: str, texts: Iterable[str], words: int) -> str:
    return "".join(
        f"<{tag}>{escape(shown(text))}</{tag}>"
        if column < words
        else f'<{tag} class="number">{escape(shown(text))}</{tag}>'
        for column, text in enumerate(texts)
    )
