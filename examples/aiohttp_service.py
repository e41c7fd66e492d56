"""A web service with a camera in it: who may watch is decided here, and the newest picture is a URL.

python examples/aiohttp_service.py [CAMERA]

POST /tokens              makes a token: {"url": "rtsp://127.0.0.1:8554/cam?token=..."}
GET  /cam.jpg             the newest picture
GET  /sessions            who watches
DELETE /sessions/{id}     ends a session
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from io import BytesIO
from urllib.parse import parse_qs

from aiohttp import web
from av import VideoFrame
from PIL import Image

from relaycore import AccessRequest, Relay

RELAY = web.AppKey("relay", Relay)
TOKENS = web.AppKey("tokens", set[str])


async def run_relay(app: web.Application) -> AsyncIterator[None]:
    """Have a relay open while the service runs."""

    async def authorise(request: AccessRequest) -> bool:
        tokens = parse_qs(request.query or "").get("token", [])
        return any(token in app[TOKENS] for token in tokens)

    async with Relay(authorise=authorise) as relay:
        await relay.add_camera("cam", camera=sys.argv[1] if len(sys.argv) > 1 else None)
        app[RELAY] = relay
        yield


async def make_token(request: web.Request) -> web.Response:
    """Answer with a URL that may be watched until the service ends."""
    token = secrets.token_urlsafe(16)
    request.app[TOKENS].add(token)
    url = request.app[RELAY].urls("cam")[0]
    return web.json_response({"url": f"{url}?token={token}"}, status=201)


def as_jpeg(frame: VideoFrame) -> bytes:
    """Encode a picture as JPEG."""
    body = BytesIO()
    Image.fromarray(frame.to_ndarray(format="rgb24")).save(body, "JPEG")
    return body.getvalue()


async def picture(request: web.Request) -> web.Response:
    """Answer with the next picture as a JPEG."""
    async with request.app[RELAY].frames("cam") as frames, asyncio.timeout(5):
        frame = await anext(frames)
    return web.Response(body=await asyncio.to_thread(as_jpeg, frame), content_type="image/jpeg")


async def sessions(request: web.Request) -> web.Response:
    """Answer with who watches."""
    return web.json_response(
        [
            {"id": session.id, "path": session.path, "peer": session.peer, "packets": session.packets}
            for session in request.app[RELAY].sessions()
        ]
    )


async def end_session(request: web.Request) -> web.Response:
    """End a session."""
    if not request.app[RELAY].kick(request.match_info["id"]):
        raise web.HTTPNotFound
    return web.Response(status=204)


def make_app() -> web.Application:
    """Put the service together."""
    app = web.Application()
    app[TOKENS] = set()
    app.cleanup_ctx.append(run_relay)
    app.router.add_post("/tokens", make_token)
    app.router.add_get("/cam.jpg", picture)
    app.router.add_get("/sessions", sessions)
    app.router.add_delete("/sessions/{id}", end_session)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
