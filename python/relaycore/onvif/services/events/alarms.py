"""Alarms of who comes in: alerts of the relay as states, which recorders know how to follow."""

from __future__ import annotations

import time
from typing import Final

from relaycore.alerts.model import Alert
from relaycore.onvif.services.events.messages import Message, Operation
from relaycore.onvif.services.events.topics import BRUTE_FORCE, ILLEGAL_ACCESS, Topic

__all__ = ["ALARM_S", "Alarms"]

ALARM_S: Final = 30.0
"""Seconds that an alarm holds after the last alert: longer than recorders wait from one look to the next."""

_RULES: Final = {
    "spraying": BRUTE_FORCE,
    "networks": ILLEGAL_ACCESS,
    "shared_link": ILLEGAL_ACCESS,
    "hour": ILLEGAL_ACCESS,
}
"""Rules of alerts that are about who comes in, and what they are told as."""

_QUIET: Final = ("", "")


class Alarms:
    """Which alarms hold. An alert begins one, and time ends it: nobody can tell when a stranger has gone."""

    def __init__(self) -> None:
        self._holding: dict[Topic, tuple[float, tuple[str, str]]] = {}

    def begin(self) -> None:
        """Forgets what was."""
        self._holding.clear()

    def all(self) -> list[Message]:
        """What holds now, for who has just subscribed."""
        about = {topic: about for topic, (_, about) in self._holding.items()}
        return [_message(topic, "Initialized", about.get(topic)) for topic in (BRUTE_FORCE, ILLEGAL_ACCESS)]

    def take(self, alert: Alert) -> list[Message]:
        """What an alert means."""
        topic = _RULES.get(alert.rule)
        if topic is None or alert.over:
            return []
        about = (alert.subject, str(alert.text))
        self._holding[topic] = (time.monotonic() + ALARM_S, about)
        return [_message(topic, "Changed", about)]

    def over(self) -> list[Message]:
        """What does not hold any more since it was asked last."""
        now = time.monotonic()
        ended = [topic for topic, (until, _) in self._holding.items() if until <= now]
        for topic in ended:
            del self._holding[topic]
        return [_message(topic, "Changed", None) for topic in ended]


def _message(topic: Topic, operation: Operation, about: tuple[str, str] | None) -> Message:
    state = "false" if about is None else "true"
    return Message(topic, "", (), (state, *(about or _QUIET)), operation)
