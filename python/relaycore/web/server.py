"""The HTTP server of a relay: an aiohttp application on connections that the engine hands over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from aiohttp import hdrs, web

from relaycore._relaycore import Engine, SessionEvent
from relaycore.access.decisions import Gatekeeper
from relaycore.errors import RelayClosed
from relaycore.language import Message, using
from relaycore.onvif.services.events.hub import Hub
from relaycore.onvif.services.ptz.presets import Presets
from relaycore.web import embedding, notice, page, player_reports, publish_page, share_cookie, texts
from relaycore.web.answers import Refused
from relaycore.web.api import (
    about,
    alerts,
    cameras,
    devices,
    journeys,
    ledger,
    me,
    mirrors,
    paths,
    reload,
    sessions,
    shares,
    streams,
    users,
)
from relaycore.web.api.openapi import with_description
from relaycore.web.connections import Connections, Handed
from relaycore.web.fragments import SharedFragments
from relaycore.web.guard import Guard
from relaycore.web.hls import handlers as hls
from relaycore.web.hls.hls import Hls
from relaycore.web.hls.source import PathFragments
from relaycore.web.keys import (
    AGREEMENTS,
    ALERTS,
    BROADCASTS,
    CONNECTIONS,
    ENGINE,
    EVENT_HUB,
    FEED,
    GUARD,
    HLS,
    JOURNEYS,
    LEDGER,
    PICTURES,
    PRESENCE,
    PRESETS,
    RELAY,
    SESSION_IDS,
    TOTALS,
    VISITS,
)
from relaycore.web.limits import LIMITS, HttpLimits
from relaycore.web.live import handlers as live
from relaycore.web.live.feed import Feed
from relaycore.web.live.measure import Measure
from relaycore.web.login import handlers as login
from relaycore.web.metrics import handlers as metrics
from relaycore.web.metrics.totals import Totals
from relaycore.web.onvif import handlers as onvif
from relaycore.web.pictures import handlers as pictures
from relaycore.web.pictures.pictures import Pictures
from relaycore.web.player import describe, static
from relaycore.web.player import page as player_page
from relaycore.web.presence import Presence
from relaycore.web.routes import USER, Route
from relaycore.web.session_ids import SessionIds
from relaycore.web.spoken import keep_choice, language_of, say_language
from relaycore.web.viewing import Entrance, Visits, note_left, note_refusal
from relaycore.web.webrtc import handlers as webrtc
from relaycore.web.webrtc.agreements import Agreements
from relaycore.web.websocket import handlers as websocket
from relaycore.web.websocket.broadcasts import Broadcasts

if TYPE_CHECKING:
    from relaycore.alerts.alerts import Alerts
    from relaycore.journeys.journeys import Journeys
    from relaycore.ledger.ledger import Ledger
    from relaycore.relay import Relay

__all__ = ["ROUTES", "Web"]

_log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S: Final = 1.0
"""Seconds that requests get to be answered when the relay closes."""

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


ROUTES: Final[Sequence[Route]] = with_description(
    [
        *page.ROUTES,
        *about.ROUTES,
        *login.ROUTES,
        *me.ROUTES,
        *live.ROUTES,
        *notice.API_ROUTES,
        *describe.ROUTES,
        *paths.ROUTES,
        *cameras.ROUTES,
        *devices.ROUTES,
        *mirrors.ROUTES,
        *streams.ROUTES,
        *sessions.ROUTES,
        *users.ROUTES,
        *shares.ROUTES,
        *ledger.ROUTES,
        *alerts.ROUTES,
        *journeys.ROUTES,
        *reload.ROUTES,
        *metrics.ROUTES,
        *texts.ROUTES,
        *notice.PAGE_ROUTES,
        *publish_page.ROUTES,
        *player_reports.ROUTES,
        *pictures.ROUTES,
        *hls.ROUTES,
        *websocket.ROUTES,
        *webrtc.ROUTES,
        *onvif.ROUTES,
        *static.ROUTES,
    ],
    # What takes every other address.
    last=player_page.ROUTES,
)
"""All that there is."""


class Web:
    """Answers HTTP for one relay. All methods are called from the loop."""

    def __init__(
        self,
        relay: Relay,
        engine: Engine,
        gatekeeper: Gatekeeper,
        entrance: Entrance,
        ledger: Ledger | None,
        watching: Alerts,
        counting: Journeys | None,
    ) -> None:
        self._limits = HttpLimits.of(relay.config.limits)
        self._totals = Totals()
        self._guard = Guard(gatekeeper, [relay.config.host])
        self._users = gatekeeper.users
        self._presence = Presence()
        self._visits = Visits(engine, entrance)
        self._routes = {route.handler: route for route in ROUTES}
        self._app = web.Application(middlewares=[self._answer], client_max_size=self._limits.body_bytes)
        self._app[RELAY], self._app[ENGINE] = relay, engine
        self._app[GUARD], self._app[PRESENCE] = self._guard, self._presence
        self._app[LEDGER], self._app[ALERTS], self._app[JOURNEYS] = ledger, watching, counting
        self._app[LIMITS], self._app[TOTALS] = self._limits, self._totals
        self._fragments = SharedFragments(lambda path: PathFragments(relay, engine, path))
        self._app[BROADCASTS] = self._broadcasts = Broadcasts(engine, self._fragments.open)
        self._app[EVENT_HUB] = self._hub = Hub(relay)
        folder = relay.config.state_folder
        self._app[PRESETS] = Presets(Path(folder) if folder else None, lambda: relay.devices.cameras)
        self._app[HLS] = self._hls = Hls(self._fragments.open)
        self._app[PICTURES] = self._pictures = Pictures(relay)
        self._app[AGREEMENTS] = Agreements()
        self._app[SESSION_IDS], self._app[VISITS] = SessionIds(), self._visits
        measure = Measure(relay, engine, self._totals, self._app[SESSION_IDS])
        self._app[FEED] = self._feed = Feed(relay, engine, watching, measure)
        for route in ROUTES:
            if route.method == hdrs.METH_GET:
                self._app.router.add_get(route.pattern, route.handler)  # and HEAD
            else:
                self._app.router.add_route(route.method, route.pattern, route.handler)
        self._app.on_response_prepare.append(self._let_read)
        self._runner: web.AppRunner | None = None
        self._connections: Connections | None = None

    async def open(self) -> None:
        """Gets ready for connections."""
        await self._app[PRESETS].open()
        limits = self._limits
        self._runner = web.AppRunner(
            self._app,
            access_log=None,
            logger=_ProtocolLog(__name__),
            keepalive_timeout=limits.timeout_s,
            lingering_time=0,
            max_line_size=limits.line_bytes,
            max_field_size=limits.line_bytes,
            max_headers=limits.header_count,
            shutdown_timeout=CLOSE_TIMEOUT_S,
        )
        # An application is frozen when its runner is set up, and it needs the server that this makes.
        self._app[CONNECTIONS] = self._connections = Connections(limits.connections)
        await self._runner.setup()
        assert self._runner.server is not None
        self._connections.serve_with(self._runner.server)

    async def close(self) -> None:
        """Ends all connections, after the requests that are being answered."""
        agreements = self._app[AGREEMENTS]
        await asyncio.gather(
            self._pictures.close(),
            self._hls.close(),
            self._hub.close(),
            self._broadcasts.close(),
            self._feed.close(),
            agreements.close(),
        )
        if self._connections is not None:
            await self._connections.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def take(self, handed: Handed) -> None:
        """Serves a connection that the engine hands over."""
        assert self._connections is not None
        self._connections.take(handed)

    def disconnect(self, users: Collection[str]) -> None:
        """Closes the connections of these users, whatever is being answered, and ends their logins."""
        self._guard.logins.end_of(users)
        self._presence.disconnect(users)
        self._hub.end_of(users)

    def on_session(self, happened: SessionEvent) -> None:
        """Counts sessions for the metrics, and tells whoever carries one that it has ended."""
        self._visits.on_session(happened)
        if happened.kind == "started":
            self._totals.started(happened.session)
        else:
            self._totals.ended(happened.session)

    async def _let_read(self, request: web.Request, response: web.StreamResponse) -> None:
        """Lets pages that may embed a player read what players ask for."""
        route = self._routes.get(request.match_info.handler)
        embeddable = route is not None and route.embeddable
        if embeddable and embedding.is_allowed(request, self._app[RELAY].config.embed_origins):
            embedding.let_read(request, response)

    @web.middleware
    async def _answer(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Lets a request in, answers it, and waits until the answer is taken, but not for ever."""
        language = language_of(request)
        with using(language):
            response = await self._answer_in_words(request, handler)
        response.headers[hdrs.SERVER] = "relaycore"
        # URLs name cameras, and may hold a share link.
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        share_cookie.add_cookie(request, response)
        say_language(response, language)
        keep_choice(request, response)
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _answer_in_words(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """The answer of the handler, or why there is none, in the language that holds."""
        try:
            return await self._handle(request, handler)
        except Refused as refused:
            note_refusal(request, refused.status)
            return _to_login(request, refused) or refused.answer()
        except asyncio.CancelledError:
            note_left(request)
            raise
        except web.HTTPException as error:
            note_refusal(request, error.status)
            return _refused(error, request).answer()
        except ConnectionResetError:
            if request.transport is not None and not request.transport.is_closing():
                raise
            # Nobody is there who could be answered.
            note_left(request)
            return web.Response()
        except RelayClosed:
            return Refused(503, Message("The relay is closing: try again when it is back.")).answer()
        except Exception:
            _log.exception("answering failed", extra={"path": request.path})
            return Refused(500, Message("The relay made a mistake; its log says more.")).answer()

    async def _handle(self, request: web.Request, handler: Next) -> web.StreamResponse:
        preflight = embedding.answer_preflight(request)
        if preflight is not None:
            return preflight
        _, secure = request.app[CONNECTIONS].client_of(request)
        elsewhere = share_cookie.moved(request, self._users, secure=secure)
        if elsewhere is not None:
            return elsewhere
        route = self._routes.get(request.match_info.handler)
        user = None if route is None else await self._guard.admit(request, route.access)
        request[USER] = user
        self._presence.note(request, user)
        return await handler(request)


def _to_login(request: web.Request, refused: Refused) -> web.Response | None:
    """Leads a person who has to say who they are to where that is done; ``None`` for programs."""
    is_page = "text/html" in request.headers.get(hdrs.ACCEPT, "") and request.method == hdrs.METH_GET
    if refused.status != 401 or not is_page or hdrs.AUTHORIZATION in request.headers:
        return None
    if request.path.startswith(("/login", "/api/")):
        return None
    target = f"/login?{urlencode({'next': request.raw_path})}"
    return web.Response(status=303, headers={hdrs.LOCATION: target, hdrs.CACHE_CONTROL: "no-store"})


def _refused(error: web.HTTPException, request: web.Request) -> Refused:
    """What aiohttp refuses, with what to do next."""
    where = "/api/v1/openapi.json"
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Refused(
            405,
            Message(
                "{path} knows only {allowed}: GET {list} lists all that there is.",
                path=request.path,
                allowed=allowed,
                list=where,
            ),
            headers=((hdrs.ALLOW, allowed),),
        )
    if isinstance(error, web.HTTPNotFound):
        return Refused(
            404,
            Message(
                "There is nothing at {path}: GET {list} lists all that there is.",
                path=request.path,
                list=where,
            ),
        )
    return Refused(
        error.status,
        Message("{reason}: GET {list} lists all that there is.", reason=error.reason, list=where),
    )


class _ProtocolLog(logging.Logger):
    """Takes what aiohttp logs of malformed requests: a stranger could fill the log with it."""

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        _log.debug(msg, *args, **kwargs)
