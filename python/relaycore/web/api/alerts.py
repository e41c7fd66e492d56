"""Alerts: what was found odd."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from aiohttp import web

from relaycore.alerts.alerts import KEPT
from relaycore.alerts.model import Alert
from relaycore.settings.alerts import Severity
from relaycore.web.acts import recorded
from relaycore.web.answers import Problem, json_answer
from relaycore.web.keys import ALERTS
from relaycore.web.routes import USER, Answered, Route, query_of

__all__ = ["ROUTES", "AlertPage", "AlertQuery", "record_look"]

LOOK_S: Final = 3600.0
"""Seconds in which one user's looks are put on record once: a page asks again every few seconds."""

LONGEST: Final = 256
"""Characters of a name in a query."""


class AlertQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alerts to list."""

    rule: Annotated[str, msgspec.Meta(max_length=LONGEST)] | None = None
    """Only those of this rule."""
    severity: Severity | None = None
    """Only those of this severity."""
    subject: Annotated[str, msgspec.Meta(max_length=LONGEST)] | None = None
    """Only those about this account, network, share link or path."""
    since: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Only those of this time and later, in milliseconds of Unix time."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=KEPT)] = 100
    """At most this many."""


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts, the newest first."""

    alerts: list[Alert]


async def list_alerts(request: web.Request) -> web.Response:
    """Answers with alerts, once it is on record who reads them."""
    query = query_of(request, AlertQuery)
    alerts = request.app[ALERTS]
    await record_look(request, query.subject)
    found = [alert for alert in alerts.newest if _wanted(alert, query)]
    shown = [alerts.in_language(alert) for alert in found[: query.limit]]
    return json_answer(200, AlertPage(alerts=shown))


async def record_look(request: web.Request, subject: str | None) -> None:
    """Puts on record that somebody reads alerts, once an hour. Refused where that cannot be done."""
    alerts = request.app[ALERTS]
    look = request[USER] or "", subject or ""
    if time.monotonic() - alerts.looks.use(look) >= LOOK_S:
        async with recorded(request, "readAlerts", subject):
            alerts.looks.put(look, time.monotonic())


def _wanted(alert: Alert, query: AlertQuery) -> bool:
    return (
        query.rule in (None, alert.rule)
        and query.severity in (None, alert.severity)
        and query.subject in (None, alert.subject)
        and (query.since is None or alert.at >= query.since)
    )


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/alerts",
        name="readAlerts",
        summary="What was found odd, the newest first. Looking is put on record, once an hour for each user.",
        access="audit",
        handler=list_alerts,
        query=AlertQuery,
        answers={
            200: Answered("The alerts.", AlertPage),
            503: Answered("Reading them cannot be put on record.", Problem),
        },
    ),
)
