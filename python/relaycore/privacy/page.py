"""Data protocols as pages of HTML that need nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from relaycore.language import _, html_tag
from relaycore.privacy.record import PathProtocol, fields_of

__all__ = ["POLICY", "notice_page", "record_page"]

POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'"
"""Keeps a browser from loading or running anything, should some text pass for markup after all (CSP)."""

STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 90rem; padding: 1.5rem; font: 15px/1.45 system-ui, sans-serif;
  background: #fff; color: #1d232b; }
table { border-collapse: collapse; }
th, td { text-align: start; vertical-align: top; padding: .35rem .6rem; border: 1px solid #d3d9df;
  overflow-wrap: anywhere; min-width: 6rem; }
thead th { background: #f2f5f7; }
.wide { overflow-x: auto; }
@media print { body { padding: 0; max-width: none; font-size: 9pt; } thead { display: table-header-group; } }
"""


def record_page(protocols: Sequence[PathProtocol]) -> str:
    """The record of processing activities of all paths, as one table (GDPR article 30)."""
    titles = [_("Path"), *(title for title, _text in _fields(protocols))]
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    rows = "\n".join(_row(protocol) for protocol in protocols)
    return _page(
        _("Record of processing activities"),
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>',
        f"{POLICY}; style-src 'unsafe-inline'",
        STYLE,
    )


def notice_page(protocol: PathProtocol) -> str:
    """What who is about to watch, or is seen, should know of a path."""
    lines = "".join(
        f"<dt>{escape(title)}</dt><dd>{escape(text)}</dd>\n" for title, text in fields_of(protocol) if text
    )
    return _page(_("About the pictures at {path}", path=protocol.path), f"<dl>\n{lines}</dl>", POLICY)


def _fields(protocols: Sequence[PathProtocol]) -> list[tuple[str, str]]:
    return fields_of(protocols[0]) if protocols else []


def _row(protocol: PathProtocol) -> str:
    cells = "".join(f"<td>{escape(text or _('not set'))}</td>" for _title, text in fields_of(protocol))
    return f'<tr><th scope="row">{escape(protocol.path)}</th>{cells}</tr>'


def _page(title: str, body: str, policy: str, style: str = "") -> str:
    return "\n".join(
        [
            "<!doctype html>",
            f"{html_tag()}<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f"<title>{escape(title)}</title>",
            *([f"<style>{style}</style>"] if style else []),
            "</head><body>",
            f"<h1>{escape(title)}</h1>",
            body,
            "</body></html>",
            "",
        ]
    )
