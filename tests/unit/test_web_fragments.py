"""The fragments of a path are made once for all who take them, while somebody does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import aiohttp
import pytest

from relaycore import Relay
from relaycore.errors import PathError
from relaycore.web import fragments, server
from relaycore.web.fragments import SharedFragments
from relaycore.web.hls import source as hls_source
from relaycore.web.hls import stream
from relaycore.web.hls.timeline import Fragment
from relaycore.web.websocket import broadcasts
from tests.support.http import TIMEOUT

GROUP = 5


class Source(stream.FragmentSource):
    """Fragments that a test hands out; the first of each five is a random access point."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Fragment | Exception | None] = asyncio.Queue()
        self.running = False
        self._count = 0

    def give(self, count: int) -> None:
        for number in range(self._count, self._count + count):
            fragment = Fragment(
                data=str(number).encode(),
                start_ns=number,
                duration_ns=1,
                unix_ns=number,
                independent=number % GROUP == 0,
                init=b"header" if number == 0 else None,
            )
            self.queue.put_nowait(fragment)
        self._count += count

    async def fragments(self) -> AsyncGenerator[Fragment, None]:
        self.running = True
        try:
            while (item := await self.queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.running = False


class Opened:
    """Opens sources, and knows them."""

    def __init__(self) -> None:
        self.sources: list[Source] = []

    def __call__(self, path: str) -> Source:
        if path != "cam":
            raise PathError(path)
        self.sources.append(Source())
        return self.sources[-1]


@pytest.fixture
def opened() -> Opened:
    return Opened()


async def _take(taking: AsyncGenerator[Fragment, None], count: int) -> list[str]:
    async with asyncio.timeout(TIMEOUT):
        taken = [await anext(taking) for _ in range(count)]
    assert taken[0].init in (b"header", None)
    return [fragment.data.decode() for fragment in taken]


async def test_all_get_the_same_and_the_last_one_ends_it(opened: Opened) -> None:
    shared = SharedFragments(opened)
    first, second = shared.open("cam").fragments(), shared.open("cam").fragments()
    (source,) = opened.sources
    assert len(shared) == 0
    source.give(2)
    assert await _take(first, 2) == ["0", "1"]
    assert await _take(second, 2) == ["0", "1"]
    await first.aclose()
    assert (source.running, len(shared)) == (True, 1)
    source.give(1)
    assert await _take(second, 1) == ["2"]
    await second.aclose()
    assert (source.running, len(shared)) == (False, 0)
    # Whoever comes now gets one that is new.
    third = shared.open("cam").fragments()
    opened.sources[1].give(1)
    assert await _take(third, 1) == ["0"]
    await third.aclose()


async def test_who_comes_later_begins_at_the_newest_random_access_point_with_a_header(opened: Opened) -> None:
    shared = SharedFragments(opened)
    early = shared.open("cam").fragments()
    opened.sources[0].give(GROUP + 3)
    await _take(early, GROUP + 3)
    late = shared.open("cam").fragments()
    begun = await anext(late)
    assert (begun.data, begun.init, begun.independent) == (b"5", b"header", True)
    assert await _take(late, 2) == ["6", "7"]
    opened.sources[0].give(1)
    assert await _take(late, 1) == await _take(early, 1) == ["8"]
    await late.aclose()
    await early.aclose()


async def test_who_comes_during_a_group_that_is_too_large_waits_for_the_next(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments, "MOST_KEPT_BYTES", 2)
    shared = SharedFragments(opened)
    early = shared.open("cam").fragments()
    opened.sources[0].give(4)
    await _take(early, 4)
    late = shared.open("cam").fragments()
    opened.sources[0].give(3)
    begun = await asyncio.wait_for(anext(late), TIMEOUT)
    assert (begun.data, begun.init) == (b"5", b"header")
    await late.aclose()
    await early.aclose()


async def test_who_takes_nothing_holds_up_nobody_once_it_has_left(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments, "MOST_WAITING", 2)
    shared = SharedFragments(opened)
    slow, quick = shared.open("cam").fragments(), shared.open("cam").fragments()
    opened.sources[0].give(12)
    assert await _take(slow, 1) == ["0"]
    assert await _take(quick, 2) == ["0", "1"]
    await slow.aclose()
    assert await _take(quick, 10) == [str(number) for number in range(2, 12)]
    await quick.aclose()


@pytest.mark.parametrize("failure", [None, PathError("gone")])
async def test_all_hear_of_the_end(opened: Opened, failure: PathError | None) -> None:
    shared = SharedFragments(opened)
    taking = [shared.open("cam").fragments() for _ in range(2)]
    (source,) = opened.sources
    source.give(1)
    for each in taking:
        assert await _take(each, 1) == ["0"]
    source.queue.put_nowait(failure)
    for each in taking:
        with pytest.raises(StopAsyncIteration if failure is None else PathError):
            await asyncio.wait_for(anext(each), TIMEOUT)
    assert len(shared) == 0
    with pytest.raises(PathError):
        shared.open("none")


async def test_one_muxing_serves_hls_and_websockets(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[hls_source.Fragmenter] = []
    all_left = asyncio.Event()

    class Counted(hls_source.Fragmenter):
        def __init__(self, *tracks: object) -> None:
            super().__init__(*tracks)  # type: ignore[arg-type]
            made.append(self)

    class Watched(hls_source.PathFragments):
        async def fragments(self) -> AsyncGenerator[Fragment, None]:
            async with contextlib.aclosing(super().fragments()) as inner:
                try:
                    async for fragment in inner:
                        yield fragment
                finally:
                    all_left.set()

    monkeypatch.setattr(hls_source, "Fragmenter", Counted)
    monkeypatch.setattr(server, "PathFragments", Watched)
    monkeypatch.setattr(stream, "KEPT_S", 0.2)
    monkeypatch.setattr(broadcasts, "KEPT_S", 0.2)
    async with Relay(port=0, anonymous=True) as relay:
        await relay.add_camera("cam", camera="pattern", size="320x240", fps=15)
        host, port = relay.address
        async with aiohttp.ClientSession(f"http://{host}:{port}") as client, asyncio.timeout(TIMEOUT):
            async with client.ws_connect("/cam/ws") as first, client.ws_connect("/cam/ws") as second:
                for socket in (first, second):
                    await socket.receive_bytes()
                async with client.get("/cam/index.m3u8") as answer:
                    assert answer.status == 200
                await first.receive_bytes()
            assert len(made) == 1
            assert not all_left.is_set()
            await all_left.wait()
