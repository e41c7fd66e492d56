"""The page at ``/``: where the streams and the API are."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from aiohttp import web

from relaycore.language import _
from relaycore.web.keys import RELAY
from relaycore.web.routes import Answered, Route
from relaycore.web.spoken import html_tag, switch

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
    if urls:
        streams = f"<p>{escape(_('Open one of these in a player such as VLC:'))}</p><ul>{items}</ul>"
    else:
        none = _("No stream is live. Publish one with RTSP to a path of your choice.")
        streams = f"<p>{escape(none)}</p>"
    text = _PAGE.format(
        html=html_tag(),
        streams=streams,
        programs=escape(_("For programs:")),
        api=escape(_("control API")),
        metrics=escape(_("metrics")),
        languages=switch(),
    )
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


_PAGE = """<!doctype html>
{html}<head><meta charset="utf-8"><title>relaycore</title></head><body>
<main>
<h1>relaycore</h1>
{streams}
<p>{programs} <a href="/api/v1/openapi.json">{api}</a> <a href="/metrics">{metrics}</a></p>
<p>{languages}</p>
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
