"""RTSP in WebSockets, to a client of others: who comes in, from which pages, and what is told of it."""

from __future__ import annotations

import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relaycore import Relay, User
from relaycore.events import SessionEnded
from relaycore.journeys.report import Question, ask
from relaycore.settings import TlsSettings
from tests.support.events import of_kind
from tests.support.rtsp import Client
from tests.support.rtsp_websocket import PROTOCOL, carried

ANNA = User(name="anna", password="open-sesame")
SHOP = "https://shop.example"
BASIC = "Basic " + base64.b64encode(b"anna:open-sesame").decode()

SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\na=control:0\r\n"


def at(relay: Relay, scheme: str = "ws") -> str:
    host, port = relay.address
    return f"{scheme}://{host}:{port}/rtsp"


def url(relay: Relay, path: str = "cam") -> str:
    host, port = relay.address
    return f"rtsp://{host}:{port}/{path}"


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, embed_origins=[SHOP]) as relay:
        await relay.add_camera("cam", camera="pattern", size="160x120", fps=25)
        yield relay


async def answers(relay: Relay, method: str = "DESCRIBE", **handshake: Any) -> tuple[int, str]:
    """What is answered to a request in a WebSocket that was opened so."""
    async with carried(url(relay), at(relay), **handshake) as client:
        body = SDP if method == "ANNOUNCE" else b""
        response = await client.request(method, headers={"Content-Type": "application/sdp"}, body=body)
        return response.status, response.reason


async def test_a_reader_gets_media_and_is_listed(relay: Relay) -> None:
    events = relay.events()
    async with carried(url(relay), at(relay)) as client:
        await client.start(udp=False)
        tracks = {(await client.packet()).track for _ in range(60)}
        assert tracks == {0, 1}
        (session,) = relay.sessions()
        assert (session.protocol, session.transport) == ("rtsp-over-websocket", "tcp")
        await client.tear_down()
    assert (await of_kind(events, SessionEnded)).reason == "the client ended it"


async def test_who_closes_the_socket_ends_the_session(relay: Relay) -> None:
    events = relay.events()
    async with carried(url(relay), at(relay)) as client:
        await client.start(udp=False)
        await client.packet()
    assert (await of_kind(events, SessionEnded)).reason == "the client closed the connection"


async def test_the_path_of_the_address_and_other_sub_protocols_do_not_matter(relay: Relay) -> None:
    host, port = relay.address
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/cam/ws", "/api/v1/paths", "/no/such/path?x=y"):
            address = f"ws://{host}:{port}{path}"
            async with session.ws_connect(address, protocols=["other", PROTOCOL]) as socket:
                assert socket.protocol == PROTOCOL
                await socket.send_bytes(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
                assert (await socket.receive_bytes()).startswith(b"RTSP/1.0 200 OK\r\n")
        # Fragments of MP4 are where they were.
        async with session.ws_connect(f"ws://{host}:{port}/cam/ws") as socket:
            assert (await socket.receive_bytes())[4:8] == b"ftyp"


async def test_only_rtsp_is_asked_who_somebody_is() -> None:
    async with Relay(port=0, users=[ANNA], basic=True) as relay:
        await relay.add_camera("cam", camera="pattern", size="160x120", fps=25, microphone="none")
        headers = {"Authorization": BASIC, "Cookie": "relaycore_login=x"}
        async with carried(url(relay), at(relay), headers=headers) as client:
            assert (await client.request("DESCRIBE")).status == 401
            client.headers["Authorization"] = BASIC
            await client.start(udp=False)
            (session,) = relay.sessions()
            assert session.user == "anna"


@pytest.mark.parametrize(
    ("headers", "read", "publish"),
    [
        ({}, 200, 200),
        ({"Origin": "http://evil.example"}, 403, 403),
        ({"Origin": "null"}, 403, 403),
        ({"Origin": "http://["}, 403, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403, 403),
        ({"Origin": SHOP}, 200, 403),
        # A name that was made to mean this machine (DNS rebinding), and a proxy of this machine.
        ({"Origin": "http://evil.example", "Host": "evil.example"}, 403, 403),
        ({"Host": "evil.example"}, 403, 403),
        ({"X-Forwarded-For": "192.0.2.7"}, 403, 403),
        ({"Origin": "http://localhost", "Host": "localhost"}, 200, 200),
    ],
)
async def test_the_same_pages_come_in_as_by_other_websockets(
    relay: Relay, headers: dict[str, str], read: int, publish: int
) -> None:
    assert (await answers(relay, headers=headers))[0] == read
    async with carried(url(relay, "mine"), at(relay), headers=headers) as client:
        said = {"Content-Type": "application/sdp"}
        assert (await client.request("ANNOUNCE", headers=said, body=SDP)).status == publish


async def test_a_page_of_another_site_is_told_why(relay: Relay) -> None:
    _, reason = await answers(relay, headers={"Origin": "http://evil.example"})
    assert "embed_origins" in reason


async def test_who_is_known_comes_through_a_proxy() -> None:
    async with Relay(port=0, users=[ANNA], basic=True) as relay:
        await relay.add_camera("cam", camera="pattern", size="160x120", fps=25, microphone="none")
        headers = {"X-Forwarded-For": "192.0.2.7", "Host": "relay.example", "Origin": "http://relay.example"}
        async with carried(url(relay), at(relay), headers=headers) as client:
            client.headers["Authorization"] = BASIC
            assert (await client.request("DESCRIBE")).status == 200


async def test_it_may_be_encrypted(tmp_path: Path) -> None:
    async with Relay(port=0, tls=TlsSettings(enabled=True), state_folder=str(tmp_path)) as relay:
        await relay.add_camera("cam", camera="pattern", size="160x120", fps=25, microphone="none")
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        async with carried(url(relay), at(relay, "wss"), ssl=trusting) as client:
            await client.start(udp=False)
            await client.packet()
            (session,) = relay.sessions()
            assert session.secure


async def test_it_is_there_without_the_web() -> None:
    async with Relay(port=0, api=False) as relay:
        await relay.add_camera("cam", camera="pattern", size="160x120", fps=25, microphone="none")
        assert (await answers(relay))[0] == 200


async def test_an_attempt_is_counted_and_broken_frames_are_its_end(tmp_path: Path) -> None:
    async with Relay(port=0, state_folder=str(tmp_path)) as relay:
        await relay.add_camera("cam", camera="pattern", size="160x120", fps=25, microphone="none")
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(at(relay), protocols=[PROTOCOL]) as socket,
        ):
            await socket.send_bytes(f"DESCRIBE {url(relay)} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            assert (await socket.receive_bytes()).startswith(b"RTSP/1.0 200 OK\r\n")
            await socket.send_str("OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n")
            assert (await socket.receive()).data == aiohttp.WSCloseCode.UNSUPPORTED_DATA
    found = ask(tmp_path, Question(protocol="rtsp-over-websocket")).all
    causes = {(stage.stage, cause.cause): cause.count for stage in found.stages for cause in stage.ended}
    assert causes == {("described", "malformed request"): 1}


async def until_closed(client: Client) -> None:
    """Reads until the server has closed the connection."""
    with contextlib.suppress(EOFError):
        while True:
            await client.packet()


async def test_readers_are_ended_with_the_stream(relay: Relay) -> None:
    async with carried(url(relay), at(relay)) as client:
        await client.start(udp=False)
        await client.packet()
        await relay.remove_camera("cam")
        await until_closed(client)
