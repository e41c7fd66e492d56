"""Times of subscriptions: durations and points in time of XML Schema, and how they are written."""

from __future__ import annotations

from datetime import UTC, datetime

from relaycore.onvif.services.events.errors import BadTermination
from relaycore.onvif.soap.durations import seconds_of

__all__ = ["duration_s", "seconds_until", "written"]


def duration_s(text: str) -> float:
    """The seconds of a duration (``PT60S``). BadTermination where it is none."""
    seconds = seconds_of(text.strip())
    if seconds is None:
        raise BadTermination("A duration is written like PT60S.")
    return seconds


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
