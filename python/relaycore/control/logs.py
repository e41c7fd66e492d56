"""Logs of the command line program: readable lines, or one JSON object a line. Passwords appear in neither.

Only this program configures logging; the library only logs. Fields of a record are given as ``extra``, and
JSON has them as members beside ``time`` (ISO 8601, UTC), ``level``, ``logger`` and ``message``.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

from rich.console import Console

from relaycore.control.console import legible, say
from relaycore.settings import masked

__all__ = ["JsonFormatter", "LineFormatter", "configure_logs", "without_secrets"]

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
"""Attributes that every record has; the others are fields."""

_SECRETS = (
    (re.compile(r"(?i)\b(authorization\s*[:=]\s*)[^\r\n]+"), r"\1***"),
    (re.compile(r"(?i)\b(basic|bearer)\s+[a-z0-9+/=._~-]{8,}"), r"\1 ***"),
    (re.compile(r"(?i)\b(digest)\s+\w+=[^\r\n]+"), r"\1 ***"),
    # Not what is said of a key of the configuration, like users[1].password: there the value is never shown.
    (
        re.compile(r"(?i)(?<!\]\.)\b(password|passwd|secret|token)(\s*[:=]\s*|\"\s*:\s*\")([^\s,;\"&}]+)"),
        r"\1\2***",
    ),
)


def configure_logs(*, as_json: bool, console: Console) -> None:
    """Sends the logs of relaycore to where they belong.

    As JSON to standard output. As lines to standard error, or above the status line where both are the same
    terminal.
    """
    handler: logging.Handler
    if as_json:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonFormatter())
    elif console.is_terminal and sys.stderr.isatty():
        handler = _ConsoleHandler(console)
        handler.setFormatter(LineFormatter(console.encoding))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(LineFormatter(sys.stderr.encoding or "ascii"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        entry.update((name, _plain(value)) for name, value in _fields(record))
        if record.exc_info:
            entry["exception"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(entry, default=lambda value: without_secrets(str(value)))


class LineFormatter(logging.Formatter):
    """``12:30:05 warning: message (path=cam)``, in what the ``encoding`` can show."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record."""
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        fields = ", ".join(f"{name}={_one_line(value)}" for name, value in _fields(record))
        line = without_secrets(record.getMessage() + (f" ({fields})" if fields else ""))
        line = f"{time} {level}{line}"
        if record.exc_info:
            line += "\n" + without_secrets(self.formatException(record.exc_info))
        return legible(line, self._encoding)


class _ConsoleHandler(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        try:
            say(self._console, self.format(record), "yellow" if record.levelno >= logging.WARNING else "")
        except Exception:
            self.handleError(record)


def without_secrets(text: str) -> str:
    """The text without passwords in URLs, credentials in headers and values that are called a password."""
    text = masked(text)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _fields(record: logging.LogRecord) -> list[tuple[str, object]]:
    return [(name, value) for name, value in vars(record).items() if name not in _KNOWN]


def _one_line(value: object) -> str:
    """A value without line ends and other control characters, with which a stranger could make up lines."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(value)
    )


def _plain(value: object) -> object:
    """What JSON has a type for stays, text loses its secrets."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return without_secrets(str(value))
