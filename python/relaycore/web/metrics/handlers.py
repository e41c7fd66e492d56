"""``/metrics``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from aiohttp import hdrs, web

from relaycore.web.keys import ALERTS, CONNECTIONS, ENGINE, LEDGER, RELAY, SESSION_IDS, TOTALS
from relaycore.web.metrics.alerts import alert_families
from relaycore.web.metrics.collect import collect
from relaycore.web.metrics.exposition import OPENMETRICS, PROMETHEUS, expose
from relaycore.web.metrics.ledger import ledger_families
from relaycore.web.routes import Answered, Route

__all__ = ["ROUTES"]


async def get_metrics(request: web.Request) -> web.Response:
    """Answers in the format that the client asks for."""
    app = request.app
    openmetrics = "application/openmetrics-text" in request.headers.get(hdrs.ACCEPT, "")
    relay, connections = app[RELAY], len(app[CONNECTIONS])
    families = collect(
        app[ENGINE], relay.streams(), relay.path_status(), app[TOTALS], app[SESSION_IDS], connections
    )
    families = chain(families, ledger_families(app[LEDGER]), alert_families(app[ALERTS]))
    return web.Response(
        body=expose(families, openmetrics=openmetrics).encode(),
        headers={hdrs.CONTENT_TYPE: OPENMETRICS if openmetrics else PROMETHEUS, hdrs.VARY: hdrs.ACCEPT},
    )


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/metrics",
        name="getMetrics",
        summary="Counters for Prometheus: in its text format, or as OpenMetrics for who accepts that.",
        access="read",
        handler=get_metrics,
        answers={200: Answered("The metrics.", media_type="text/plain")},
    ),
)
