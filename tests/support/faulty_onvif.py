"""A real relay whose answers of ONVIF are changed on the way, so that it breaks one rule at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
from aiohttp import web

__all__ = ["Fault", "Said", "answering", "edit", "faulty_onvif"]

MOST_BYTES = 16 * 1024 * 1024
"""Bytes of a request that is passed on, since the relay is to refuse it."""

PASSED_ON = ("Content-Type", "Authorization", "Host")
"""Headers of requests that the relay gets as they are; ``Host`` is what it makes addresses of."""


@dataclass(frozen=True)
class Said:
    """A request, and the answer to it."""

    request: str
    status: int
    kind: str
    challenge: str | None
    body: bytes
    authorized: bool = False
    """Whether the request had a login of HTTP."""


Fault = Callable[[Said], Said]
"""What is sent in place of an answer."""


def edit(old: str, new: str, *, of: str = "") -> Fault:
    """Replaces a text in answers to requests that have ``of`` in them; says when it would plant nothing."""

    def fault(said: Said) -> Said:
        if of not in said.request or said.status >= 300:
            return said
        assert old.encode() in said.body, said.body
        return replace(said, body=said.body.replace(old.encode(), new.encode()))

    return fault


def answering(status: int, body: str, *, of: str, only: Callable[[Said], bool] = lambda said: True) -> Fault:
    """Answers requests that have ``of`` in them by something else."""
    return lambda said: (
        replace(said, status=status, body=body.encode(), challenge=None)
        if of in said.request and only(said)
        else said
    )


@asynccontextmanager
async def faulty_onvif(port: int, fault: Fault) -> AsyncIterator[str]:
    """The address of a device service that is the relay's at ``port``, but for the fault."""

    async def pass_on(request: web.Request) -> web.Response:
        data = await request.read()
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        url = f"http://127.0.0.1:{port}{request.raw_path}"
        async with http.request(request.method, url, data=data, headers=headers) as response:
            said = Said(
                f"{request.method} {request.path}\n{data.decode(errors='replace')}",
                response.status,
                response.headers.get("Content-Type", "text/plain"),
                response.headers.get("WWW-Authenticate"),
                await response.read(),
                "Authorization" in request.headers,
            )
        changed = fault(said)
        answer = web.Response(status=changed.status, body=changed.body)
        answer.headers["Content-Type"] = changed.kind
        if changed.challenge is not None:
            answer.headers["WWW-Authenticate"] = changed.challenge
        return answer

    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_route("*", "/{tail:.*}", pass_on)
    runner = web.AppRunner(app)
    async with aiohttp.ClientSession() as http:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/onvif/device_service"
        finally:
            await runner.cleanup()
