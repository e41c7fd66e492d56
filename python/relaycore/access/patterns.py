"""Patterns of paths: ``*`` stands for anything within one part, ``**`` for any number of parts, none as well.

``house/**`` is ``house`` and all below it, ``*/front`` is ``house/front`` and ``garden/front``.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from relaycore.settings.access import check_pattern

__all__ = ["Pattern"]

_Part = Callable[[str], object]


class Pattern:
    """A pattern, ready to be compared. ConfigurationError when the text is none.

    Comparing takes as many steps as the parts of both multiplied, at most.
    """

    def __init__(self, text: str) -> None:
        check_pattern(text)
        parts = text.strip("/").split("/")
        self.is_everything = parts == ["**"]
        """Whether all paths match it."""
        self._parts: list[_Part | None] = [
            None if part == "**" else re.compile(fnmatch.translate(part)).match for part in parts
        ]

    def matches(self, path: str) -> bool:
        """Whether a path, without slashes around it, is one of those that are meant."""
        wanted, parts = self._parts, path.split("/")
        # Where the last `**` is, and the first part that it does not stand for: it takes in one more whenever
        # what follows does not match.
        deep, taken = -1, 0
        at = here = 0
        while here < len(parts):
            if at < len(wanted) and (part := wanted[at]) is None:
                deep, taken = at, here
                at += 1
            elif at < len(wanted) and part is not None and part(parts[here]):
                at += 1
                here += 1
            elif deep >= 0:
                taken += 1
                at, here = deep + 1, taken
            else:
                return False
        return all(part is None for part in wanted[at:])
