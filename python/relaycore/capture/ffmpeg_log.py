"""What FFmpeg says while something is tried: its errors alone do not tell a person anything."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import av
import av.logging

__all__ = ["FFmpegLog", "captured_log", "in_words", "listing"]

_level = threading.Lock()
_users = 0
_level_before: int | None = None

_NOISE: Final = ("Error opening input", "Generic error in an external library", "I/O error")
"""Starts of lines that repeat the errno in other words."""

_NUMBER: Final = re.compile(r"Error number -(\d+) occurred")

_WINDOWS_ERRORS: Final = {
    "100": "Address in use",
    "101": "Address not available",
    "106": "Connection aborted",
    "107": "Connection refused",
    "108": "Connection reset",
    "110": "Host unreachable",
    "116": "Network down",
    "118": "Network unreachable",
    "138": "Connection timed out",
}
"""Errors of networks in Microsoft's errno.h, for which FFmpeg has no words there."""


class FFmpegLog:
    """The lines that the calling thread made FFmpeg write, as (level, component, text).

    FFmpeg writes some lines in pieces: ``text`` puts them together.
    """

    def __init__(self, entries: list[tuple[int, str, str]]) -> None:
        self._entries = entries

    def text(self) -> str:
        """Everything, as it would be shown on a terminal."""
        return "".join(message for _, _, message in self._entries)

    def errors(self) -> list[str]:
        """The lines of errors, oldest first."""
        whole = "".join(message for level, _, message in self._entries if level <= av.logging.ERROR)
        return [in_words(line.strip()) for line in whole.splitlines() if line.strip()]

    def last_error(self) -> str | None:
        """The last error that says more than an errno does, without the full stop at its end."""
        for line in reversed(self.errors()):
            if not line.startswith(_NOISE):
                return line.rstrip(".")
        return None


def in_words(text: str) -> str:
    """A message of FFmpeg with words for the errors that it only numbers."""
    return _NUMBER.sub(lambda number: _WINDOWS_ERRORS.get(number[1], number[0]), text)


@contextmanager
def captured_log() -> Iterator[FFmpegLog]:
    """Keeps what FFmpeg logs in this thread, and keeps it from the program's log."""
    entries: list[tuple[int, str, str]]
    _raise_level()
    try:
        with av.logging.Capture(local=True) as entries:
            yield FFmpegLog(entries)
    finally:
        _lower_level()


def listing(driver: str, place: str, options: dict[str, str]) -> str:
    """What FFmpeg logs when an input is opened to list something, which it always ends with an error."""
    with captured_log() as log, suppress(av.FFmpegError, OSError, ValueError):
        av.open(place, format=driver, options=options, timeout=10.0).close()
    return log.text()


def _raise_level() -> None:
    """FFmpeg's level belongs to the process: it is raised while anybody captures."""
    global _users, _level_before
    with _level:
        _users += 1
        if _users == 1:
            _level_before = av.logging.get_level()
            av.logging.set_level(av.logging.INFO)


def _lower_level() -> None:
    global _users
    with _level:
        _users -= 1
        if _users == 0:
            av.logging.set_level(_level_before)
