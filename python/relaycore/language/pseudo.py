"""A language that nobody speaks: English with accents, in brackets, which shows what was forgotten.

A text without brackets does not come from a catalogue, two pairs in one sentence are pieces put together, and
a closing bracket that cannot be seen was cut off. It is a third longer, as German is.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CLOSE", "OPEN", "pseudo"]

OPEN: Final = "⟦"
CLOSE: Final = "⟧"

_ACCENTS: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "áƀçđéƒǧħíĵķĺɱñóƥɋřšţúṽŵẋýžÁƁÇĐÉƑǦĦÍĴĶĹṀÑÓƤɊŘŠŢÚṼŴẊÝŽ",
)

_KEPT: Final = re.compile(r"(\{\w+\}|`[^`]*`|https?://\S+|rtsps?://\S+|--[\w-]+|%\(\w+\)s)")
"""What no translator changes, either: names of values, code, addresses, options."""


def pseudo(text: str) -> str:
    """The text in that language."""
    parts = _KEPT.split(text)
    accented = "".join(part if number % 2 else part.translate(_ACCENTS) for number, part in enumerate(parts))
    return f"{OPEN}{accented}{'·' * (len(text) // 3)}{CLOSE}"
