"""What happens in a relay, told over HTTP as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from relaycore import LedgerSettings, Relay, Track, User
from relaycore.alerts.model import Alert
from relaycore.events import SourceFailed
from relaycore.http_digest import HttpDigest
from relaycore.language import Message as Text
from relaycore.settings import PathSettings
from relaycore.settings.access import AccessRule, AccessSettings
from relaycore.web.live import feed
from tests.support.rtsp import Client

PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")
VIEWER = User(name="vera", password="guess my name", role="viewer")
ADMINISTRATOR = User(name="anna", password="open sesame", role="administrator")
TIMEOUT = 20.0
ALERT = Alert(
    id="a1", at=1, rule="hour", severity="warning", subject="anna", path=None, text="Odd.", records=[]
)


@dataclass(frozen=True)
class Message:
    """One server-sent event."""

    kind: str
    id: str | None
    data: Any


class Ear:
    """Reads events from an answer."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.last: str | None = None

    async def next(self, *kinds: str) -> Message:
        """The next of these kinds. EOFError at the end."""
        async with asyncio.timeout(TIMEOUT):
            while True:
                message = await self._next()
                if message.kind in kinds:
                    return message

    async def end(self) -> None:
        """Returns when there is no more."""
        with contextlib.suppress(EOFError, aiohttp.ClientError):
            while True:
                await self.next("figures", "happened", "hello")

    async def happened(self, kind: str) -> Message:
        """The next of this kind of event."""
        while True:
            message = await self.next("happened")
            if message.data["kind"] == kind:
                return message

    async def _next(self) -> Message:
        fields: dict[str, str] = {}
        async for line in self.response.content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                self.last = fields.get("id", self.last)
                return Message(fields["event"], fields.get("id"), json.loads(fields["data"]))
            else:
                fields.clear()
        raise EOFError


@asynccontextmanager
async def listening(
    relay: Relay,
    user: User | None = None,
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    status: int = 200,
) -> AsyncIterator[Ear]:
    """Listens while the block runs."""
    host, port = relay.address
    logins = () if user is None else (HttpDigest(user.name, user.password),)
    async with (
        aiohttp.ClientSession(middlewares=logins) as http,
        http.get(f"http://{host}:{port}/api/v1/events{query}", headers=headers) as response,
    ):
        assert response.status == status
        if status == 200:
            assert response.content_type == "text/event-stream"
            assert response.headers["Cache-Control"] == "no-store"
        yield Ear(response)


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0) as made:
        yield made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures come at once."""
    monkeypatch.setattr(feed, "PERIOD_S", 0.05)


async def test_streams_and_sessions_are_told_of(relay: Relay) -> None:
    async with listening(relay) as ear:
        assert (await ear.next("hello")).data["resumed"] is False
        with relay.publish("own", [Track.h264(PARAMETERS)]):
            added = await ear.happened("streamAdded")
            assert (added.data["path"], added.data["session"]) == ("own", None)
            async with await Client.connect(relay.urls("own")[0]) as client:
                await client.start(udp=False)
                started = (await ear.happened("sessionStarted")).data["session"]
                assert (started["path"], started["action"]) == ("own", "read")
            ended = (await ear.happened("sessionEnded")).data["session"]
            assert ended["id"] == started["id"]
        assert (await ear.happened("streamRemoved")).data["path"] == "own"


async def test_each_hears_it_in_their_language(relay: Relay) -> None:
    async with (
        listening(relay, headers={"Accept-Language": "de"}) as german,
        listening(relay, headers={"Accept-Language": "en"}) as english,
    ):
        for ear in (german, english):
            await ear.next("hello")
        reason = Text("The relay is closing: try again when it is back.")
        relay._events.emit(SourceFailed(path="x", source="y", reason=reason))
        assert (await german.happened("sourceFailed")).data["text"].startswith("Das Relay")
        assert (await english.happened("sourceFailed")).data["text"].startswith("The relay is closing")


async def test_what_is_wrong_with_a_source_is_said_to_each_in_their_language() -> None:
    """In the event, and in what is asked for later, as the cards of the console do."""
    async with Relay(port=0) as relay:
        async with listening(relay, headers={"Accept-Language": "de"}) as ear:
            await ear.next("hello")
            await relay.set_path("film", PathSettings(source=["/nowhere/film.mp4"]))
            told = (await ear.happened("sourceFailed")).data["text"]
        assert told.startswith("/nowhere/film.mp4 kann nicht geöffnet werden: ")
        host, port = relay.address
        errors = {}
        async with aiohttp.ClientSession(f"http://{host}:{port}") as http:
            for language in ("de", "en"):
                headers = {"Accept-Language": language}
                async with http.get("/api/v1/paths", headers=headers) as response:
                    (path,) = (await response.json())["paths"]
                errors[language] = path["source"]["error"]
        assert errors["de"] == told
        assert errors["en"].startswith("/nowhere/film.mp4 cannot be opened: ")


async def test_figures_come_again_and_again(relay: Relay, hasty: None) -> None:
    with relay.publish("own", [Track.h264(PARAMETERS)]):
        async with listening(relay) as ear, await Client.connect(relay.urls("own")[0]) as client:
            await client.start(udp=False)
            while not (figures := (await ear.next("figures")).data)["readers"]:
                pass
            assert [path["path"] for path in figures["paths"]] == ["own"]
            assert figures["paths"][0]["readers"] == len(figures["sessions"]) == 1
            assert (await ear.next("figures")).data["at"] >= figures["at"]


async def test_who_comes_back_hears_what_happened_meanwhile(relay: Relay) -> None:
    async with listening(relay) as ear:
        await ear.next("hello")
        with relay.publish("one", [Track.h264(PARAMETERS)]):
            await ear.happened("streamAdded")
        last = ear.last
    with relay.publish("two", [Track.h264(PARAMETERS)]):
        assert last is not None
        async with listening(relay, headers={"Last-Event-ID": last}) as ear:
            hello = await ear.next("hello")
            assert (hello.data["resumed"], hello.id) == (True, last)
            kinds = [(await ear.next("happened")).data for _ in range(2)]
            assert [(one["kind"], one["path"]) for one in kinds] == [
                ("streamRemoved", "one"),
                ("streamAdded", "two"),
            ]
        async with listening(relay, query=f"?after={last}") as ear:
            assert (await ear.next("hello")).data["resumed"] is True


@pytest.mark.parametrize("last", ["", "x", "abcd-1", "{run}-", "{run}--1", "{run}-999", "{run}-9" + "9" * 50])
async def test_a_message_that_nobody_knows_is_no_place_to_go_on(relay: Relay, last: str) -> None:
    async with listening(relay) as ear:
        run = ((await ear.next("hello")).id or "").partition("-")[0]
        headers = {"Last-Event-ID": last.replace("{run}", run)}
        async with listening(relay, headers=headers) as other:
            assert (await other.next("hello")).data["resumed"] is False


async def test_what_is_forgotten_cannot_be_gone_on_from(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "KEPT", 2)
    async with listening(relay) as ear:
        first = (await ear.next("hello")).id
        assert first is not None
        for _ in range(2):
            with relay.publish("own", [Track.h264(PARAMETERS)]):
                await ear.happened("streamAdded")
            await ear.happened("streamRemoved")
        async with listening(relay, headers={"Last-Event-ID": first}) as other:
            assert (await other.next("hello")).data["resumed"] is False


async def test_nothing_is_done_when_nobody_listens(
    relay: Relay, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert relay._running.web is not None
    told = relay._running.web._feed
    assert not told.is_running
    monkeypatch.setattr(feed, "LINGER_S", 0.1)
    async with listening(relay) as ear:
        await ear.next("hello")
        assert told.is_running
    async with asyncio.timeout(TIMEOUT):
        await asyncio.wait(told._tasks)
    assert not told.is_running
    async with listening(relay) as ear:
        assert (await ear.next("figures")).data["readers"] == 0


async def test_one_who_takes_nothing_is_let_go(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "QUEUE", 8)
    listener = feed.Listener("x", lambda: {"look"}, {"look"})
    assert relay._running.web is not None
    relay._running.web._feed.add(listener, None)
    for _ in range(8):
        relay.publish("own", [Track.h264(PARAMETERS)]).close()
    async with asyncio.timeout(TIMEOUT):
        while await listener.next() is not None:
            pass
    relay._running.web._feed.remove(listener)


async def test_there_is_room_for_some_of_one_and_for_some_more_of_all(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_OF_ONE", 1)
    async with listening(relay) as ear:
        await ear.next("hello")
        async with listening(relay, status=503):
            pass


async def test_alerts_are_for_those_who_may_see_them(tmp_path: Any) -> None:
    settings = LedgerSettings(enabled=True)
    async with Relay(
        port=0, users=[VIEWER, ADMINISTRATOR], ledger=settings, state_folder=str(tmp_path)
    ) as relay:
        async with listening(relay, status=401):
            pass
        async with listening(relay, VIEWER, query="?alerts=true", status=403):
            pass
        async with (
            listening(relay, ADMINISTRATOR, query="?alerts=true") as anna,
            listening(relay, ADMINISTRATOR) as plain,
            listening(relay, VIEWER) as vera,
        ):
            for ear in (anna, plain, vera):
                await ear.next("hello")
            relay._running.records.tell_of(ALERT)
            with relay.publish("own", [Track.h264(PARAMETERS)]):
                assert (await anna.next("alert", "happened")).data["id"] == "a1"
                for ear in (plain, vera):
                    assert (await ear.next("alert", "happened")).kind == "happened"


async def test_who_is_removed_hears_no_more() -> None:
    async with Relay(port=0, users=[VIEWER, ADMINISTRATOR]) as relay, listening(relay, VIEWER) as ear:
        await ear.next("hello")
        relay.end_sessions("vera")
        await ear.end()


async def test_who_may_look_no_more_hears_no_more(hasty: None) -> None:
    async with Relay(port=0, users=[VIEWER, ADMINISTRATOR]) as relay, listening(relay, VIEWER) as ear:
        await ear.next("hello")
        rule = AccessRule(effect="deny", actions=["look"], users=["vera"])
        config = replace(relay.config, users=[VIEWER, ADMINISTRATOR], access=AccessSettings(rules=[rule]))
        await relay.reload(config)
        await ear.end()


async def test_a_closing_relay_waits_for_no_listener() -> None:
    relay = Relay(port=0)
    async with relay, listening(relay) as ear:
        await ear.next("hello")
        closing = asyncio.create_task(relay.aclose())
        await ear.end()
        await closing


@pytest.mark.parametrize("query", ["?alerts=perhaps", "?x=1", "?after=" + "1" * 65])
async def test_queries_that_are_not_right(relay: Relay, query: str) -> None:
    async with listening(relay, query=query, status=400):
        pass
