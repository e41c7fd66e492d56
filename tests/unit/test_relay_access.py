"""Who may read, asked over the wire."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator

import pytest

from relaycore import AccessRequest, Publisher, Relay, Track, User
from relaycore.access import nonces
from relaycore.events import SessionEnded, SessionStarted
from tests.support.events import of_kind
from tests.support.rtsp import Client, Response

ANNA = User(name="anna", password="open sesame")

# Parameter sets of a 64x48 picture, without which there is no session description to give.
PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")


def publish(relay: Relay) -> Publisher:
    return relay.publish("own", [Track.h264(PARAMETERS)])


async def describe(client: Client, authorization: str | None = None) -> Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return await client.request("DESCRIBE", headers={"Accept": "application/sdp", **headers})


def digest(url: str, challenge: str, password: str) -> str:
    """The answer of a client that knows MD5 and no ``qop``."""
    found = re.search(r'realm="([^"]+)", nonce="([^"]+)"', challenge)
    assert found is not None
    realm, nonce = found.groups()
    ha1, ha2 = (
        hashlib.md5(text.encode()).hexdigest() for text in (f"anna:{realm}:{password}", f"DESCRIBE:{url}")
    )
    response = hashlib.md5(f"{ha1}:{nonce}:{ha2}".encode()).hexdigest()
    return f'Digest username="anna", realm="{realm}", nonce="{nonce}", uri="{url}", response="{response}"'


@pytest.fixture
async def guarded() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA]) as relay:
        with publish(relay):
            yield relay


async def test_everybody_on_this_machine_may_read() -> None:
    async with Relay(port=0) as relay:
        with publish(relay):
            async with await Client.connect(relay.urls("own")[0]) as client:
                assert (await describe(client)).status == 200


async def test_a_user_is_asked_for_the_password_and_let_in(guarded: Relay) -> None:
    async with await Client.connect(guarded.urls("own")[0]) as client:
        asked = await describe(client)
        assert asked.status == 401
        challenge = asked.headers["www-authenticate"]
        wrong = await describe(client, digest(client.url, challenge, "guess"))
        assert wrong.status == 401
        assert (await describe(client, digest(client.url, challenge, ANNA.password))).status == 200


async def test_a_nonce_that_has_run_out_is_replaced(guarded: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client hears that its password was not wrong, and goes on with the new nonce."""
    async with await Client.connect(guarded.urls("own")[0]) as client:
        challenge = (await describe(client)).headers["www-authenticate"]
        with monkeypatch.context() as patch:
            patch.setattr(nonces, "LIFETIME_S", -1)
            stale = await describe(client, digest(client.url, challenge, ANNA.password))
        assert stale.status == 401
        challenge = stale.headers["www-authenticate"]
        assert "stale=true" in challenge
        assert (await describe(client, digest(client.url, challenge, ANNA.password))).status == 200


async def test_a_user_who_is_removed_is_not_let_in_again(guarded: Relay) -> None:
    guarded.users.add(User(name="bo", password="x"))
    async with await Client.connect(guarded.urls("own")[0]) as client:
        challenge = (await describe(client)).headers["www-authenticate"]
        guarded.users.remove("anna")
        assert (await describe(client, digest(client.url, challenge, ANNA.password))).status == 401


async def test_the_program_decides_for_each_path() -> None:
    asked: list[AccessRequest] = []

    async def authorise(request: AccessRequest) -> bool:
        asked.append(request)
        return request.path != "own"

    async with Relay(port=0, authorise=authorise) as relay:
        with publish(relay):
            async with await Client.connect(relay.urls("own")[0] + "?token=7") as client:
                refused = await describe(client)
                assert refused.status == 403
    assert (asked[0].path, asked[0].user, asked[0].query) == ("own", None, "token=7")
    assert asked[0].peer.startswith("127.0.0.1:")


async def test_the_end_of_sessions_is_told_where_the_relay_is_closed() -> None:
    relay = Relay(port=0)
    async with relay:
        events = relay.events()
        with publish(relay):
            client = await Client.connect(relay.urls("own")[0])
            await client.start(udp=False)
            await relay.aclose()
    ended = await of_kind(events, SessionEnded)
    assert (ended.path, ended.reason) == ("own", "the server was stopped")
    await client.close()


async def test_a_program_that_does_not_answer_costs_one_request_and_not_the_connection() -> None:
    never = asyncio.Event()

    async def authorise(request: AccessRequest) -> bool:
        if request.query is None:
            await never.wait()
        return True

    async with Relay(port=0, authorise=authorise, decision_timeout=0.05) as relay:
        with publish(relay):
            async with await Client.connect(relay.urls("own")[0]) as client:
                assert (await describe(client)).status == 503
                answer = await client.request(
                    "DESCRIBE", client.url + "?now", headers={"Accept": "application/sdp"}
                )
                assert answer.status == 200


async def test_a_session_is_seen_from_its_start_to_its_end() -> None:
    async with Relay(port=0) as relay:
        await relay.add_camera("cam", camera="pattern", size="320x240", fps=30, microphone="none")
        events = relay.events()
        async with await Client.connect(relay.urls("cam")[0]) as client:
            await client.start(udp=False)
            started = await of_kind(events, SessionStarted)
            await client.packet()
            (session,) = relay.sessions()
            assert (session.id, session.path, session.transport) == (started.session.id, "cam", "tcp")
            assert relay.streams()[0].stats.readers == 1
            assert relay.kick(session.id)
        ended = await of_kind(events, SessionEnded)
        assert ended.session.id == started.session.id
        assert ended.session.packets >= 1
        assert ended.reason
        assert relay.sessions() == []
        assert not relay.kick(session.id)


async def test_the_latency_of_each_stage_is_known() -> None:
    async with Relay(port=0) as relay:
        await relay.add_camera("cam", camera="pattern", size="320x240", fps=30, microphone="none")
        async with await Client.connect(relay.urls("cam")[0]) as client:
            await client.start(udp=False)
            while not relay.latency("cam"):
                await client.packet()
        stages = {stage.stage: stage for stage in relay.latency("cam")}
        assert {"encode", "packetise"} <= stages.keys()
        assert all(0 <= stage.median_ms <= stage.p95_ms for stage in stages.values())
