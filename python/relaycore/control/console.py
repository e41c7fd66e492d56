"""What a person sees in the terminal: sentences, tables, the QR code, the status line."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TextIO

import segno
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from relaycore.language import shown
from relaycore.language.message import END, ISOLATE

__all__ = ["StatusLine", "legible", "make_console", "qr_code", "say", "show_table"]


QUIET_ZONE = 4
"""Light modules around a QR code (ISO/IEC 18004)."""

PIPE_WIDTH = 200
"""Columns of a table where standard output is no terminal."""


def make_console(stream: TextIO | None = None) -> Console:
    """A console on standard output. Where the terminal knows no UTF-8, what it cannot show becomes ASCII."""
    stream = sys.stdout if stream is None else stream
    if not _is_utf8(stream) and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    console = Console(file=stream, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def say(console: Console, text: str, style: str = "") -> None:
    """Prints a line as it is: not wrapped, so that it can be copied, and without reading marks into it.

    A message is printed in the language that holds, as everything of this module is.
    """
    console.print(Text(legible(shown(text), console.encoding), style=style), soft_wrap=True)


def show_table(console: Console, title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Prints a table. Its first column is never broken, so that it can be copied."""
    table = Table(title=legible(shown(title), console.encoding), title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(legible(shown(column), console.encoding), overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(Text(legible(shown(cell), console.encoding)) for cell in row))
    console.print(table, soft_wrap=False)


def qr_code(text: str, encoding: str) -> Text:
    """A QR code of a text, dark on light whatever the colours of the terminal are.

    Two rows of modules fit in one line of half blocks; in ASCII each module takes two characters.
    """
    code = segno.make(text, error="m", micro=False)
    rows = [list(row) for row in code.matrix_iter(border=QUIET_ZONE)]
    if legible("▀", encoding) != "▀":
        lines = ["".join("##" if dark else "  " for dark in row) for row in rows]
        return Text("\n".join(lines), style="black on white")
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    blocks = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    lines = [
        "".join(blocks[int(bool(upper)), int(bool(lower))] for upper, lower in zip(top, bottom, strict=True))
        for top, bottom in zip(rows[::2], rows[1::2], strict=True)
    ]
    return Text("\n".join(lines), style="black on white")


class StatusLine:
    """One line at the bottom of the terminal that is written over. A context manager.

    Without a console, and where it is no terminal, nothing is shown.
    """

    def __init__(self, console: Console | None) -> None:
        self._encoding = "ascii" if console is None else console.encoding
        self._live: Live | None = None
        if console is not None and console.is_terminal:
            self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stderr=False)

    def __enter__(self) -> StatusLine:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def visible(self) -> bool:
        """Whether somebody sees it."""
        return self._live is not None

    def show(self, text: str) -> None:
        """Replaces the line."""
        if self._live is not None:
            line = Text(legible(shown(text), self._encoding), no_wrap=True, overflow="ellipsis")
            self._live.update(line, refresh=True)


def legible(text: str, encoding: str) -> str:
    """The text with what an encoding cannot show replaced by ASCII that means the same.

    The marks that keep the order of an address in a text from right to left are for pages: here they would be
    copied with it.
    """
    text = text.translate(_NO_MARKS)
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        for character, substitute in _ASCII.items():
            text = text.replace(character, substitute)
        return text.encode("ascii", "replace").decode("ascii")
    return text


_NO_MARKS = dict.fromkeys(map(ord, f"{ISOLATE}{END}\u200e\u200f"))

_ASCII = {"…": "...", "·": "|", "→": "->", "µ": "u"}


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "ascii").lower().replace("-", "").startswith("utf")
