"""The rules together: what happens goes in, with its time, and alerts come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from relaycore.alerts.habits import Habits
from relaycore.alerts.limits import RateLimit
from relaycore.alerts.lost import Lost
from relaycore.alerts.model import Alert, Finding, Happening, Rule, Waiting
from relaycore.alerts.networks import Networks
from relaycore.alerts.pictures import Pictures
from relaycore.alerts.shared_link import SharedLink
from relaycore.alerts.shed import ShedReader
from relaycore.alerts.spraying import Spraying
from relaycore.alerts.viewers import Viewers
from relaycore.settings.alerts import AlertRule, AlertSettings

__all__ = ["Watch", "rules_of"]


class Watch:
    """Tells what is odd. It has no clock, and the same for a running relay and for a ledger of one.

    ``advance`` may be called as often as one likes: what is found does not depend on it, only when.
    """

    def __init__(self, settings: AlertSettings) -> None:
        self._rules = _enabled(settings)
        self._waiting = [rule for rule in self._rules if isinstance(rule, Waiting)]
        self._of_kind: dict[type, list[Rule]] = {}
        self.limit = RateLimit(rules_of(settings))
        """What keeps alerts from being too many."""
        self._now = 0

    def take(self, happening: Happening) -> list[Alert]:
        """Something has happened."""
        alerts = self.advance(happening.at)
        kind = type(happening)
        rules = self._of_kind.get(kind)
        if rules is None:
            rules = self._of_kind[kind] = [rule for rule in self._rules if issubclass(kind, rule.takes)]
        for rule in rules:
            alerts += self._told(rule.take(happening))
        return alerts

    def advance(self, now: int) -> list[Alert]:
        """It is ``now``, in milliseconds of Unix time. A time before one that was is that one."""
        self._now = max(self._now, now)
        alerts: list[Alert] = []
        for rule in self._waiting:
            alerts += self._told(rule.advance(self._now))
        return alerts

    def _told(self, findings: Iterable[Finding]) -> list[Alert]:
        return [alert for finding in findings if (alert := self.limit.alert(finding)) is not None]


def rules_of(settings: AlertSettings) -> Mapping[str, AlertRule]:
    """The settings of all rules, by their names."""
    values = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return {name: value for name, value in values.items() if isinstance(value, AlertRule)}


def _enabled(settings: AlertSettings) -> list[Rule]:
    """The rules that are to look."""
    if not settings.enabled:
        return []
    rules: list[tuple[bool, Rule]] = [
        (settings.spraying.enabled, Spraying(settings.spraying)),
        (settings.networks.enabled, Networks(settings.networks)),
        (settings.shared_link.enabled, SharedLink(settings.shared_link)),
        (settings.hour.enabled or settings.amount.enabled, Habits(settings.hour, settings.amount)),
        (settings.viewers.enabled, Viewers(settings.viewers)),
        (settings.shed.enabled, ShedReader(settings.shed)),
        (
            settings.camera_frozen.enabled or settings.camera_dark.enabled,
            Pictures(settings.camera_frozen, settings.camera_dark),
        ),
        (settings.camera_lost.enabled, Lost(settings.camera_lost)),
    ]
    return [rule for enabled, rule in rules if enabled]
