"""Durations of XML Schema (part 2, section 3.2.6), as they stand in messages of ONVIF: ``PT60S``."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["seconds_of"]

_DURATION: Final = re.compile(
    r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,6})D)?"
    r"(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?"
)

_SECONDS: Final = (365 * 86_400, 30 * 86_400, 86_400, 3_600, 60, 1)
"""Of a year, a month, a day, an hour, a minute and a second."""


def seconds_of(text: str, *, with_calendar: bool = True) -> float | None:
    """The seconds of a duration; ``None`` where it is none.

    Years and months are of no certain length. They are 365 and 30 days; without ``with_calendar`` a duration
    that names any is taken for none.
    """
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        return None
    numbers = match.groups()
    if not with_calendar and any(number is not None for number in numbers[:2]):
        return None
    parts = zip(numbers, _SECONDS, strict=True)
    return sum(float(number) * seconds for number, seconds in parts if number is not None)
