"""Hours and amounts that are unusual for an account, by its own last four weeks.

All days and hours are those of UTC. What a session takes is spread over the days that it lasts, and so are
its hours: a recorder that has read for a week and connects anew at night has not come at an unusual hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

from relaycore.alerts.model import Finding, Happening
from relaycore.alerts.places import DAY_MS, HISTORY_DAYS, HOUR_MS, SHARE, clock_of, day_of
from relaycore.alerts.table import Table
from relaycore.language import Message, message_n
from relaycore.ledger.records import Opening, Session
from relaycore.settings.alerts import AmountRule, HourRule

__all__ = ["Habits"]

MOST_ACCOUNTS: Final = 10_000
"""Accounts that are remembered."""

HOURS: Final = 24

MOST_USUAL: Final = 16
"""Hours of the day that are usual for an account, beyond which none is unusual."""

_MEGABYTE: Final = 1_000_000


@dataclass(slots=True)
class _Day:
    """What an account did on a day: hours as bits, bytes, sessions."""

    hours: int = 0
    bytes: int = 0
    sessions: int = 0


@dataclass(slots=True)
class _Account:
    days: dict[int, _Day] = field(default_factory=dict)

    def day(self, day: int) -> _Day:
        """What it did on a day; older ones than are remembered are forgotten."""
        found = self.days.get(day)
        if found is None:
            found = self.days[day] = _Day()
            newest = max(self.days)
            for old in [known for known in self.days if known <= newest - HISTORY_DAYS]:
                del self.days[old]
        return found

    def before(self, day: int) -> list[_Day]:
        """What it did on the days before."""
        return [found for known, found in self.days.items() if day - HISTORY_DAYS <= known < day]


class Habits:
    """Looks for both. The subject of an alert is the account."""

    takes: ClassVar[tuple[type, ...]] = (Opening,)

    def __init__(self, hour: HourRule, amount: AmountRule) -> None:
        self._hour = hour
        self._amount = amount
        self._accounts: Table[str, _Account] = Table(MOST_ACCOUNTS, _Account)

    def take(self, happening: Happening) -> Iterator[Finding]:
        """Something has happened."""
        if not isinstance(happening, Opening) or happening.subject is None:
            return
        if happening.subject.startswith(SHARE) or happening.action != "read":
            return
        account = self._accounts.use(happening.subject)
        if isinstance(happening, Session):
            yield from self._ended(account, happening)
        else:
            yield from self._begun(account, happening)

    def _begun(self, account: _Account, opening: Opening) -> Iterator[Finding]:
        at, today = opening.at, day_of(opening.at)
        hour = at // HOUR_MS % HOURS
        day = account.day(today)
        before = account.before(today)
        day.hours |= 1 << hour
        day.sessions += 1
        near = sum(1 << (hour + step) % HOURS for step in (-1, 0, 1))
        known = 0
        for other in before:
            known |= other.hours
        if self._hour.enabled and len(before) >= self._hour.days and not known & near and _is_regular(known):
            yield Finding(
                at=at,
                rule="hour",
                subject=str(opening.subject),
                path=opening.path,
                text=Message(
                    "{subject} watches {path} at {clock}, an hour at which this account did "
                    "not watch on any of the {before} days before.",
                    subject=opening.subject,
                    path=opening.path,
                    clock=clock_of(at),
                    before=len(before),
                ),
                records=(opening.id,),
            )
        yield from self._too_much(opening, day.sessions, [other.sessions for other in before], "sessions")

    def _ended(self, account: _Account, session: Session) -> Iterator[Finding]:
        end = session.at
        begun = max(min(session.begun, end), end - (HISTORY_DAYS - 1) * DAY_MS)
        days = range(day_of(begun), day_of(end) + 1)
        share = (session.bytes or 0) // len(days)
        for number in days:
            day = account.day(number)
            first = max(begun, number * DAY_MS) // HOUR_MS
            last = min(end, (number + 1) * DAY_MS - 1) // HOUR_MS
            for hour in range(first, last + 1):
                day.hours |= 1 << hour % HOURS
            day.bytes += share
        today = days[-1]
        amounts = [known.bytes for known in account.before(today)]
        yield from self._too_much(session, account.day(today).bytes, amounts, "bytes")

    def _too_much(self, record: Opening, today: int, before: list[int], what: str) -> Iterator[Finding]:
        rule = self._amount
        least = rule.sessions if what == "sessions" else rule.megabytes * _MEGABYTE
        if not rule.enabled or len(before) < rule.days or today <= least:
            return
        most = max(before)
        if today <= rule.factor * most:
            return
        if what == "sessions":
            amount: str = message_n("{count} session", "{count} sessions", today)
            usual = f"{most}"
        else:
            amount, usual = f"{today / _MEGABYTE:.0f} MB", f"{most / _MEGABYTE:.0f} MB"
        yield Finding(
            at=record.at,
            rule="amount",
            subject=str(record.subject),
            path=record.path,
            text=Message(
                "{subject} has watched {amount} today; on the {before} days before it was {usual} at most.",
                subject=record.subject,
                amount=amount,
                before=len(before),
                usual=usual,
            ),
            records=(record.id,),
        )


def _is_regular(hours: int) -> bool:
    """Whether an account that has watched at these hours has some at which it does not."""
    around = hours | hours << 1 | hours >> 1 | hours >> (HOURS - 1) | hours << (HOURS - 1)
    return (around & ((1 << HOURS) - 1)).bit_count() <= MOST_USUAL
