"""``/PATH/ws``: a header of MP4, then a fragment for each picture, as binary messages.

Once a viewer is let in, its connection is the engine's, which writes to it without this program. A page
cannot see why a WebSocket was not opened, so who is refused gets one that is closed with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import WSCloseCode, hdrs, web

from relaycore.errors import EncoderError, PathError
from relaycore.language import Message, shown
from relaycore.web.answers import Problem, Refused
from relaycore.web.keys import BROADCASTS, CONNECTIONS
from relaycore.web.limits import LIMITS
from relaycore.web.routes import Answered, Route
from relaycore.web.viewing import Viewer, admit_viewer, begin_visit, note_refusal, nothing_at
from relaycore.web.websocket.broadcasts import Broadcast
from relaycore.web.websocket.handshake import SUBPROTOCOL, greeting

__all__ = ["ROUTES"]

_CODES: Final[Mapping[int, int]] = {
    401: 4401,
    403: 4403,
    404: 4404,
    406: 4406,
    503: WSCloseCode.TRY_AGAIN_LATER,
}
"""What a WebSocket is closed with, by the status that says the same by HTTP."""

_MOST_REASON_BYTES: Final = 123
"""Of the reason for closing (RFC 6455 section 5.5)."""


async def get_fragments(request: web.Request) -> web.StreamResponse:
    """Gives the connection of a viewer to the engine."""
    head = greeting(request)
    try:
        viewer = await admit_viewer(request, same_origin=True)
        await _give_away(request, viewer, head)
    except Refused as refused:
        return await _close(request, refused)
    except PathError:
        return await _close(request, nothing_at(request.match_info["path"]))
    except EncoderError as error:
        return await _close(request, Refused(406, str(error)))
    return web.Response()


async def _give_away(request: web.Request, viewer: Viewer, head: bytes) -> None:
    """Begins a session, whose connection is no longer one of HTTP then, and waits for nothing."""
    broadcasts = request.app[BROADCASTS]
    broadcast = broadcasts.hold(viewer.path)
    try:
        await _begun(request, broadcast)
        visit = await begin_visit(request, viewer, "websocket")
        try:
            handle = request.app[CONNECTIONS].give_away(request)
            broadcast.rendition.add_viewer(handle, visit.handle, head)
        except BaseException:
            visit.end()
            raise
    except BaseException:
        broadcasts.release(broadcast)
        raise
    broadcasts.keep(broadcast, visit)


async def _begun(request: web.Request, broadcast: Broadcast) -> None:
    """Waits for the first fragment. RelaycoreError when there will be none."""
    try:
        async with asyncio.timeout(request.app[LIMITS].timeout_s):
            await asyncio.shield(broadcast.begun)
    except TimeoutError:
        raise Refused(503, Message("There is no picture yet: try again in a moment.")) from None


async def _close(request: web.Request, refused: Refused) -> web.StreamResponse:
    """Opens a WebSocket for no more than to say why it is closed."""
    note_refusal(request, refused.status)
    code = _CODES.get(refused.status)
    if code is None:
        raise refused
    socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,), max_msg_size=1024)
    await socket.prepare(request)
    reason = shown(refused).encode()[:_MOST_REASON_BYTES].decode(errors="ignore")
    await socket.close(code=code, message=reason.encode())
    return socket


_REFUSED: Final = {
    400: Answered("The handshake is not right.", Problem),
    403: Answered("The page is of another site.", Problem),
    421: Answered("The request was sent to a name that is not this server's.", Problem),
    426: Answered("The request asks for no WebSocket.", Problem),
}

ROUTES: Sequence[Route] = (
    Route(
        method=hdrs.METH_GET,
        path="/{path}/ws",
        name="getFragments",
        summary="The pictures and the sound of a path as fragments of MP4 over a WebSocket.",
        access="open",
        handler=get_fragments,
        embeddable=True,
        parameters={"path": "The path, such as `front` or `house/front`."},
        answers={101: Answered("Fragments come as binary messages."), **_REFUSED},
    ),
)
"""Open to who may read the path, which they find out themselves."""
