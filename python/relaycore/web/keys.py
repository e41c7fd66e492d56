"""What the handlers find in the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from relaycore._relaycore import Engine
from relaycore.web.connections import Connections
from relaycore.web.metrics.totals import Totals
from relaycore.web.presence import Presence
from relaycore.web.session_ids import SessionIds

if TYPE_CHECKING:
    from relaycore.alerts.alerts import Alerts
    from relaycore.journeys.journeys import Journeys
    from relaycore.ledger.ledger import Ledger
    from relaycore.onvif.services.events.hub import Hub
    from relaycore.onvif.services.ptz.presets import Presets
    from relaycore.relay import Relay
    from relaycore.web.guard import Guard
    from relaycore.web.hls.hls import Hls
    from relaycore.web.live.feed import Feed
    from relaycore.web.pictures.pictures import Pictures
    from relaycore.web.viewing import Visits
    from relaycore.web.webrtc.agreements import Agreements
    from relaycore.web.websocket.broadcasts import Broadcasts

__all__ = [
    "AGREEMENTS",
    "ALERTS",
    "BROADCASTS",
    "CONNECTIONS",
    "ENGINE",
    "EVENT_HUB",
    "FEED",
    "GUARD",
    "HLS",
    "JOURNEYS",
    "LEDGER",
    "PICTURES",
    "PRESENCE",
    "PRESETS",
    "RELAY",
    "SESSION_IDS",
    "TOTALS",
    "VISITS",
]

RELAY: web.AppKey[Relay] = web.AppKey("relay")
ENGINE = web.AppKey("engine", Engine)
EVENT_HUB: web.AppKey[Hub] = web.AppKey("event_hub")
GUARD: web.AppKey[Guard] = web.AppKey("guard")
FEED: web.AppKey[Feed] = web.AppKey("feed")
AGREEMENTS: web.AppKey[Agreements] = web.AppKey("agreements")
HLS: web.AppKey[Hls] = web.AppKey("hls")
ALERTS: web.AppKey[Alerts] = web.AppKey("alerts")
BROADCASTS: web.AppKey[Broadcasts] = web.AppKey("broadcasts")
JOURNEYS: web.AppKey[Journeys | None] = web.AppKey("journeys")
LEDGER: web.AppKey[Ledger | None] = web.AppKey("ledger")
PICTURES: web.AppKey[Pictures] = web.AppKey("pictures")
PRESETS: web.AppKey[Presets] = web.AppKey("presets")
PRESENCE = web.AppKey("presence", Presence)
TOTALS = web.AppKey("totals", Totals)
CONNECTIONS = web.AppKey("connections", Connections)
SESSION_IDS = web.AppKey("session_ids", SessionIds)
VISITS: web.AppKey[Visits] = web.AppKey("visits")
