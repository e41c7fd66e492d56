"""What is on record of the pictures of a path: the page ``/PATH/notice``, and the same for programs.

Where ``notice = true``, everybody may read it, since who is about to watch or is seen must be able to. All
others are asked who they are first, also where there is no such path: which ones there are is nobody else's
business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.privacy.page import POLICY, notice_page
from relaycore.privacy.record import PathProtocol, protocol_of
from relaycore.settings import normal_path
from relaycore.web import share_cookie
from relaycore.web.answers import Problem, Refused, json_answer
from relaycore.web.keys import GUARD, RELAY
from relaycore.web.routes import REFUSED_ENTRY, Answered, Route

__all__ = ["API_ROUTES", "PAGE_ROUTES"]

_HEADERS: Final = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


async def get_protocol(request: web.Request) -> web.Response:
    """Answers with the data protocol of a path."""
    return json_answer(200, await _protocol(request))


async def get_notice(request: web.Request) -> web.Response:
    """Answers with a page that needs neither scripts nor styles."""
    text = notice_page(await _protocol(request))
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


async def _protocol(request: web.Request) -> PathProtocol:
    """The protocol of the path that was asked for, where who asks may read it."""
    relay = request.app[RELAY]
    try:
        path = normal_path(request.match_info["path"])
    except ConfigurationError:
        path = None
    found = None if path is None else protocol_of(relay.config, path)
    if found is not None and found.notice:
        return found
    if path is not None and share_cookie.is_there(request):
        await request.app[GUARD].enter(request, "read", path)
    else:
        await request.app[GUARD].admit(request, "read")
    live = {stream.path for stream in relay.streams()}
    if found is None or not (path in live or path in relay.config.cameras or path in relay.paths):
        raise Refused(404, Message("There is no such path: GET /api/v1/paths lists those that there are."))
    return found


_PARAMETERS: Final = {"path": "The path, such as `front` or `house/front`, as it is or percent-encoded."}
_REFUSED: Final = {
    **REFUSED_ENTRY,
    404: Answered("There is no such path.", Problem),
}

API_ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/paths/{path}/protocol",
        name="getProtocol",
        summary="What is on record of the pictures of a path: who is responsible, what for, how long what is "
        "kept. Needs no user where `notice = true`.",
        access="open",
        handler=get_protocol,
        parameters=_PARAMETERS,
        answers={200: Answered("The data protocol.", PathProtocol), **_REFUSED},
    ),
)

PAGE_ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/{path}/notice",
        name="getNotice",
        summary="The same as a page for a person.",
        access="open",
        handler=get_notice,
        parameters=_PARAMETERS,
        answers={200: Answered("The page.", media_type="text/html"), **_REFUSED},
    ),
)
