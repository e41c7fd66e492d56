"""HTTP Live Streaming over the port of a relay: sessions, blocked reloads, hints, and who may."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest

from relaycore import Relay, Track, User
from relaycore.errors import PathError
from relaycore.http_digest import HttpDigest
from relaycore.settings import PathSettings
from relaycore.web import lasting
from relaycore.web.hls import handlers, stream
from relaycore.web.hls.timeline import Fragment
from relaycore.web.keys import HLS
from relaycore.web.server import Web
from tests.support.hls import Playlist, read_media, read_multivariant, reloaded
from tests.support.http import TIMEOUT

ANNA = User(name="anna", password="open sesame")
PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")
SECOND = 1_000_000_000


class Source(stream.FragmentSource):
    """Fragments that a test hands out."""

    codecs = "avc1.420015"
    size = (64, 48)

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Fragment | Exception | None] = asyncio.Queue()
        self.count = 0

    def give(self, frames: int, **changes: Any) -> None:
        """The next pictures, 25 a second, every 25th of which is a random access point."""
        for _ in range(frames):
            fragment = Fragment(
                data=f"<{self.count}>".encode(),
                start_ns=self.count * SECOND // 25,
                duration_ns=SECOND // 25,
                unix_ns=1_790_000_000 * SECOND + self.count * SECOND // 25,
                independent=self.count % 25 == 0,
                init=b"init" if self.count == 0 else None,
            )
            self.queue.put_nowait(replace(fragment, **changes))
            self.count += 1

    def end(self) -> None:
        self.queue.put_nowait(None)

    async def fragments(self) -> AsyncGenerator[Fragment, None]:
        while (item := await self.queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item


class Player:
    """A player of one path of a relay."""

    def __init__(self, relay: Relay, http: aiohttp.ClientSession, path: str = "cam") -> None:
        host, port = relay.address
        self.http = http
        self.index = f"http://{host}:{port}/{path}/index.m3u8"
        self.media = ""

    async def get(self, url: str, status: int = 200, **options: Any) -> tuple[bytes, Any]:
        async with asyncio.timeout(TIMEOUT), self.http.get(url, **options) as response:
            assert response.status == status, await response.text()
            assert response.headers["Referrer-Policy"] == "no-referrer"
            return await response.read(), response.headers

    async def open(self) -> Playlist:
        """Opens the first playlist and the one that it leads to."""
        text, headers = await self.get(self.index)
        assert headers["Content-Type"] == "application/vnd.apple.mpegurl"
        assert headers["Cache-Control"] == "no-store"
        self.media = urljoin(self.index, read_multivariant(text.decode()).uri)
        return await self.reload()

    async def reload(self, query: str = "") -> Playlist:
        text, headers = await self.get(self.media + query)
        assert headers["Cache-Control"] == "no-store"
        return read_media(text.decode())

    async def fetch(self, uri: str, status: int = 200) -> bytes:
        data, headers = await self.get(urljoin(self.media, uri), status)
        if status == 200:
            assert headers["Content-Type"] == "video/mp4"
            assert re.fullmatch(r"private, max-age=\d+, immutable", headers["Cache-Control"])
        return data


async def until_gone(relay: Relay) -> None:
    """Waits until there is no session."""
    events = relay.events()
    async with asyncio.timeout(TIMEOUT):
        while relay.sessions():
            await anext(events)


@pytest.fixture
def source() -> Source:
    return Source()


def wired(relay: Relay, source: Source) -> Any:
    """Makes a relay take its fragments from a test; gives what it has of HLS."""
    web = relay._running.web
    assert isinstance(web, Web)
    hls = web._app[HLS]

    def opened(path: str) -> Source:
        if path != "cam":
            raise PathError(path)
        return source

    hls.streams._open_source = opened
    return hls


@pytest.fixture
async def relay(source: Source) -> AsyncIterator[Relay]:
    async with Relay(port=0) as relay:
        wired(relay, source)
        with relay.publish("cam", [Track.h264(PARAMETERS)]):
            yield relay


@pytest.fixture
async def player(relay: Relay) -> AsyncIterator[Player]:
    async with aiohttp.ClientSession() as http:
        yield Player(relay, http)


async def test_a_player_finds_all_that_is_listed(player: Player, source: Source) -> None:
    source.give(100)
    listed = await player.open()
    assert await player.fetch(listed.segments[0].init) == b"init"
    for segment in listed.whole:
        data = await player.fetch(segment.uri)
        assert data.count(b"<") == 25
        assert b"".join([await player.fetch(part.uri) for part in segment.parts]) == data
    text, _ = await player.get(player.index)
    found = read_multivariant(text.decode()).attributes
    assert (found["CODECS"], found["RESOLUTION"]) == ("avc1.420015", "64x48")


async def test_a_reload_waits_until_there_is_something_new(player: Player, source: Source) -> None:
    source.give(85)
    before = await player.open()
    number, parts = before.end
    waiting = asyncio.create_task(player.reload(f"&_HLS_msn={number}&_HLS_part={parts}"))
    whole = asyncio.create_task(player.reload(f"&_HLS_msn={number}"))
    known = await player.reload(f"&_HLS_msn={number - 1}")
    assert known.end == before.end
    assert not waiting.done()
    source.give(8)
    after = await waiting
    assert after.end == (number, parts + 1)
    reloaded(before, after)
    assert not whole.done()
    source.give(25)
    assert (await whole).whole[-1].number == number


async def test_the_hinted_part_comes_when_it_is_whole(player: Player, source: Source) -> None:
    source.give(85)
    listed = await player.open()
    assert listed.hint is not None
    asked = asyncio.create_task(player.fetch(listed.hint))
    await player.reload()
    assert not asked.done()
    source.give(8)
    data = await asked
    assert data.startswith(b"<")
    after = await player.reload()
    assert listed.hint in [part.uri for part in after.segments[-1].parts]
    assert await player.fetch(listed.hint) == data
    with_two_more = re.sub(r"-(\d+)\.mp4", lambda found: f"-{int(found[1]) + 2}.mp4", listed.hint)
    await player.fetch(with_two_more, 404)


@pytest.mark.parametrize(
    "query",
    [
        "&_HLS_part=0",
        "&_HLS_msn=x",
        "&_HLS_msn=-1",
        "&_HLS_msn=1.5",
        "&_HLS_msn=99999999999999999999999",
        "&_HLS_msn=1&_HLS_msn=1",
        "&_HLS_msn=1&_HLS_part=-1",
        "&_HLS_msn=4000000000",
        "&viewer=AAAAAAAAAAAAAAAAAAAAAA",
    ],
)
async def test_wrong_questions_are_refused(player: Player, source: Source, query: str) -> None:
    source.give(85)
    await player.open()
    await player.get(player.media + query, 400)
    await player.reload("&_HLS_skip=YES&unknown=1")


async def test_what_nobody_listed_is_not_there(player: Player, source: Source) -> None:
    source.give(85)
    listed = await player.open()
    uri = listed.whole[0].uri
    viewer = uri.partition("?")[2]
    for name in (
        "init-9.mp4",
        "segment-1.mp4",
        "segment-.mp4",
        f"segment-{listed.end[0]}.mp4",
        "part-1-1.mp4",
        f"part-{listed.end[0]}-999999.mp4",
        f"part-{listed.end[0]}.mp4",
        "segment-99999999999999999999.mp4",
        "..%2f..%2findex.m3u8",
        "media.m3u9",
    ):
        await player.fetch(f"{name}?{viewer}", 404)
    bare = urljoin(player.media, uri.partition("?")[0])
    await player.get(bare, 400)
    for viewer in ("short", "x" * 65, "%00" * 16, "a b c d e f g h i j k"):
        await player.get(f"{bare}?viewer={viewer}", 400)


async def test_ranges_are_left_alone(player: Player, source: Source) -> None:
    """A server may always send all (RFC 9110 section 14.2)."""
    source.give(85)
    listed = await player.open()
    for given in ("bytes=0-1", "bytes=5-1", "bytes=-", "x" * 500):
        url = urljoin(player.media, listed.whole[0].uri)
        data, _ = await player.get(url, headers={"Range": given})
        assert data.count(b"<") == 25


async def test_a_viewer_is_one_session_until_nothing_is_asked(
    relay: Relay, player: Player, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "IDLE_S", 0.3)
    events = relay.events()
    source.give(85)
    listed = await player.open()
    (session,) = relay.sessions()
    assert (session.protocol, session.path, session.action) == ("hls", "cam", "read")
    await player.fetch(listed.segments[0].init)
    assert session.first_picture_ns is None
    await player.fetch(listed.segments[0].uri)
    assert session.first_picture_ns is not None
    assert session.bytes > len(b"init")
    async with asyncio.timeout(TIMEOUT):
        async for event in events:
            if getattr(event, "reason", None) == "the client asked for nothing any more":
                break
    assert relay.sessions() == []
    # One that slept goes on, in a new session.
    await player.reload()
    assert len(relay.sessions()) == 1


async def test_who_waits_for_an_answer_is_there(
    relay: Relay, player: Player, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "IDLE_S", 0.4)
    source.give(85)
    listed = await player.open()
    number, parts = listed.end
    waiting = asyncio.create_task(player.reload(f"&_HLS_msn={number}&_HLS_part={parts}"))
    seen: set[str] = set()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while loop.time() - begun < 3 * lasting.IDLE_S:
        await player.get(player.index.removesuffix("cam/index.m3u8") + "healthz")
        seen |= {session.id for session in relay.sessions()}
    assert len(seen) == 1
    source.give(8)
    await waiting


async def test_who_was_kicked_is_out(relay: Relay, player: Player, source: Source) -> None:
    source.give(85)
    listed = await player.open()
    (session,) = relay.sessions()
    number, parts = listed.end
    assert relay.kick(session.id)
    await until_gone(relay)
    await player.get(player.media, 410)
    await player.get(f"{player.media}&_HLS_msn={number}&_HLS_part={parts}", 410)
    await player.fetch(listed.segments[0].uri, 410)
    await player.open()


async def test_only_who_may_read_the_path_gets_a_playlist(source: Source) -> None:
    login = HttpDigest(ANNA.name, ANNA.password)
    async with Relay(port=0, users=[ANNA], paths={"cam": PathSettings(read=["anna"])}) as relay:
        wired(relay, source)
        source.give(85)
        with relay.publish("cam", [Track.h264(PARAMETERS)]):
            async with aiohttp.ClientSession() as http, aiohttp.ClientSession(middlewares=[login]) as hers:
                stranger, anna = Player(relay, http), Player(relay, hers)
                await stranger.get(stranger.index, 401)
                listed = await anna.open()
                stranger.media = anna.media
                guessed = re.sub(r"viewer=.*", "viewer=" + "A" * 22, anna.media)
                await stranger.get(guessed, 401)
                # Players send no password for what is listed: the address is the key.
                await stranger.reload()
                await stranger.fetch(listed.segments[0].uri)
                relay.end_sessions("anna")
                await until_gone(relay)
                await stranger.get(anna.media, 410)


async def test_there_is_nothing_where_there_is_no_stream(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = player.index.removesuffix("cam/index.m3u8")
    for path in ("nowhere/index.m3u8", "bad%20path/index.m3u8", "..%2fx/index.m3u8"):
        await player.get(base + path, 404)
    await player.get(base + "nowhere/hls/media.m3u8?viewer=" + "A" * 22, 404)
    await player.get(base + "nowhere/hls/init-0.mp4?viewer=" + "A" * 22, 404)
    monkeypatch.setattr(handlers, "START_S", 0.05)
    _, headers = await player.get(player.index, 503)
    assert headers["Retry-After"] == "1"


async def test_a_stream_that_gives_no_more_does_not_hold_a_reload_for_ever(
    player: Player, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.give(85)
    listed = await player.open()
    number, parts = listed.end
    monkeypatch.setattr(handlers, "PATIENCE", 0.01)
    await player.get(f"{player.media}&_HLS_msn={number}&_HLS_part={parts}", 503)


async def test_the_end_is_told_and_what_comes_later_is_another_timeline(
    relay: Relay, player: Player, source: Source
) -> None:
    source.give(85)
    listed = await player.open()
    number, parts = listed.end
    waiting = asyncio.create_task(player.reload(f"&_HLS_msn={number}&_HLS_part={parts + 1}"))
    await player.reload()
    source.end()
    assert (await waiting).ended


async def test_what_goes_wrong_with_a_stream_is_said(player: Player, source: Source) -> None:
    source.queue.put_nowait(PathError("gone"))
    await player.get(player.index, 404)


async def test_timelines_are_made_once_and_forgotten(
    relay: Relay, player: Player, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "KEPT_S", 0.2)
    hls = wired(relay, source)
    source.give(85)
    await asyncio.gather(*(player.get(player.index) for _ in range(10)))
    assert len(hls.streams) == 1
    assert len(relay.sessions()) == 10
    async with asyncio.timeout(TIMEOUT):
        while len(hls.streams):
            await player.get(player.index.removesuffix("cam/index.m3u8") + "healthz")


async def test_a_question_about_the_head_begins_no_session(relay: Relay, player: Player) -> None:
    async with player.http.head(player.index) as response:
        assert response.status == 200
    assert relay.sessions() == []
