"""The page at ``/``: where the streams and the API are."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from aiohttp import web

from relaycore.web.keys import RELAY
from relaycore.web.routes import Answered, Route

__all__ = ["ROUTES"]

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


async def get_page(request: web.Request) -> web.Response:
    """Answers with a page that needs neither scripts nor styles."""
    relay = request.app[RELAY]
    urls = [relay.urls(stream.path)[0] for stream in relay.streams()]
    items = "".join(f"<li><code>{escape(url)}</code></li>" for url in urls)
    streams = f"<p>Open one of these in a player such as VLC:</p><ul>{items}</ul>" if urls else _NONE
    return web.Response(text=_PAGE.format(streams=streams), content_type="text/html", headers=_HEADERS)


_NONE = "<p>No stream is live. Publish one with RTSP to a path of your choice.</p>"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>relaycore</title></head><body>
<main>
<h1>relaycore</h1>
{streams}
<p>For programs: <a href="/api/v1/openapi.json">control API</a>, <a href="/metrics">metrics</a>.</p>
</main>
</body></html>
"""

ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/",
        name="getPage",
        summary="A page for a person: the URLs of the streams, and where the API is.",
        access="read",
        handler=get_page,
        answers={200: Answered("The page.", media_type="text/html")},
    ),
)
