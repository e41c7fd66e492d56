"""``/PATH/publish``: a page that makes a camera of the phone or computer that it is opened on, by WHIP."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from relaycore.language import _
from relaycore.web import page
from relaycore.web.answers import Problem
from relaycore.web.keys import GUARD, RELAY
from relaycore.web.player.describe import asked_path, web_servers
from relaycore.web.player.static import static_files
from relaycore.web.routes import PAGE_OF_PATH, Answered, Route
from relaycore.web.spoken import html_tag, switch

__all__ = ["ROUTES"]

HEADERS: Final = {
    **page.HEADERS,
    "Permissions-Policy": "camera=(self), microphone=(self), screen-wake-lock=(self), geolocation=(), "
    "display-capture=(), usb=()",
}


async def get_publish(request: web.Request) -> web.Response:
    """Answers with the page, to whoever may publish at the path."""
    path = asked_path(request)
    await request.app[GUARD].enter(request, "publish", path)
    files = static_files()
    text = _PAGE.format(
        html=html_tag(),
        title=escape(path),
        icon=files.address("icon.svg"),
        style=files.address("publish/publish.css"),
        modules=page.preloads("publish/"),
        script=files.address("publish/publish.js"),
        path=escape(path),
        address=escape("/" + quote(path)),
        servers=escape(msgspec.json.encode(web_servers(request.app[RELAY].config.ice_servers)).decode()),
        encrypted=str(request.app[RELAY].certificate is not None).lower(),
        without_scripts=escape(_("This page needs scripts: they give it the camera.")),
        language=escape(_("Language")),
        languages=switch(),
    )
    return web.Response(text=text, content_type="text/html", headers=HEADERS)


_PAGE: Final = """<!doctype html>
{html}
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="dark">
<title>{title}</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
{modules}<script type="module" src="{script}"></script>
</head>
<body>
<main id="publish" data-path="{path}" data-address="{address}" data-encrypted="{encrypted}"
data-servers="{servers}">
<h1><bdi>{title}</bdi></h1>
<noscript><p>{without_scripts}</p></noscript>
</main>
<footer><nav aria-label="{language}">{languages}</nav></footer>
</body>
</html>
"""

ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/{path}/publish",
        name="getPublishPage",
        summary="A page that publishes the camera of the device that it is opened on, for a person who may "
        "publish at the path.",
        access="open",
        handler=get_publish,
        parameters={"path": "The path, such as `phone` or `house/phone`."},
        answers={
            **PAGE_OF_PATH,
            403: Answered("Whoever asks may not publish at this path.", Problem),
            404: Answered("No stream can have that name.", Problem),
        },
    ),
)
