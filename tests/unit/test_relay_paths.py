"""Paths of a relay that have sources, renditions and hooks."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path

import av
import pytest
from msgspec.structs import replace

from relaycore import AccessUnit, AccessUnitReader, PathSettings, Relay
from relaycore.errors import SourceError
from relaycore.events import SourceFailed, SourceSwitched, StreamAdded, StreamRemoved, StreamResumed
from relaycore.paths import local, on_demand, switch
from relaycore.paths.hooks import Happening
from relaycore.paths.path import PathStatus
from tests.support.events import of_kind
from tests.support.media import luma_of, make_media

DARK, LIGHT = 60, 190


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second each."""
    folder = tmp_path_factory.mktemp("media")
    in_order = {"tune": "zerolatency"}
    make_media(folder / "dark.mp4", shade=DARK, options=in_order)
    make_media(folder / "light.mp4", shade=LIGHT, options=in_order)
    make_media(folder / "mpeg4.avi", video="mpeg4", sound="libmp3lame")
    # RTP carries JPEG only with the usual Huffman tables (RFC 2435 section 3.1.8).
    tables = {"huffman": "default"}
    make_media(folder / "jpeg.avi", video="mjpeg", pixels="yuvj420p", shade=LIGHT, options=tables)
    return folder


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0) as made:
        yield made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources take turns as soon as they may."""
    monkeypatch.setattr(switch, "BACK_AFTER_NS", 0)
    monkeypatch.setattr(local, "LOOK_S", 0.02)


async def until(relay: Relay, condition: Callable[[PathStatus], bool], path: str = "door") -> PathStatus:
    """The status of a path, once a condition holds."""
    while True:
        for status in relay.path_status():
            if status.path == path and condition(status):
                return status
        await asyncio.sleep(0.02)


async def test_a_file_is_read_over_and_over_on_one_timeline(relay: Relay, files: Path) -> None:
    await relay.set_path("door", PathSettings(source=str(files / "dark.mp4")))
    await relay.prepare("door")
    async with relay.read("door") as reader:
        assert [track.codec for track in reader.tracks] == ["h264"]
        pictures = [unit async for unit in _first(reader, 60, track=0)]
    times = [unit.pts for unit in pictures]
    distances = {later - earlier for earlier, later in pairwise(times)}
    assert all(abs(distance - 3600) <= 2 for distance in distances), distances


async def test_a_file_that_is_not_repeated_ends(relay: Relay, files: Path) -> None:
    events = relay.events()
    settings = PathSettings(source=str(files / "dark.mp4"), loop=False, publisher_timeout=0)
    await relay.set_path("door", settings)
    assert (await of_kind(events, StreamAdded)).path == "door"
    assert (await of_kind(events, SourceFailed)).reason.endswith("dark.mp4 has ended.")
    assert (await of_kind(events, StreamRemoved)).path == "door"


async def test_a_source_on_demand_starts_with_the_first_reader_and_stops_after_the_last(
    relay: Relay, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "LOOK_S", 0.02)
    monkeypatch.setattr(on_demand, "ARRIVAL_S", 0.5)
    events = relay.events()
    settings = PathSettings(source=str(files / "dark.mp4"), source_on_demand=True, on_demand_close_after=0.1)
    await relay.set_path("door", settings)
    for _ in range(2):
        status = await until(relay, lambda status: not status.ready)
        assert status.source is not None
        assert status.source.state == "off"
        await relay.prepare("door")
        async with relay.read("door") as reader:
            await anext(reader)
            await until(relay, lambda status: status.readers == 1)
        assert (await of_kind(events, StreamRemoved)).path == "door"


async def test_a_reader_of_a_source_that_fails_is_told_why(relay: Relay, files: Path) -> None:
    place = files / "none.mp4"
    await relay.set_path("door", PathSettings(source=str(place), source_on_demand=True))
    with pytest.raises(SourceError, match=r"none\.mp4 cannot be opened: .*No such file"):
        await relay.prepare("door")


async def test_the_next_source_goes_on_for_the_same_readers_and_the_first_comes_back(
    relay: Relay, files: Path, tmp_path: Path, hasty: None
) -> None:
    events = relay.events()
    first = tmp_path / "first.mp4"
    settings = PathSettings(source=[str(first), str(files / "dark.mp4")])
    await relay.set_path("door", settings)
    assert (await of_kind(events, SourceFailed)).source == str(first)
    await of_kind(events, StreamAdded)
    async with relay.frames("door") as frames:
        assert luma_of(await anext(frames)) == pytest.approx(DARK, abs=8)
        shutil.copy(files / "light.mp4", first)
        switched = await of_kind(events, SourceSwitched)
        assert (switched.source, switched.before) == (str(first), str(files / "dark.mp4"))
        while luma_of(await anext(frames)) < (DARK + LIGHT) / 2:
            pass
        first.write_bytes(b"")  # a file that is open cannot be removed on every system
        switched = await of_kind(events, SourceSwitched)
        assert switched.source == str(files / "dark.mp4")
        while luma_of(await anext(frames)) > (DARK + LIGHT) / 2:
            pass
    status = await until(relay, lambda status: status.ready)
    assert status.source is not None
    assert status.source.switches == 2


async def test_settings_that_do_not_change_the_source_leave_it_alone(relay: Relay, files: Path) -> None:
    settings = PathSettings(source=str(files / "dark.mp4"))
    await relay.set_path("door", settings)
    await relay.prepare("door")
    events = relay.events()
    async with relay.read("door") as reader:
        await relay.set_path("door", PathSettings(source=settings.source, transcode="h264"))
        await anext(reader)
        await relay.remove_path("door")
        assert (await of_kind(events, StreamRemoved)).path == "door"
        async for _ in reader:
            pass


@pytest.mark.parametrize("place", ["mpeg4.avi", "jpeg.avi"])
async def test_h264_is_made_of_what_players_do_not_open_while_somebody_reads_it(
    relay: Relay, files: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "LOOK_S", 0.02)
    settings = PathSettings(source=str(files / place), transcode="auto", on_demand_close_after=0.1)
    await relay.set_path("door", settings)
    await relay.prepare("door/h264")
    events = relay.events()
    async with relay.read("door/h264") as reader:
        codecs = [track.codec for track in reader.tracks]
        assert codecs == (["h264", "aac"] if place == "mpeg4.avi" else ["h264"])
        unit = await anext(_first(reader, 1, track=0))
        decoder = av.CodecContext.create("h264", "r")
        assert isinstance(decoder, av.VideoCodecContext)
        (frame,) = [*decoder.decode(av.Packet(unit.data)), *decoder.decode(None)]
        assert (frame.width, frame.height) == (64, 48)
        if place == "jpeg.avi":
            assert frame.color_range == 2
            assert luma_of(frame) == pytest.approx(LIGHT, abs=8)
        if "aac" in codecs:
            await anext(_first(reader, 1, track=1))
    assert (await of_kind(events, StreamRemoved)).path == "door/h264"
    await until(relay, lambda status: status.rendition is None)


async def test_h264_is_not_made_of_h264_unless_it_is_asked_for(relay: Relay, files: Path) -> None:
    await relay.set_path("door", PathSettings(source=str(files / "dark.mp4"), transcode="auto"))
    with pytest.raises(SourceError, match=r"is H\.264 already"):
        await relay.prepare("door/h264")
    await relay.set_path("door", PathSettings(source=str(files / "dark.mp4"), transcode="h264"))
    await relay.prepare("door/h264")


async def test_a_rendition_that_is_asked_for_anew_is_made_anew(relay: Relay, files: Path) -> None:
    source = str(files / "dark.mp4")
    for gop_seconds in (1.0, 2.0, 3.0):
        settings = PathSettings(source=source, transcode="h264", gop_seconds=gop_seconds)
        await relay.set_path("door", settings)
        await relay.prepare("door/h264")


async def test_functions_of_the_program_are_told_of_paths(files: Path) -> None:
    seen: asyncio.Queue[Happening] = asyncio.Queue()
    settings = PathSettings(source=str(files / "dark.mp4"), loop=False)
    async with Relay(port=0, paths={"door": settings}, on_ready=seen.put, on_not_ready=seen.put):
        assert await seen.get() == Happening("ready", "door")
        ended = await seen.get()
        assert (ended.event, ended.path) == ("not_ready", "door")
        assert ended.reason is not None
        assert ended.reason.endswith("has ended.")
    assert seen.empty()


async def test_one_relay_pulls_from_another(relay: Relay, files: Path) -> None:
    async with Relay(port=0, paths={"origin": PathSettings(source=str(files / "light.mp4"))}) as origin:
        await origin.prepare("origin")
        url = origin.urls("origin")[0]
        await relay.set_path("door", PathSettings(source=url, source_on_demand=True))
        await relay.prepare("door")
        async with relay.frames("door") as frames:
            assert luma_of(await anext(frames)) == pytest.approx(LIGHT, abs=8)
        status = await until(relay, lambda status: status.ready)
        assert status.source is not None
        assert (status.source.state, status.source.current) == ("live", url)


async def test_a_source_that_comes_back_goes_on_with_the_stream(
    relay: Relay, files: Path, tmp_path: Path, hasty: None
) -> None:
    place = tmp_path / "file.mp4"
    shutil.copy(files / "dark.mp4", place)
    events = relay.events()
    await relay.set_path("door", PathSettings(source=str(place)))
    await relay.prepare("door")
    async with relay.read("door") as reader:
        await anext(reader)
        place.write_bytes(b"")
        await of_kind(events, SourceFailed)
        shutil.copy(files / "light.mp4", place)
        assert (await of_kind(events, StreamResumed)).path == "door"
        times = [unit.pts async for unit in _first(reader, 40, track=0)]
    assert times == sorted(set(times))


@pytest.mark.parametrize("on_demand", [False, True])
async def test_a_stopped_source_starts_only_when_it_is_told_to(
    relay: Relay, files: Path, on_demand: bool
) -> None:
    events = relay.events()
    settings = PathSettings(source=str(files / "dark.mp4"), source_on_demand=on_demand)
    await relay.set_path("door", settings)
    await relay.prepare("door")
    await relay.stop_source("door")
    assert (await of_kind(events, StreamRemoved)).path == "door"
    with pytest.raises(SourceError, match="was stopped"):
        await relay.prepare("door")
    await relay.set_path("door", replace(settings, source=str(files / "light.mp4")))
    with pytest.raises(SourceError, match="was stopped"):
        await relay.prepare("door")
    (status,) = relay.path_status()
    assert (status.stopped, status.ready, sorted(relay.stopped)) == (True, False, ["door"])
    await relay.start_source("door")
    assert relay.stopped == frozenset()
    await relay.prepare("door")
    await until(relay, lambda status: status.ready)


async def _first(reader: AccessUnitReader, count: int, *, track: int) -> AsyncIterator[AccessUnit]:
    async for unit in reader:
        if unit.track == track:
            yield unit
            count -= 1
        if count == 0:
            return
