"""Hours of the day and days of the week, in which a rule holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from relaycore.settings.access import WEEKDAYS, Weekday, parse_hours

__all__ = ["Hours"]

_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """Spans of minutes from midnight, and the days (Monday is 0) on which they begin."""

    spans: tuple[tuple[int, int], ...]
    days: frozenset[int]

    @classmethod
    def of(cls, hours: Iterable[str], weekdays: Iterable[Weekday]) -> Hours | None:
        """The hours of a rule; ``None`` where it always holds."""
        spans = tuple(map(parse_hours, hours))
        days = frozenset(map(WEEKDAYS.index, weekdays))
        if not spans and not days:
            return None
        return cls(spans or ((0, _DAY),), days or frozenset(range(7)))

    def hold(self, at: datetime) -> bool:
        """Whether this moment, in the time zone that is meant, is one of them."""
        minute, today = at.hour * 60 + at.minute, at.weekday()
        yesterday = (at - timedelta(days=1)).weekday()
        for begin, end in self.spans:
            if begin < end:
                if begin <= minute < end and today in self.days:
                    return True
            elif (minute >= begin and today in self.days) or (minute < end and yesterday in self.days):
                return True
        return False
