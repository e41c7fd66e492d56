"""Streams that show what another one shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import av
import pytest

from relaycore import AccessUnit, Faults, Relay, User
from relaycore.errors import PathError
from relaycore.events import StreamRemoved
from relaycore.http_digest import HttpDigest

PICTURES = 5
ANNA = User(name="anna", password="a long secret", role="administrator")


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0) as made:
        await made.add_camera("scene", camera="pattern", size="320x180", fps=25, microphone="none")
        yield made


def packets(relay: Relay, path: str) -> int:
    return {stream.path: stream.stats.packets for stream in relay.streams()}[path]


def play(url: str) -> list[int]:
    """The times of the first pictures of a stream, as a player sees them."""
    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=20) as container:
        pictures = container.decode(video=0)
        return [next(pictures).pts or 0 for _ in range(PICTURES)]


async def next_unit(relay: Relay, path: str) -> AccessUnit:
    async for unit in relay.read(path):
        return unit
    raise AssertionError("the stream has ended")


async def test_a_player_plays_each_mirror(relay: Relay) -> None:
    relay.mirror("one", "scene")
    relay.mirror("two", "one")
    urls = [relay.urls(path)[0] for path in ("one", "two", "scene")]
    for times in await asyncio.gather(*(asyncio.to_thread(play, url) for url in urls)):
        assert times == sorted(set(times))


async def test_a_mirror_without_readers_costs_nothing(relay: Relay) -> None:
    relay.mirror("one", "scene")
    await next_unit(relay, "scene")
    assert packets(relay, "one") == 0
    assert (await next_unit(relay, "one")).data
    assert packets(relay, "one") > 0


async def test_a_mirror_that_loses_everything_shows_nothing(relay: Relay) -> None:
    relay.mirror("one", "scene")
    relay.set_faults("one", Faults(loss=1.0))
    seen = asyncio.ensure_future(next_unit(relay, "one"))
    await next_unit(relay, "scene")
    assert packets(relay, "one") == 0
    relay.set_faults("one", Faults())
    assert (await seen).data


async def test_a_mirror_ends_with_what_it_shows(relay: Relay) -> None:
    relay.mirror("one", "scene")
    relay.mirror("two", "one")
    relay.remove_mirror("one")
    events = relay.events()
    await relay.remove_camera("scene")
    gone = [event.path async for event in until_gone(events, "two")]
    assert gone == ["scene", "two"]
    assert relay.streams() == []


async def until_gone(events: AsyncIterator[object], path: str) -> AsyncIterator[StreamRemoved]:
    async for event in events:
        if isinstance(event, StreamRemoved):
            yield event
            if event.path == path:
                return


async def test_a_mirror_can_refuse_whoever_comes(relay: Relay) -> None:
    relay.mirror("one", "scene")
    relay.set_faults("one", Faults(refused=True))
    with pytest.raises(av.HTTPUnauthorizedError):
        await asyncio.to_thread(play, relay.urls("one")[0])
    relay.set_faults("one", Faults())
    assert await asyncio.to_thread(play, relay.urls("one")[0])


async def test_a_mirror_is_a_camera_like_the_one_that_it_shows(relay: Relay) -> None:
    relay.mirror("one", "scene")
    assert relay.encoder("one") == relay.encoder("scene")
    scene, mirror = (relay.devices.of_camera(path) for path in ("scene", "one"))
    assert scene is not None
    assert mirror is not None
    assert (mirror.cameras, mirror.urn == scene.urn) == (("one",), False)


async def test_what_goes_wrong_is_set_by_http(relay: Relay) -> None:
    relay.mirror("one", "scene")
    host, port = relay.address
    mirrors = f"http://{host}:{port}/api/v1/mirrors"
    relay.users.replace([ANNA])
    login = HttpDigest(ANNA.name, ANNA.password)
    async with aiohttp.ClientSession(middlewares=[login]) as http:

        async def put(path: str, **faults: object) -> tuple[int, dict[str, Any]]:
            async with http.put(f"{mirrors}/{path}", json=faults) as response:
                return response.status, await response.json()

        status, said = await put("one", loss=0.5, frozen=True)
        assert (status, said["of"], said["faults"]["loss"]) == (200, "scene", 0.5)
        assert relay.faults("one") == Faults(loss=0.5, frozen=True)
        async with http.get(mirrors) as response:
            assert (await response.json())["mirrors"] == [said]
        assert (await put("scene", loss=0.5))[0] == 404
        assert (await put("one", loss=2))[0] == 422
        assert (await put("one", lost=1))[0] == 422
        assert (await put("one"))[0] == 200
    assert relay.faults("one") == Faults()


async def test_what_cannot_be_a_mirror_is_refused(relay: Relay) -> None:
    with pytest.raises(PathError, match="no stream at 'other'"):
        relay.mirror("one", "other")
    with pytest.raises(PathError, match="taken"):
        relay.mirror("scene", "scene")
    for act in (relay.remove_mirror, lambda path: relay.set_faults(path, Faults())):
        with pytest.raises(PathError, match="no mirror at 'scene'"):
            act("scene")
    relay.mirror("one", "scene")
    for wrong in (
        Faults(loss=1.5),
        Faults(jitter=-1.0),
        Faults(clock_offset=float("nan")),
        Faults(jitter=60.0),
    ):
        with pytest.raises(ValueError, match="loss is from 0 to 1"):
            relay.set_faults("one", wrong)
