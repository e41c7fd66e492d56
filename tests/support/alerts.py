"""What happens at made-up times, for the rules of alerts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from relaycore.alerts.model import Alert, Happening
from relaycore.alerts.places import DAY_MS, HOUR_MS, MINUTE_MS
from relaycore.alerts.watch import Watch
from relaycore.ledger.records import Opening, Refusal, Session
from relaycore.settings import AlertSettings
from tests.support import ledger

__all__ = ["DAY_MS", "HOUR_MS", "MINUTE_MS", "NOON", "came", "left", "told", "watch", "wrong"]

NOON = 20_700 * DAY_MS + 12 * HOUR_MS
"""A noon in UTC."""

HOME = "192.0.2.0/24"


def came(
    subject: str | None = "anna", network: str | None = HOME, at: int = NOON, path: str = "cam"
) -> Opening:
    """Somebody begins to watch."""
    begun = ledger.opening(subject, path, at)
    begun.network = network
    return begun


def left(begun: Opening, at: int, *, bytes_: int = 1000, discarded: int = 0) -> Session:
    """Somebody has watched."""
    ended = ledger.session(begun, bytes_, at - begun.begun)
    ended.discarded = discarded
    return ended


def wrong(subject: str | None = None, network: str | None = HOME, at: int = NOON, **fields: Any) -> Refusal:
    """A password is wrong."""
    refused = ledger.refusal(subject, at=at)
    refused.network = network
    for name, value in fields.items():
        setattr(refused, name, value)
    return refused


def watch(**settings: Any) -> Watch:
    """The rules."""
    return Watch(AlertSettings(**settings))


def told(rules: Watch, happenings: Iterable[Happening], rule: str | None = None) -> list[Alert]:
    """The alerts of what happens; of one rule, where it is named."""
    alerts = [alert for happening in happenings for alert in rules.take(happening)]
    return [alert for alert in alerts if rule in (None, alert.rule)]
