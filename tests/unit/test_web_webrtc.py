"""WHEP and WHIP over HTTP: what is answered, to whom, and what ends a session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from relaycore import Relay, User
from relaycore.events import EventReader, SessionEnded
from relaycore.settings import IceServer
from relaycore.web.webrtc.agreements import MOST_ENDED, ufrag_of
from relaycore.web.webrtc.handlers import FRAGMENT, MOST_BYTES, SDP
from tests.support.webrtc import PUBLISH, WATCH

ANNA = User(name="anna", password="open sesame")

TIMEOUT_S = 10


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, publish="any", anonymous=True) as relay:
        relay.publish("house/cam")
        yield relay


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(_base(relay), timeout=timeout) as session:
        yield session


def _base(relay: Relay) -> str:
    host, port = relay.address
    return f"http://{host}:{port}"


async def _watch(client: aiohttp.ClientSession) -> tuple[str, str]:
    """The address of a session and its tag."""
    async with client.post("/house/cam/whep", data=WATCH, headers={"Content-Type": SDP}) as response:
        assert response.status == 201
        assert response.content_type == SDP
        answer = await response.text()
        assert "a=sendonly" in answer
        assert "a=ice-lite" in answer
        assert response.headers["Accept-Patch"] == FRAGMENT
        return response.headers["Location"], response.headers["ETag"]


async def _until_ended(events: EventReader) -> AsyncIterator[SessionEnded]:
    async for event in events:
        if isinstance(event, SessionEnded):
            yield event
            return


async def test_an_offer_is_answered_and_deleting_ends_the_session(
    relay: Relay, client: aiohttp.ClientSession
) -> None:
    events = relay.events()
    location, _ = await _watch(client)
    assert location.startswith("/house/cam/whep/")
    (session,) = relay.sessions()
    assert (session.protocol, session.path) == ("webrtc", "house/cam")
    async with client.delete(location) as response:
        assert response.status == 200
    async with asyncio.timeout(TIMEOUT_S):
        reasons = [event.reason async for event in _until_ended(events)]
    assert reasons == ["the client ended it"]
    assert relay.sessions() == []
    # A client that has said goodbye over the connection says so here, too.
    async with client.delete(location) as response:
        assert response.status == 200
    async with client.delete(f"{location}x") as response:
        assert response.status == 404


async def test_a_session_is_known_at_its_own_address_only(client: aiohttp.ClientSession) -> None:
    location, _ = await _watch(client)
    key = location.rpartition("/")[2]
    async with client.delete(f"/other/whep/{key}") as response:
        assert response.status == 404
    async with client.delete(location) as response:
        assert response.status == 200


async def test_candidates_are_taken_for_the_ice_session_that_is_there(client: aiohttp.ClientSession) -> None:
    location, tag = await _watch(client)
    fragment = "a=ice-ufrag:wxyz\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\na=candidate:nonsense\r\n"
    again = fragment.replace("wxyz", "other")
    cases = [
        ({"If-Match": tag, "Content-Type": FRAGMENT}, fragment, 204),
        ({"Content-Type": FRAGMENT}, fragment, 428),
        ({"If-Match": '"another"', "Content-Type": FRAGMENT}, fragment, 412),
        ({"If-Match": tag, "Content-Type": FRAGMENT}, again, 412),
        ({"If-Match": "*", "Content-Type": FRAGMENT}, again, 400),
        ({"If-Match": tag, "Content-Type": SDP}, fragment, 415),
    ]
    for headers, body, status in cases:
        async with client.patch(location, data=body, headers=headers) as response:
            assert response.status == status, (headers, body)


async def test_a_session_is_connected_anew(client: aiohttp.ClientSession) -> None:
    location, tag = await _watch(client)
    restart = "a=ice-ufrag:another\r\na=ice-pwd:ohwhatalovelypassword1234\r\n"
    candidate = "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"
    headers = {"If-Match": "*", "Content-Type": FRAGMENT}
    async with client.patch(location, data=restart + candidate, headers=headers) as response:
        fragment = await response.text()
        assert response.status == 200, fragment
        assert response.content_type == FRAGMENT
        renewed = response.headers["ETag"]
    for line in ("a=ice-lite", "a=ice-ufrag:", "a=ice-pwd:", "a=mid:", "a=candidate:"):
        assert f"{line}" in fragment
    assert renewed != tag
    # From now on candidates are of that one; and there is nothing new in the same once more.
    cases = [(tag, restart, 412), (renewed, restart, 204), ("*", restart, 400)]
    for match, body, status in cases:
        headers = {"If-Match": match, "Content-Type": FRAGMENT}
        async with client.patch(location, data=body, headers=headers) as response:
            assert response.status == status, (match, body)
    async with client.delete(location) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        ("", SDP, 400),
        ("v=0\r\n", SDP, 400),
        (b"\xff\xfe", SDP, 400),
        (WATCH, "text/plain", 415),
        (WATCH, "application/json", 415),
        ("v" * (MOST_BYTES + 1), SDP, 413),
        (WATCH.replace("H264", "VP8"), SDP, 406),
        (PUBLISH, SDP, 406),
    ],
)
async def test_what_is_no_offer_begins_no_session(
    relay: Relay, client: aiohttp.ClientSession, body: str | bytes, media_type: str, status: int
) -> None:
    data = body.encode() if isinstance(body, str) else body
    async with client.post("/house/cam/whep", data=data, headers={"Content-Type": media_type}) as response:
        assert response.status == status
        assert (await response.json())["error"]
    assert relay.sessions() == []


async def test_nothing_is_watched_where_nothing_is(client: aiohttp.ClientSession) -> None:
    async with client.post("/none/whep", data=WATCH, headers={"Content-Type": SDP}) as response:
        assert response.status == 404


async def test_publishing_makes_the_path_and_a_second_one_finds_it_taken(
    relay: Relay, client: aiohttp.ClientSession
) -> None:
    async with client.post("/phone/whip", data=PUBLISH, headers={"Content-Type": SDP}) as response:
        assert response.status == 201
        assert "a=recvonly" in await response.text()
        location = response.headers["Location"]
    assert [session.action for session in relay.sessions()] == ["publish"]
    async with client.post("/phone/whip", data=PUBLISH, headers={"Content-Type": SDP}) as response:
        assert response.status == 409
    async with client.post("/house/cam/whip", data=PUBLISH, headers={"Content-Type": SDP}) as response:
        assert response.status == 409
    async with client.delete(location) as response:
        assert response.status == 200


async def test_pages_of_other_sites_may_not_publish(relay: Relay, client: aiohttp.ClientSession) -> None:
    headers = {"Content-Type": SDP, "Origin": "https://elsewhere.example"}
    async with client.post("/phone/whip", data=PUBLISH, headers=headers) as response:
        assert response.status == 403
    assert relay.sessions() == []


async def test_who_may_not_read_gets_no_answer() -> None:
    async with Relay(port=0, users=[ANNA]) as relay:
        relay.publish("cam")
        base = _base(relay)
        async with aiohttp.ClientSession(base) as client:
            for means in ("whep", "whip"):
                async with client.post(
                    f"/cam/{means}", data=WATCH, headers={"Content-Type": SDP}
                ) as response:
                    assert response.status == 401
        assert relay.sessions() == []


async def test_what_may_be_posted_is_told(client: aiohttp.ClientSession) -> None:
    async with client.options("/house/cam/whep") as response:
        assert (response.status, response.headers["Accept-Post"]) == (204, SDP)


SERVERS = [
    IceServer(url="stun:stun.example.org"),
    IceServer(url="turn:turn.example.org:3478", username="relay", credential='open "sesame"\\'),
]

LINKS = [
    '<stun:stun.example.org>; rel="ice-server"',
    '<turn:turn.example.org:3478>; rel="ice-server"; username="relay"; '
    'credential="open \\"sesame\\"\\\\"; credential-type="password"',
]


async def test_servers_are_told_with_the_answer_and_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with Relay(port=0, publish="any", anonymous=True, ice_servers=SERVERS) as relay:
        relay.publish("house/cam")
        async with aiohttp.ClientSession(_base(relay)) as client:
            for means, offer in (("house/cam/whep", WATCH), ("phone/whip", PUBLISH)):
                async with client.post(f"/{means}", data=offer, headers={"Content-Type": SDP}) as response:
                    assert response.status == 201
                    assert response.headers.getall("Link") == LINKS
                async with client.options(f"/{means}") as response:
                    assert (response.status, response.headers.getall("Link")) == (204, LINKS)
            async with client.get("/api/v1/paths/house/cam/player") as response:
                assert (await response.json())["ice_servers"] == [
                    {"urls": "stun:stun.example.org"},
                    {
                        "urls": "turn:turn.example.org:3478",
                        "username": "relay",
                        "credential": 'open "sesame"\\',
                    },
                ]
            async with client.get("/phone/publish") as response:
                assert "turn:turn.example.org:3478" in await response.text()
    assert "sesame" not in caplog.text


async def test_servers_are_told_to_nobody_who_may_not_connect() -> None:
    async with Relay(port=0, users=[ANNA], ice_servers=SERVERS) as relay:
        relay.publish("cam")
        async with aiohttp.ClientSession(_base(relay)) as client:
            for means in ("whep", "whip"):
                async with client.options(f"/cam/{means}") as response:
                    assert response.status == 401
                    assert "turn:" not in str(response.headers) + await response.text()
            for page in ("/api/v1/paths/cam/player", "/cam", "/cam/publish"):
                async with client.get(page, allow_redirects=False) as response:
                    assert response.status in {303, 401}
                    assert "sesame" not in await response.text()


async def test_no_server_is_told_where_there_is_none(client: aiohttp.ClientSession) -> None:
    async with client.post("/house/cam/whep", data=WATCH, headers={"Content-Type": SDP}) as response:
        assert "Link" not in response.headers
    async with client.get("/api/v1/paths/house/cam/player") as response:
        assert (await response.json())["ice_servers"] == []


def test_the_name_of_an_ice_session_is_found() -> None:
    assert ufrag_of(WATCH) == "wxyz"
    assert ufrag_of("a=ice-ufrag:\r\n") is None
    assert MOST_ENDED > 0
