"""Times of subscriptions: durations and points in time of XML Schema, and how they are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from relaycore.onvif.services.events.errors import BadTermination

__all__ = ["duration_s", "seconds_until", "written"]

_DURATION = re.compile(
    r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,6})D)?"
    r"(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?"
)

_SECONDS: Final = (365 * 86_400, 30 * 86_400, 86_400, 3_600, 60, 1)
"""Of a year, a month, a day, an hour, a minute and a second."""


def duration_s(text: str) -> float:
    """The seconds of a duration (``PT60S``). BadTermination where it is none."""
    text = text.strip()
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise BadTermination("A duration is written like PT60S.")
    parts = zip(match.groups(), _SECONDS, strict=True)
    return sum(float(number) * seconds for number, seconds in parts if number is not None)


def seconds_until(text: str, now: datetime) -> float:
    """The seconds until a point in time, or of a duration.

    BadTermination where it is neither or has passed.
    """
    text = text.strip()
    if text.startswith("P"):
        seconds = duration_s(text)
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise BadTermination("A time is written like 2030-01-31T12:00:00Z, or PT60S.") from None
        # Without a zone, it is that of the device, which is UTC.
        seconds = ((at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - now).total_seconds()
    if seconds <= 0:
        raise BadTermination("The time has passed already.")
    return seconds


def written(at: datetime) -> str:
    """A point in time with its zone; some take one without for local."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
