"""The page of a path: the player, for whoever may read there."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import quote

import msgspec
from aiohttp import hdrs, web

from relaycore.language import Message, _
from relaycore.web import page
from relaycore.web.answers import Problem, Refused
from relaycore.web.embedding import frame_ancestors
from relaycore.web.keys import GUARD, RELAY
from relaycore.web.player.describe import PlayerDescription, asked_path, description_of
from relaycore.web.player.static import static_files
from relaycore.web.routes import PAGE_OF_PATH, Answered, Route
from relaycore.web.spoken import html_tag, switch

__all__ = ["ROUTES"]

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Scripts, styles and media of this server only; nothing written into the page runs (CSP level 3)."""

HEADERS: Final = {
    **page.HEADERS,
    "Permissions-Policy": "autoplay=(self), fullscreen=(self), picture-in-picture=(self), camera=(), "
    "microphone=(), geolocation=(), display-capture=(), usb=()",
}


async def get_player(request: web.Request) -> web.Response:
    """Answers with the player.

    A path where nothing is yet has a page, too, which waits; but programs are told that it is not there.
    """
    path = asked_path(request)
    wants_page = "text/html" in request.headers.get(hdrs.ACCEPT, "")
    await request.app[GUARD].enter(request, "read", path)
    relay = request.app[RELAY]
    description = description_of(request, path)
    known = description.live or path in relay.config.cameras or path in relay.paths
    if not known and not wants_page:
        raise Refused(
            404,
            Message(
                "There is nothing at {path}: GET {list} lists all that there is.",
                path=request.path,
                list="/api/v1/openapi.json",
            ),
        )
    text = _page(description)
    policy = f"{_POLICY}; {frame_ancestors(relay.config.embed_origins)}"
    headers = {**HEADERS, "Content-Security-Policy": policy}
    return web.Response(status=200 if known else 404, text=text, content_type="text/html", headers=headers)


def _page(description: PlayerDescription) -> str:
    files = static_files()
    address = "/" + quote(description.path)
    about, watch = _("About these pictures"), _("Watch")
    if description.notice is None:
        without_scripts = f'<img src="{address}/mjpeg" alt="{escape(description.path)}">'
    else:
        without_scripts = (
            f'<a href="{address}/notice">{escape(about)}</a> <a href="{address}/mjpeg">{escape(watch)}</a>'
        )
    return _PAGE.format(
        title=escape(description.path),
        icon=files.address("icon.svg"),
        style=files.address("player/page.css"),
        part_style=files.address("player/player.css"),
        modules=page.preloads("player/", without=_LATER),
        script=files.address("player/page.js"),
        old_script=files.address(OLD),
        html=html_tag(),
        address=escape(address),
        about=escape(about),
        watch=escape(watch),
        language=escape(_("Language")),
        languages=switch(),
        description=escape(msgspec.json.encode(description).decode()),
        without_scripts=without_scripts,
    )


OLD: Final = "player/old.js"
"""For browsers that know no modules."""

_LATER: Final = frozenset(
    {OLD, *(f"player/{name}.js" for name in ("hls", "live_edge", "mjpeg", "mp4", "mse", "parts"))}
)
"""What the first picture does not wait for, in most browsers."""

_PAGE: Final = """<!doctype html>
{html}
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
<link rel="preload" as="style" href="{part_style}">
{modules}<script type="module" src="{script}"></script>
<script nomodule defer src="{old_script}"></script>
</head>
<body>
<main>
<h1 dir="auto">{title}</h1>
<relaycore-player src="{address}" data-about="{about}" data-watch="{watch}" description="{description}">
<noscript>{without_scripts}</noscript>
</relaycore-player>
</main>
<footer><nav aria-label="{language}">{languages}</nav></footer>
</body>
</html>
"""

ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/{path}",
        name="getPlayerPage",
        summary="A page that plays the path, for a person who may read it. It waits where nothing is live.",
        access="open",
        handler=get_player,
        parameters={"path": "The path, such as `front` or `house/front`."},
        answers={
            **PAGE_OF_PATH,
            403: Answered("Whoever asks may not read it.", Problem),
            404: Answered("There is nothing at this path yet. Browsers get the page, which waits.", Problem),
        },
    ),
)
"""Takes every address that has no other meaning, so it comes after all others."""
