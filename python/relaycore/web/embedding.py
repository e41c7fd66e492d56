"""Pages of other origins that may play (the setting ``embed_origins``).

A browser lets a page read the answers of another server where that says so (Fetch standard, "HTTP CORS
protocol"). Routes that players need are marked as embeddable, and their answers say so to the origins of the
setting, without credentials: neither cookies nor passwords go along, so that such a page plays what everybody
may read, and what a share link in the address opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web

from relaycore.web.keys import RELAY

__all__ = ["answer_preflight", "frame_ancestors", "is_allowed", "let_read"]

_PREFLIGHT: Final[Mapping[str, str]] = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, HEAD, POST, PATCH, DELETE",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Content-Type, If-Match, CMCD-Session",
    hdrs.ACCESS_CONTROL_MAX_AGE: "600",
}

_EXPOSED: Final = "Location, ETag, Link, Retry-After, Accept-Patch"
"""Headers of WHEP and of refusals that a page reads."""


def is_allowed(request: web.BaseRequest, allowed: frozenset[str] | list[str]) -> bool:
    """Whether a request comes from a page of one of these origins."""
    return request.headers.get(hdrs.ORIGIN) in allowed


def answer_preflight(request: web.Request) -> web.Response | None:
    """The answer to a browser that asks whether a page may send a request; ``None`` for all others.

    It says nothing of what the request itself will be answered.
    """
    if request.method != hdrs.METH_OPTIONS or hdrs.ACCESS_CONTROL_REQUEST_METHOD not in request.headers:
        return None
    if not is_allowed(request, request.app[RELAY].config.embed_origins):
        return None
    response = web.Response(status=204, headers=_PREFLIGHT)
    let_read(request, response)
    return response


def let_read(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Lets the page that sent a request read the answer. Its origin has to be an allowed one."""
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = request.headers[hdrs.ORIGIN]
    response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    varies = response.headers.get(hdrs.VARY)
    response.headers[hdrs.VARY] = f"{varies}, Origin" if varies else "Origin"


def frame_ancestors(allowed: list[str]) -> str:
    """Whose pages may show a page in a frame, as a directive (CSP level 3)."""
    return " ".join(["frame-ancestors 'self'", *allowed])
