"""What a running relay records of its sessions, of who was refused, and of what was changed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from relaycore import LedgerSettings, PathSettings, Publisher, Relay, Track, User
from relaycore.control.reloading import reload_once
from relaycore.errors import ConfigurationError, StateError
from relaycore.events import SessionEnded
from relaycore.ledger import ledger as ledger_module
from relaycore.ledger import store
from relaycore.ledger.ledger import NOT_ON_RECORD
from relaycore.ledger.records import Act, Refusal, Session, now_ms
from relaycore.ledger.store import LedgerFile, has_ledger
from relaycore.settings.ledger import WhenFull
from tests.support.events import of_kind
from tests.support.ledger import opening, rewrite, written
from tests.support.rtsp import Client

ANNA = User(name="anna", password="open sesame", role="operator")
BO = User(name="bo", password="x", role="viewer")
PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")
HEADER = 12
"""Bytes of an RTP header (RFC 3550 section 5.1)."""
IDR = bytes.fromhex("0000000165888040")


def made(folder: Path, *, when_full: WhenFull = "refuse", **settings: Any) -> Relay:
    """A relay with a ledger and two users."""
    ledger = LedgerSettings(enabled=True, when_full=when_full, synchronous="normal")
    settings = {"users": [ANNA, BO], "basic": True, "ledger": ledger, **settings}
    return Relay(port=0, state_folder=str(folder), **settings)


def publish(relay: Relay, path: str = "own") -> Publisher:
    publisher = relay.publish(path, [Track.h264(PARAMETERS)], can_force_key_frames=False)
    publisher.write(0, IDR, random_access=True)
    return publisher


def basic(user: User, password: str | None = None) -> dict[str, str]:
    text = f"{user.name}:{password or user.password}"
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


@asynccontextmanager
async def client_of(relay: Relay, user: User, path: str = "own") -> AsyncIterator[Client]:
    async with await Client.connect(relay.urls(path)[0]) as client:
        client.headers = {**basic(user), "User-Agent": "test/1"}
        yield client


async def play(client: Client) -> None:
    """Play until the first packet is there."""
    await client.start(udp=False)
    await client.packet()


async def set_up(client: Client) -> None:
    """All but PLAY."""
    await client.describe()
    transport = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
    response = await client.request("SETUP", client.tracks[0].control, transport)
    client.session = response.headers["session"].split(";")[0]


async def test_a_session_is_on_record_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    before = now_ms()
    async with made(tmp_path, paths={"own": PathSettings(purpose="safety of the crane")}) as relay:
        with publish(relay):
            async with client_of(relay, BO) as client:
                await client.start(udp=False)
                packet = await client.packet()
                (begun,) = written(tmp_path, "opening")
                (session,) = relay.sessions()
                await client.tear_down()
    (ended,) = written(tmp_path, "session")
    assert isinstance(ended, Session)
    for record in (begun, ended):
        assert (record.subject, record.role, record.purpose) == ("bo", "viewer", "safety of the crane")
        assert (record.action, record.path) == ("read", "own")
        assert (record.protocol, record.transport) == ("rtsp", "tcp")
        assert (record.client, record.network) == ("test/1", "127.0.0.0/24")
        assert before - 1000 <= record.begun <= now_ms() + 1000
    assert begun.id == ended.id
    assert session.id not in str(ended), "it is a key to the session while that lasts"
    assert (ended.bytes, ended.reason) == (HEADER + len(packet.payload), "the client ended it")
    assert ended.to is not None
    assert ended.to >= ended.begun
    assert ended.first_picture_ms is not None
    assert ended.first_picture_ms <= ended.to - ended.begun + 1
    assert written(tmp_path, "refusal") == written(tmp_path, "act") == []


async def test_a_publisher_is_on_record(tmp_path: Path) -> None:
    description = b"v=0\r\ns=-\r\nm=audio 0 RTP/AVP 0\r\na=control:streamid=0\r\n"
    async with made(tmp_path) as relay, client_of(relay, ANNA, "drone") as client:
        announced = await client.request("ANNOUNCE", None, {"Content-Type": "application/sdp"}, description)
        assert announced.status == 200
        transport = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record"}
        response = await client.request("SETUP", client.url + "/streamid=0", transport)
        client.session = response.headers["session"].split(";")[0]
        assert (await client.request("RECORD")).status == 200
        await client.tear_down()
    (record,) = written(tmp_path, "session")
    assert (record.action, record.path, record.subject, record.bytes) == ("publish", "drone", "anna", 0)
    assert record.first_picture_ms is None


async def test_the_ends_of_sessions_have_their_reasons(tmp_path: Path) -> None:
    """A user who is removed, a path that is closed, a relay that stops: each is told as what it is."""
    async with made(tmp_path) as relay, aiohttp.ClientSession() as http:
        events = relay.events()
        with publish(relay):
            async with client_of(relay, BO) as client:
                await play(client)
                await relay.reload(msgspec.structs.replace(relay.config, users=[ANNA]))
                await of_kind(events, SessionEnded)
            async with client_of(relay, ANNA) as client:
                await play(client)
                await relay.set_path("own", PathSettings(read=False))
                await of_kind(events, SessionEnded)
                await relay.set_path("own", PathSettings())
            async with client_of(relay, ANNA) as client:
                await play(client)
                host, port = relay.address
                async with http.get(f"http://{host}:{port}/api/v1/sessions", headers=basic(ANNA)) as response:
                    (shown,) = (await response.json())["sessions"]
                url = f"http://{host}:{port}/api/v1/sessions/{shown['id']}"
                async with http.delete(url, headers=basic(ANNA)) as response:
                    assert response.status == 204
                await of_kind(events, SessionEnded)
            client = await Client.connect(relay.urls("own")[0])
            client.headers = basic(ANNA)
            await play(client)
            await relay.aclose()
            await client.close()
    records = written(tmp_path, "session")
    assert [record.reason for record in records] == [
        "users.bo removed",
        "Nobody may read this path",
        "ended by anna",
        "the server was stopped",
    ]
    (ended,) = [act for act in written(tmp_path, "act") if act.act == "endSession"]
    assert ended.target == records[2].id


async def test_who_is_refused_is_on_record(tmp_path: Path) -> None:
    """With the name where there is such a user, and without what else somebody may have typed."""
    async with made(tmp_path, paths={"own": PathSettings(publish=["anna"])}) as relay:
        with publish(relay):
            async with await Client.connect(relay.urls("own")[0]) as client:
                asked = await client.request("DESCRIBE")
                assert asked.status == 401
                for user, password in ((BO, "guess"), (User(name="eve", password="y"), "hunter2")):
                    answer = await client.request("DESCRIBE", headers=basic(user, password))
                    assert answer.status == 401
            async with aiohttp.ClientSession(headers=basic(BO)) as http:
                host, port = relay.address
                async with http.put(f"http://{host}:{port}/api/v1/paths/x", json={}) as response:
                    assert response.status == 403
            broken = {"Authorization": "Digest username="}
            async with (
                aiohttp.ClientSession(headers=broken) as http,
                http.get(f"http://{host}:{port}/own/snapshot.jpg") as response,
            ):
                assert response.status == 400
    refusals = written(tmp_path, "refusal")
    assert [(record.subject, record.action, record.path, record.status) for record in refusals] == [
        ("bo", "read", "own", 401),
        (None, "read", "own", 401),
        ("bo", "control", "api/v1/paths/x", 403),
        (None, "read", "own", 400),
    ]
    assert [record.protocol for record in refusals] == ["rtsp", "rtsp", "http", "http"]
    assert refusals[0].reason == "Wrong password or user"
    assert "hunter2" not in str(refusals)
    assert "eve" not in str(refusals)
    assert written(tmp_path, "opening") == []


async def test_what_is_changed_is_on_record(tmp_path: Path) -> None:
    async with (
        made(tmp_path) as relay,
        aiohttp.ClientSession(headers={**basic(ANNA), "User-Agent": "curl/8"}) as http,
    ):
        base = "http://{}:{}/api/v1/".format(*relay.address)
        for method, path, body, status in (
            ("PUT", "paths/door", {"read": ["anna"]}, 201),
            ("PUT", "paths/door?dry_run=true", {"read": False}, 200),
            ("PUT", "paths/door", {"read": 7}, 422),
            ("DELETE", "paths/door", None, 200),
            ("DELETE", "paths/door", None, 404),
            ("GET", "paths", None, 200),
        ):
            async with http.request(method, base + path, json=body) as response:
                assert response.status == status, (method, path)
        config = msgspec.structs.replace(relay.config, users=[ANNA, BO], publish="configured")
        await reload_once(relay, lambda: config)
        await reload_once(relay, lambda: config)
        await relay.record_act("mask", "own", user="bo")
    acts: list[Act] = written(tmp_path, "act")
    assert [(act.act, act.target, act.subject, act.means) for act in acts] == [
        ("setPath", "door", "anna", "api"),
        ("removePath", "door", "anna", "api"),
        ("reload", None, None, "configuration"),
        ("mask", "own", "bo", "program"),
    ]
    assert (acts[0].client, acts[0].network) == ("curl/8", "127.0.0.0/24")


async def test_an_act_of_which_nothing_comes_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with made(tmp_path) as relay, aiohttp.ClientSession(headers=basic(ANNA)) as http:

        async def fail(*_: object, **__: object) -> None:
            raise StateError("no")

        monkeypatch.setattr(relay, "set_path", fail)
        url = "http://{}:{}/api/v1/paths/door".format(*relay.address)
        async with http.put(url, json={}) as response:
            assert response.status == 409
    begun, failed = written(tmp_path, "act")
    assert (begun.id, begun.failed, failed.failed) == (failed.id, None, 500)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that waits for nobody for long."""
    monkeypatch.setattr(store.LedgerFile.__init__, "__kwdefaults__", {"synchronous": "full", "busy_s": 0.01})
    monkeypatch.setattr(ledger_module, "PATIENCE_S", 1.0)


async def test_nobody_is_let_in_while_the_ledger_is_locked(tmp_path: Path, hasty: None) -> None:
    """And who is refused for that gets in on another PLAY; acts are refused, too. All of it is on record."""
    async with made(tmp_path) as relay, aiohttp.ClientSession(headers=basic(ANNA)) as http:
        with publish(relay), rewrite(tmp_path) as database:
            async with client_of(relay, BO) as client:
                database.execute("BEGIN IMMEDIATE")
                await set_up(client)
                refused = await client.request("PLAY")
                assert (refused.status, refused.reason) == (503, NOT_ON_RECORD)
                url = "http://{}:{}/api/v1/paths/door".format(*relay.address)
                async with http.put(url, json={}) as response:
                    assert response.status == 503
                    assert "cannot be put on record" in (await response.json())["error"]
                assert "door" not in relay.paths
                database.execute("ROLLBACK")
                assert (await client.request("PLAY")).status == 200
                await client.packet()
                await client.tear_down()
    (session,) = written(tmp_path, "session")
    assert session.bytes > 0
    (refusal,) = written(tmp_path, "refusal")
    assert isinstance(refusal, Refusal)
    assert (refusal.subject, refusal.status, refusal.reason) == ("bo", 503, NOT_ON_RECORD)


async def test_all_goes_on_while_the_ledger_is_locked_where_that_is_wished(
    tmp_path: Path, hasty: None, caplog: pytest.LogCaptureFixture
) -> None:
    async with made(tmp_path, when_full="continue") as relay:
        with publish(relay), rewrite(tmp_path) as database:
            database.execute("BEGIN IMMEDIATE")
            async with client_of(relay, BO) as client:
                await play(client)
                await client.tear_down()
            await relay.record_act("mask")
            assert database.execute("SELECT count(*) FROM opening").fetchone() == (0,)
            database.execute("ROLLBACK")
    assert len(written(tmp_path, "opening")) == len(written(tmp_path, "session")) == 1
    assert len(written(tmp_path, "act")) == 1


async def test_a_full_disk_lets_nobody_in(tmp_path: Path, hasty: None) -> None:
    async with made(tmp_path) as relay:
        assert relay._running.records.ledger is not None
        with publish(relay):
            async with client_of(relay, BO) as client:
                file = relay._running.records.ledger._writer._file
                file.limit_pages(1)
                client.headers["User-Agent"] = "x" * 5000
                statuses = set()
                for _ in range(200):
                    client.session = None
                    client.tracks = []
                    await set_up(client)
                    statuses.add((await client.request("PLAY")).status)
                    await client.request("TEARDOWN")
                    if 503 in statuses:
                        break
                assert 503 in statuses
                assert "full" in (relay._running.records.ledger.failure or "")
                file.limit_pages(100_000)
                assert (await asyncio.shield(_admitted(client))) == 200
    assert written(tmp_path, "session")


async def _admitted(client: Client) -> int:
    client.session = None
    client.tracks = []
    await set_up(client)
    return (await client.request("PLAY")).status


async def test_a_ledger_that_cannot_be_written_at_the_start(tmp_path: Path, hasty: None) -> None:
    """Where nobody is let in then, the relay does not start; otherwise it does."""
    file = LedgerFile(tmp_path)
    file.open()
    file.close()
    with rewrite(tmp_path) as database:
        database.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="locked"):
            async with made(tmp_path):
                pass
        async with made(tmp_path, when_full="continue") as relay:
            with publish(relay):
                async with client_of(relay, BO) as client:
                    await play(client)
                    database.execute("ROLLBACK")
    assert len(written(tmp_path, "session")) == 1


async def test_sessions_that_a_killed_relay_has_left_open_are_ended(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path)
    file.append([opening("anna")])
    file.close()
    async with made(tmp_path):
        pass
    (session,) = written(tmp_path, "session")
    assert (session.subject, session.to, session.bytes) == ("anna", None, None)
    assert session.reason == "the relay ended without notice"


async def test_without_a_state_folder_there_is_nowhere_to_keep_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="set state_folder, too"):
        async with Relay(port=0, ledger=LedgerSettings(enabled=True)):
            pass
    async with Relay(port=0, state_folder=str(tmp_path)) as relay:
        await relay.record_act("mask")
    assert not has_ledger(tmp_path)


async def test_metrics_tell_how_the_ledger_does(tmp_path: Path) -> None:
    async with made(tmp_path) as relay, aiohttp.ClientSession(headers=basic(ANNA)) as http:
        await relay.record_act("mask")
        async with http.get("http://{}:{}/metrics".format(*relay.address)) as response:
            text = await response.text()
    assert 'relaycore_ledger_records_total{kind="act"} 1' in text
    for name in ("lost_records_total", "waiting_records", "failing"):
        assert f"relaycore_ledger_{name} 0" in text
