"""How many alerts there were, and whether they reach anybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from relaycore.web.metrics.exposition import Family

if TYPE_CHECKING:
    from relaycore.alerts.alerts import Alerts

__all__ = ["alert_families"]


def alert_families(alerts: Alerts) -> Iterator[Family]:
    """Families of alerts."""
    told = Family("relaycore_alerts_total", "counter", "Alerts since the start, by rule and severity.")
    for (rule, severity), count in sorted(alerts.told.items()):
        told.add(count, rule=rule, severity=severity)
    left_out = Family(
        "relaycore_alerts_left_out_total",
        "counter",
        "What was found odd on top of what a rule may tell in an hour.",
    )
    left_out.add(alerts.left_out)
    failed = Family(
        "relaycore_alerts_unsent_total", "counter", "Alerts that could not be sent, by where they were to go."
    )
    for delivery in alerts.deliveries:
        failed.add(delivery.failed, sink=delivery.sink.name)
    yield from (told, left_out, failed)
