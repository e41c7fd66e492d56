"""Fragments over a WebSocket, to a client of others: what comes, who is refused and how, and what ends it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType, hdrs

from relaycore import Relay, Track, User
from relaycore.events import EventReader, SessionEnded
from relaycore.web.websocket.handshake import SUBPROTOCOL, accept_of

ANNA = User(name="anna", password="open sesame")

TIMEOUT_S = 20


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, anonymous=True) as relay:
        await relay.add_camera("house/cam", camera="pattern", size="320x240", fps=15)
        yield relay


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(_base(relay)) as session:
        yield session


def _base(relay: Relay) -> str:
    host, port = relay.address
    return f"http://{host}:{port}"


async def _until_ended(events: EventReader) -> AsyncIterator[SessionEnded]:
    async for event in events:
        if isinstance(event, SessionEnded):
            yield event
            return


def _box(data: bytes) -> bytes:
    return data[4:8]


async def _messages(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[bytes]:
    async with asyncio.timeout(TIMEOUT_S):
        return [await socket.receive_bytes() for _ in range(count)]


async def test_a_header_comes_first_and_then_whole_pictures_that_ffmpeg_decodes(
    client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with client.ws_connect("/house/cam/ws", protocols=(SUBPROTOCOL,)) as socket:
        assert socket.protocol == SUBPROTOCOL
        messages = await _messages(socket, 60)
    assert _box(messages[0]) == b"ftyp"
    assert all(_box(message) in (b"moof", b"prft", b"styp") for message in messages[1:])
    film = tmp_path / "film.mp4"
    film.write_bytes(b"".join(messages))
    ffprobe = shutil.which("ffprobe")
    assert ffprobe is not None
    command = [ffprobe, "-v", "error", "-count_frames", "-select_streams", "v"]
    command += ["-show_entries", "stream=nb_read_frames,width", "-of", "csv=p=0", str(film)]
    probed = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    assert probed.stderr == ""
    width, frames = probed.stdout.strip().rstrip(",").split(",")
    assert width == "320"
    assert int(frames) > 10


async def test_who_watches_is_a_session_and_leaves_with_the_connection(
    relay: Relay, client: aiohttp.ClientSession
) -> None:
    socket = await client.ws_connect("/house/cam/ws")
    await _messages(socket, 3)
    (session,) = relay.sessions()
    assert (session.protocol, session.path) == ("websocket", "house/cam")
    assert session.bytes > 0
    events = relay.events()
    await socket.close()
    async with asyncio.timeout(TIMEOUT_S):
        reasons = [event.reason async for event in _until_ended(events)]
    assert reasons == ["the client ended it"]
    # The next one gets the same fragments, which are still made, from a key frame on.
    async with client.ws_connect("/house/cam/ws") as again:
        first, second = await _messages(again, 2)
    assert (_box(first), _box(second)) in {(b"ftyp", b"moof"), (b"ftyp", b"prft"), (b"ftyp", b"styp")}


async def test_viewers_take_no_places_of_http() -> None:
    async with Relay(port=0, anonymous=True, limits={"http_connections": 2}) as relay:
        await relay.add_camera("cam", camera="pattern", size="320x240", fps=15)
        async with aiohttp.ClientSession(_base(relay)) as client:
            sockets = [await client.ws_connect("/cam/ws") for _ in range(4)]
            for socket in sockets:
                await _messages(socket, 2)
            assert len(relay.sessions()) == len(sockets)
            for socket in sockets:
                await socket.close()


async def test_whoever_ends_a_session_closes_its_connection(
    relay: Relay, client: aiohttp.ClientSession
) -> None:
    async with client.ws_connect("/house/cam/ws") as socket:
        await _messages(socket, 2)
        (session,) = relay.sessions()
        assert relay.kick(session.id)
        async with asyncio.timeout(1):
            while (message := await socket.receive()).type is WSMsgType.BINARY:
                pass
        assert message.type is WSMsgType.CLOSE
        assert message.data == 1001
    assert relay.sessions() == []


async def test_viewers_end_with_the_stream(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/house/cam/ws") as socket:
        await _messages(socket, 2)
        await relay.remove_camera("house/cam")
        async with asyncio.timeout(TIMEOUT_S):
            while (message := await socket.receive()).type is WSMsgType.BINARY:
                pass
        assert message.data == 1001


async def test_a_page_hears_why_it_gets_nothing(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/none/ws") as socket:
        message = await socket.receive(TIMEOUT_S)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 4404)
        assert message.extra
    relay.publish("jpeg", tracks=[Track.jpeg()])
    async with client.ws_connect("/jpeg/ws") as socket:
        assert (await socket.receive(TIMEOUT_S)).data == 4406


async def test_pages_of_other_sites_get_nothing(relay: Relay, client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/house/cam/ws", origin="https://elsewhere.example") as socket:
        assert (await socket.receive(TIMEOUT_S)).data == 4403
    assert relay.sessions() == []


async def test_who_may_not_read_gets_a_socket_that_says_so() -> None:
    async with Relay(port=0, users=[ANNA]) as relay:
        relay.publish("cam")
        async with aiohttp.ClientSession(_base(relay)) as client, client.ws_connect("/cam/ws") as socket:
            assert (await socket.receive(TIMEOUT_S)).data == 4401
        assert relay.sessions() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 426),
        ({hdrs.UPGRADE: "h2c", hdrs.CONNECTION: "Upgrade"}, 426),
        ({hdrs.UPGRADE: "websocket", hdrs.CONNECTION: "Upgrade", hdrs.SEC_WEBSOCKET_VERSION: "8"}, 426),
        ({hdrs.UPGRADE: "websocket", hdrs.CONNECTION: "Upgrade", hdrs.SEC_WEBSOCKET_VERSION: "13"}, 400),
        (
            {
                hdrs.UPGRADE: "websocket",
                hdrs.CONNECTION: "Upgrade",
                hdrs.SEC_WEBSOCKET_VERSION: "13",
                hdrs.SEC_WEBSOCKET_KEY: "short",
            },
            400,
        ),
    ],
)
async def test_other_requests_are_refused(
    relay: Relay, client: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    async with client.get("/house/cam/ws", headers=headers) as response:
        assert response.status == status
    assert relay.sessions() == []


def test_a_key_is_accepted_as_in_the_specification() -> None:
    """RFC 6455, section 1.3."""
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
