"""Keeps the same from being told again and again, and one rule from telling too much."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from relaycore.alerts.model import Alert, Finding
from relaycore.alerts.places import HOUR_MS, MINUTE_MS
from relaycore.alerts.table import Table
from relaycore.language import shown
from relaycore.settings.alerts import AlertRule

__all__ = ["RateLimit"]

MOST_SUBJECTS: Final = 10_000
"""Subjects that are remembered, of all rules together."""

MOST_OF_A_RULE: Final = 50
"""Alerts of a rule in an hour; somebody with many addresses could make any number of subjects."""

MOST_SAID: Final = 1_000
"""Alerts that can be shown in other languages."""

LONGEST_TEXT: Final = 2_000
"""Characters of what is told."""


@dataclass(slots=True)
class _Told:
    """The newest alert of a subject, and whether it has not been told that it is over."""

    alert: Alert
    going_on: bool = True


class RateLimit:
    """Makes alerts of findings, as often as they may be told."""

    def __init__(self, rules: Mapping[str, AlertRule]) -> None:
        self.left_out: Counter[str] = Counter()
        """Findings on top of those that a rule may tell in an hour, by rule."""
        self.said: Table[str, str] = Table(MOST_SAID, str)
        """What the newest alerts tell, by their id, to be shown in any language; their text is English."""
        self._rules = rules
        self._told: Table[tuple[str, str], _Told | None] = Table(MOST_SUBJECTS, lambda: None)
        self._hours: dict[str, deque[int]] = {}

    def alert(self, finding: Finding) -> Alert | None:
        """The alert that a finding makes; ``None`` where it is only counted."""
        rule = self._rules[finding.rule]
        key = finding.rule, finding.subject
        told = self._told.find(key)
        if finding.over:
            # Whoever was told that it is so is told that it is over, too.
            if told is None or not told.going_on:
                return None
            told.going_on = False
        elif told is not None and finding.at - told.alert.at < rule.repeat_minutes * MINUTE_MS:
            told.alert.repeats += 1
            return None
        elif not self._may(finding):
            self.left_out[finding.rule] += 1
            return None
        alert = Alert(
            id=finding.id,
            at=finding.at,
            rule=finding.rule,
            severity="info" if finding.over else rule.severity,
            subject=finding.subject,
            path=finding.path,
            text=str(finding.text)[:LONGEST_TEXT],
            records=list(finding.records),
            over=finding.over,
        )
        self.said.put(alert.id, finding.text)
        if not finding.over:
            self._told.put(key, _Told(alert))
        return alert

    def in_language(self, alert: Alert) -> Alert:
        """The same alert with its text in the language that holds, where that is known."""
        said = self.said.find(alert.id)
        return alert if said is None else replace(alert, text=shown(said)[:LONGEST_TEXT])

    def _may(self, finding: Finding) -> bool:
        hour = self._hours.setdefault(finding.rule, deque())
        while hour and hour[0] <= finding.at - HOUR_MS:
            hour.popleft()
        if len(hour) >= MOST_OF_A_RULE:
            return False
        hour.append(finding.at)
        return True
