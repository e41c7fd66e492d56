"""A server that is asked whether somebody may: what it is told, and that its failures let nobody in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from relaycore import AccessSettings, Relay, User
from relaycore.access.outside import LARGEST_ANSWER, MOST_AT_ONCE, AccessRequest, DecisionWebhook
from relaycore.errors import HookError
from relaycore.events import SessionEnded
from tests.support.events import of_kind
from tests.support.rtsp import Client

ASKED = AccessRequest("read", "cam", "anna", "[2001:db8::7]:5000", "VLC", None, "viewer", "rtsps")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Answers as it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answer: Handler = self.allow
        self.url = ""

    async def allow(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"allow": True})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        return await self.answer(request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_post("/may", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    _, port = runner.addresses[0]
    server.url = f"http://127.0.0.1:{port}/may?key=hidden"
    yield server
    await runner.cleanup()


@pytest.fixture
async def webhook(server: Server) -> AsyncIterator[DecisionWebhook]:
    webhook = DecisionWebhook(server.url)
    yield webhook
    await webhook.close()


def text(body: str, status: int = 200, **headers: str) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, headers=headers)

    return answer


async def test_it_is_told_who_wants_what_and_answers_yes_or_more(
    server: Server, webhook: DecisionWebhook
) -> None:
    assert (await webhook.ask(ASKED)).allow
    assert server.asked == [
        {
            "user": "anna",
            "role": "viewer",
            "address": "2001:db8::7",
            "path": "cam",
            "action": "read",
            "protocol": "rtsps",
            "client": "VLC",
        }
    ]
    more = {"allow": True, "role": "viewer", "purpose": "a visit", "expires": 1e10, "other": 1}
    server.answer = text(json.dumps(more))
    permission = await webhook.ask(ASKED)
    assert (permission.role, permission.purpose, permission.expires) == ("viewer", "a visit", 1e10)


@pytest.mark.parametrize(
    "answer",
    [
        text("", 204),
        text(""),
        text("yes"),
        text("{}"),
        text('{"allow": 1}'),
        text('{"allow": true, "role": "king"}'),
        text('{"allow": true, "purpose": "a\\nb"}'),
        text('{"allow": true, "expires": "soon"}'),
        text("[" * 10_000),
        text('{"allow": true}' + " " * LARGEST_ANSWER),
        text('{"allow": true}', 500),
        text('{"allow": true}', 302, Location="/elsewhere"),
        text('{"allow": true, "expires": NaN}'),
    ],
)
async def test_what_is_no_answer_lets_nobody_in(
    server: Server, webhook: DecisionWebhook, answer: Handler
) -> None:
    server.answer = answer
    with pytest.raises(HookError) as error:
        await webhook.ask(ASKED)
    assert "hidden" not in str(error.value), "the query may be a key"


async def test_so_many_are_asked_at_a_time(server: Server, webhook: DecisionWebhook) -> None:
    gate, full = asyncio.Event(), asyncio.Event()

    async def wait(_request: web.Request) -> web.StreamResponse:
        if len(server.asked) == MOST_AT_ONCE:
            full.set()
        await gate.wait()
        return web.json_response({"allow": True})

    server.answer = wait
    questions = [asyncio.create_task(webhook.ask(ASKED)) for _ in range(2 * MOST_AT_ONCE)]
    async with asyncio.timeout(20):
        await full.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(server.asked) == MOST_AT_ONCE
        gate.set()
        assert all(permission.allow for permission in await asyncio.gather(*questions))


async def test_a_relay_lets_in_whom_the_server_lets_in(server: Server) -> None:
    anna = User(name="anna", password="x")
    access = AccessSettings(webhook=server.url)
    async with Relay(port=0, users=[anna], access=access, decision_timeout=1) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25, microphone="none")
        link = await relay.share("own", "a visit", seconds=60)
        url = f"{relay.urls('own')[0]}?share={relay.share_token(link)}"

        async def status() -> int:
            async with await Client.connect(url) as client:
                return (await client.request("DESCRIBE")).status

        assert await status() == 200
        assert server.asked[0]["user"] == link.name
        assert relay.share_token(link) not in json.dumps(server.asked)
        server.answer = text('{"allow": false}')
        assert await status() == 403
        server.answer = text("", 500)
        assert await status() == 503

        async def never(_request: web.Request) -> web.StreamResponse:
            await asyncio.Event().wait()
            return web.Response()

        server.answer = never
        assert await status() == 503
        events = relay.events()
        server.answer = text('{"allow": true, "expires": 9e9}')
        async with await Client.connect(url) as client:
            await client.start(udp=False)
            await relay.revoke_share(link.id)
            await of_kind(events, SessionEnded)
        await relay.reload(msgspec.structs.replace(relay.config, users=[anna], access=AccessSettings()))
        asked = len(server.asked)
        assert await status() == 403
        assert len(server.asked) == asked
