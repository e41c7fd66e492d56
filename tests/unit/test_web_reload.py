"""Changes over HTTP: what they end is told, before and after, and they are those of a reload."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from relaycore import Config, Publisher, Relay, Track, User
from relaycore.control.config import read_config
from relaycore.events import SessionEnded
from relaycore.http_digest import HttpDigest
from relaycore.settings import PathSettings
from tests.support.events import of_kind
from tests.support.rtsp import Client

PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")
ANNA = User(name="anna", password="open sesame")


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA], anonymous=True) as relay:
        yield relay


@pytest.fixture
def own(relay: Relay) -> Publisher:
    return relay.publish("own", [Track.h264(PARAMETERS)])


async def ask(relay: Relay, method: str, path: str, body: object = None) -> tuple[int, Any]:
    host, port = relay.address
    login = HttpDigest(ANNA.name, ANNA.password)
    async with (
        aiohttp.ClientSession(middlewares=[login]) as http,
        http.request(method, f"http://{host}:{port}/api/v1/{path}", json=body) as response,
    ):
        return response.status, await response.json()


async def test_a_change_tells_whom_it_ends_and_a_dry_run_ends_nobody(relay: Relay, own: Publisher) -> None:
    async with await Client.connect(relay.urls("own")[0]) as client:
        await client.start(udp=False)
        closed = {"read": False}
        status, found = await ask(relay, "PUT", "paths/own?dry_run=true", closed)
        assert (status, found["dry_run"]) == (200, True)
        (ending,) = found["ended"]
        assert (ending["path"], ending["reason"]) == ("own", "Nobody may read this path.")
        session = (await ask(relay, "GET", "sessions"))[1]["sessions"][0]["id"]
        assert ending["session"] == session
        assert "own" not in relay.paths
        assert [session.id for session in relay.sessions()] == [client.session]

        events = relay.events()
        status, found = await ask(relay, "PUT", "paths/own", closed)
        assert (status, [ending["session"] for ending in found["ended"]]) == (201, [session])
        assert relay.paths["own"] == PathSettings(read=False)
        assert (await of_kind(events, SessionEnded)).session.id == client.session


async def test_what_is_closed_over_http_is_open_again_when_it_is_forgotten(
    relay: Relay, own: Publisher
) -> None:
    statuses = []
    for method, dry_run in (("PUT", ""), ("DELETE", "?dry_run=true"), ("DELETE", "")):
        await ask(relay, method, f"paths/own{dry_run}", {"read": False})
        async with await Client.connect(relay.urls("own")[0]) as client:
            statuses.append((await client.request("DESCRIBE")).status)
    assert statuses == [403, 403, 200]


async def test_without_a_file_there_is_nothing_to_read_again(relay: Relay) -> None:
    status, found = await ask(relay, "POST", "reload", {})
    assert (status, "without a configuration file" in found["error"]) == (409, True)


async def test_the_file_is_read_again(relay: Relay) -> None:
    def load() -> Config:
        return Config(users=[ANNA], anonymous=True, paths={"door": PathSettings(takeover=True)})

    relay.load_settings = load
    changes = [{"setting": "paths.door.takeover", "kind": "added", "effect": "at once"}]
    for dry_run in (True, False):
        status, found = await ask(relay, "POST", "reload", {"dry_run": dry_run})
        assert status == 200
        assert found == {"dry_run": dry_run, "changes": found["changes"], "ended": []}
        assert [change for change in found["changes"] if change["setting"] != "port"] == changes
        assert ("door" in relay.paths) == (not dry_run)


async def test_mistakes_in_the_file_are_told_and_change_nothing(relay: Relay) -> None:
    relay.load_settings = lambda: read_config("anonymous = 1\nprot = 2\n", "relaycore.toml")
    status, found = await ask(relay, "POST", "reload", {})
    assert status == 422
    assert [mistake.partition(": ")[0] for mistake in found["mistakes"]] == [
        "relaycore.toml:1",
        "relaycore.toml:2",
    ]
    assert relay.config.anonymous is True


@pytest.mark.parametrize("body", [{"dry_run": "yes"}, {"dryrun": True}, []])
async def test_a_wish_that_is_not_right(relay: Relay, body: object) -> None:
    status, found = await ask(relay, "POST", "reload", body)
    assert (status, "dry_run" in found["error"]) == (422, True)
