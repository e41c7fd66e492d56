"""The page at ``/``: the console. Without scripts it says where the streams and the API are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from aiohttp import web

from relaycore.language import _
from relaycore.web.keys import RELAY
from relaycore.web.player.static import static_files
from relaycore.web.routes import Answered, Route
from relaycore.web.spoken import html_tag, switch

__all__ = ["HEADERS", "ROUTES", "preloads"]

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Scripts, styles and pictures of this server only; nothing written into the page runs (CSP level 3). Nobody
shows it inside another page, where a person could be led to press its buttons."""

HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


async def get_page(request: web.Request) -> web.Response:
    """Answers with the console."""
    relay = request.app[RELAY]
    addresses = [(stream.path, relay.urls(stream.path)[0]) for stream in relay.streams()]
    items = "".join(
        f'<li><a href="/{quote(path)}"><bdi>{escape(path)}</bdi></a> '
        f'<code dir="ltr">{escape(url)}</code></li>\n'
        for path, url in addresses
    )
    if addresses:
        streams = f"<p>{escape(_('Open one of these in a player such as VLC:'))}</p>\n<ul>\n{items}</ul>"
    else:
        none = _("No stream is live. Publish one with RTSP to a path of your choice.")
        streams = f"<p>{escape(none)}</p>"
    files = static_files()
    text = _PAGE.format(
        html=html_tag(),
        icon=files.address("icon.svg"),
        style=files.address("console/console.css"),
        modules=preloads("console/"),
        script=files.address("console/console.js"),
        console=escape(_("Console")),
        streams=streams,
        programs=escape(_("For programs:")),
        api=escape(_("control API")),
        metrics=escape(_("metrics")),
        language=escape(_("Language")),
        languages=switch(),
    )
    return web.Response(text=text, content_type="text/html", headers=HEADERS)


def preloads(folder: str, without: Collection[str] = ()) -> str:
    """Has a browser fetch the modules of a folder at once, and the texts that they need."""
    files = static_files()
    names = [
        name for name in files if name.startswith(folder) and name.endswith(".js") and name not in without
    ]
    return "".join(
        f'<link rel="modulepreload" href="{files.address(name)}">\n' for name in sorted([*names, "texts.js"])
    )


_PAGE: Final = """<!doctype html>
{html}
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>relaycore</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
{modules}<script type="module" src="{script}"></script>
</head>
<body>
<header id="bar"><a class="brand" href="/"><img src="{icon}" alt="">relaycore</a></header>
<main>
<h1 class="unseen">{console}</h1>
<div id="plain">
{streams}
</div>
</main>
<footer>
<nav aria-label="{language}">{languages}</nav>
<p>{programs} <a href="/api/v1/openapi.json">{api}</a> <a href="/metrics">{metrics}</a></p>
</footer>
</body>
</html>
"""

ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/",
        name="getPage",
        summary="The console, for a person: paths, sessions, figures, and what may be done with them. "
        "Without scripts, the streams and where they are.",
        access="read",
        handler=get_page,
        answers={200: Answered("The page.", media_type="text/html")},
    ),
)
