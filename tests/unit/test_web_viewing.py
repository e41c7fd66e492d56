"""Sessions of browsers: who may have one, what is known of it, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from relaycore import PathSettings, Relay, User
from relaycore.events import SessionEnded, SessionStarted
from relaycore.http_digest import HttpDigest
from relaycore.web import server
from relaycore.web.routes import Route
from relaycore.web.viewing import admit_viewer, begin_visit

ANNA = User(name="anna", password="open sesame")

PART = b"a part of what is seen"

TIMEOUT_S = 10


async def _watch(request: web.Request) -> web.StreamResponse:
    """Sends one part, and then why the session has ended."""
    viewer = await admit_viewer(request, same_origin=True)
    async with await begin_visit(request, viewer, "hls") as visit:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(PART)
        visit.handle.add(len(PART))
        visit.handle.first_picture()
        await visit.ended.wait()
        await response.write((visit.reason or "").encode())
    return response


async def _leave(request: web.Request) -> web.StreamResponse:
    """Begins a session and leaves at once."""
    viewer = await admit_viewer(request)
    async with await begin_visit(request, viewer, "mjpeg"):
        return web.Response(text="seen")


def _route(name: str, handler: object) -> Route:
    return Route(
        method="GET",
        path=f"/{{path}}/{name}",
        name=name,
        summary="",
        access="open",
        handler=handler,  # type: ignore[arg-type]
        answers={},
    )


@pytest.fixture(autouse=True)
def _routes(monkeypatch: pytest.MonkeyPatch) -> None:
    more = [_route("watch", _watch), _route("leave", _leave)]
    monkeypatch.setattr(server, "ROUTES", [*more, *server.ROUTES])


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0) as relay:
        relay.publish("cam")
        yield relay


def _url(relay: Relay, path: str) -> str:
    host, port = relay.address
    return f"http://{host}:{port}/{path}"


async def _status(relay: Relay, path: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(_url(relay, path), headers=headers) as answer:
        return answer.status, await answer.text()


async def test_a_viewer_is_a_session_as_any_other_until_it_is_kicked(relay: Relay) -> None:
    events = relay.events()
    async with asyncio.timeout(TIMEOUT_S), aiohttp.ClientSession() as http:
        async with http.get(_url(relay, "cam/watch"), headers={"User-Agent": "eye/1"}) as answer:
            assert await answer.content.readexactly(len(PART)) == PART
            (session,) = relay.sessions()
            assert (session.path, session.action, session.state) == ("cam", "read", "playing")
            assert (session.protocol, session.transport, session.user_agent) == ("hls", "tcp", "eye/1")
            assert (session.bytes, session.packets, session.secure) == (len(PART), 1, False)
            assert session.first_picture_ns is not None
            assert relay.streams()[0].stats.readers == 1
            assert relay.kick(session.id)
            assert await answer.content.read() == b"ended by the operator"
        assert relay.sessions() == []
        assert relay.streams()[0].stats.readers == 0
        started, ended = await anext(events), await anext(events)
        assert isinstance(started, SessionStarted)
        assert isinstance(ended, SessionEnded)
        assert started.session.id == ended.session.id == session.id
        assert ended.reason == "ended by the operator"


async def test_a_session_ends_with_its_stream_and_with_its_handler(relay: Relay) -> None:
    publisher = relay.publish("door")
    events = relay.events()
    async with asyncio.timeout(TIMEOUT_S), aiohttp.ClientSession() as http:
        async with http.get(_url(relay, "door/watch")) as answer:
            await answer.content.readexactly(len(PART))
            publisher.close()
            assert await answer.content.read() == b"the stream was removed"
        assert await _status(relay, "cam/leave") == (200, "seen")
        reasons: list[str | None] = []
        while len(reasons) < 2:
            event = await anext(events)
            if isinstance(event, SessionEnded):
                reasons.append(event.reason)
        assert reasons == ["the stream was removed", "the client left"]


async def test_who_may_not_read_gets_no_session() -> None:
    async with Relay(port=0, users=[ANNA]) as relay:
        relay.publish("cam")
        assert (await _status(relay, "cam/leave"))[0] == 401
        login = HttpDigest(ANNA.name, ANNA.password)
        async with (
            aiohttp.ClientSession(middlewares=(login,)) as http,
            http.get(_url(relay, "cam/watch")) as answer,
        ):
            await answer.content.readexactly(len(PART))
            assert [session.user for session in relay.sessions()] == ["anna"]
            relay.end_sessions("anna")
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.content.read()
        assert relay.sessions() == []


@pytest.mark.parametrize("path", ["none", "no..t%20one"])
async def test_what_is_not_there_is_not_found(relay: Relay, path: str) -> None:
    status, said = await _status(relay, f"{path}/leave")
    assert status == 404
    assert "There is no stream" in said


async def test_a_page_of_another_site_opens_nothing_where_that_is_not_wished(relay: Relay) -> None:
    assert (await _status(relay, "cam/watch", Origin="http://elsewhere.example"))[0] == 403
    assert (await _status(relay, "cam/leave", Origin="http://elsewhere.example"))[0] == 200
    assert (await _status(relay, "cam/leave", Host="elsewhere.example"))[0] == 421
    assert relay.sessions() == []


async def test_there_are_as_many_readers_as_the_path_may_have() -> None:
    async with (
        asyncio.timeout(TIMEOUT_S),
        Relay(port=0, paths={"cam": PathSettings(most_readers=1)}) as relay,
        aiohttp.ClientSession() as http,
    ):
        relay.publish("cam")
        async with http.get(_url(relay, "cam/watch")) as answer:
            await answer.content.readexactly(len(PART))
            async with http.get(_url(relay, "cam/leave")) as second:
                assert (second.status, second.headers["Retry-After"]) == (503, "5")
                assert "as many readers as are allowed" in await second.text()
            (session,) = relay.sessions()
            relay.kick(session.id)
            await answer.content.read()
        assert await _status(relay, "cam/leave") == (200, "seen")
