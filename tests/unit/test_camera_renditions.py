"""What a running camera encodes and shows: its encoder, its second rendition, and the view of its scene."""

import asyncio
import threading
from collections.abc import AsyncIterator
from fractions import Fraction
from itertools import pairwise

import aiohttp
import av
import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from relaycore import Relay
from relaycore._relaycore import now_ns
from relaycore.capture.colour import JPEG
from relaycore.capture.opening import Sources
from relaycore.capture.source import Captured, SourceFormat
from relaycore.encode.running import even_size
from relaycore.errors import ConfigurationError, DeviceLost, PathError
from relaycore.events import Event, StreamAdded, StreamRemoved
from relaycore.pipeline import camera
from relaycore.pipeline.camera_jpeg import is_whole
from relaycore.pipeline.view import MOST_ZOOM, Direction, ViewControl
from relaycore.settings import CameraSettings, Config, MaskSettings, PathSettings

SECOND = 1_000_000_000

PATIENCE = 20.0
"""Seconds after which a test that waits has failed."""

GREY = "lavfi:color=c=gray:size=640x360:rate=30"


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with asyncio.timeout(3 * PATIENCE), Relay(port=0) as open_relay:
        yield open_relay


class Watcher:
    """Reads a stream from one session, and decodes all of it."""

    def __init__(self, relay: Relay, path: str) -> None:
        self._reader = relay.read(path)
        codec = av.CodecContext.create("h264", "r")
        assert isinstance(codec, av.VideoCodecContext)
        self._codec = codec
        self.times: list[int] = []
        self.sizes: list[tuple[int, int]] = []

    async def __aenter__(self) -> "Watcher":
        await self._reader.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reader.aclose()

    async def next(self) -> tuple[NDArray[np.uint8], bool]:
        """The luma of the next picture, and whether it could be started from."""
        async for unit in self._reader:
            if unit.track != 0:
                continue
            self.times.append(unit.pts)
            packet = av.Packet(unit.data)
            packet.time_base = Fraction(1, 90_000)
            frames = self._codec.decode(packet)
            if frames:
                frame = frames[-1]
                self.sizes.append((frame.width, frame.height))
                return luma_of(frame), unit.random_access
        raise AssertionError("the stream has ended")


def luma_of(frame: av.VideoFrame) -> NDArray[np.uint8]:
    plane = frame.planes[0]
    rows: NDArray[np.uint8] = np.frombuffer(bytes(plane), np.uint8).reshape(frame.height, plane.line_size)
    return rows[:, : frame.width]


class Streams:
    """Waits for streams to come and go. Made before what makes them do so."""

    def __init__(self, relay: Relay) -> None:
        self._events = relay.events()

    async def until(self, kind: type[Event], path: str) -> None:
        async for event in self._events:
            if isinstance(event, kind) and event.path == path:
                return


async def test_a_running_encoder_changes_and_sessions_go_on(relay: Relay) -> None:
    await relay.add_camera("cam", camera="pattern", size="320x180", fps=30, encoder="libx264")
    before = relay.encoder("cam")
    assert (before.encoding, before.width, before.height, before.fps) == ("h264", 320, 180, 30)
    assert (before.profile, before.gop_seconds, before.fixed) == ("Main", 1.0, False)
    async with Watcher(relay, "cam") as watcher:
        for _ in range(5):
            picture, _ = await watcher.next()
        assert picture.shape == (180, 320)
        await relay.set_encoder("cam", width=160, height=90, fps=15, bitrate=200_000, gop_seconds=2.0)
        state = relay.encoder("cam")
        assert (state.width, state.height, state.fps) == (160, 90, 15)
        assert (state.bitrate, state.gop_seconds) == (200_000, 2.0)
        starts = False
        while picture.shape != (90, 160):
            picture, starts = await watcher.next()
        assert starts
        begin = len(watcher.times)
        for _ in range(20):
            await watcher.next()
    assert watcher.times == sorted(set(watcher.times))
    after = np.diff(watcher.times[begin:]) / 90_000
    assert np.median(after) == pytest.approx(1 / 15, rel=0.1)
    assert len(relay.streams()) == 1


async def test_what_is_no_option_is_refused_and_changes_nothing(relay: Relay) -> None:
    await relay.add_camera("cam", camera="pattern", size="320x180", fps=30, encoder="libx264")
    before, options = relay.encoder("cam"), relay.encoder_options("cam")
    assert options.sizes[0] == (320, 180)
    for wish in (
        {"width": 322, "height": 180},
        {"width": 640, "height": 360},
        {"fps": 60.0},
        {"bitrate": 1},
        {"gop_seconds": float("nan")},
    ):
        with pytest.raises(ConfigurationError):
            await relay.set_encoder("cam", **wish)
    with pytest.raises(PathError):
        await relay.set_encoder("other", fps=10)
    assert relay.encoder("cam") == before


async def test_a_key_frame_is_made_when_it_is_wanted(relay: Relay) -> None:
    await relay.add_camera("cam", camera="pattern", size="320x180", fps=30, encoder="libx264", gop_seconds=60)
    async with Watcher(relay, "cam") as watcher:
        starts = True
        while starts:
            _, starts = await watcher.next()
        assert relay.force_key_frame("cam")
        while not starts:
            _, starts = await watcher.next()


async def test_sub_is_smaller_has_the_same_sound_and_clock_and_lasts_while_it_is_read(relay: Relay) -> None:
    defaults = PathSettings(on_demand_close_after=0)
    await relay.set_path("cam", defaults)
    await relay.add_camera("cam", camera="pattern", size="1280x720", fps=30, encoder="libx264")
    planned = relay.encoder("cam", "sub")
    assert (planned.width, planned.height, planned.fps, planned.gop_seconds) == (640, 360, 30, 1.0)
    assert [status.path for status in relay.streams()] == ["cam"]
    streams = Streams(relay)
    await relay.prepare("cam/sub")
    main, sub = (status for status in relay.streams())
    assert (main.path, sub.path) == ("cam", "cam/sub")
    assert [track.codec for track in sub.tracks] == ["h264", "aac"]
    assert sub.tracks[1].parameters == main.tracks[1].parameters
    async with Watcher(relay, "cam/sub") as small, Watcher(relay, "cam") as large:
        picture, starts = await small.next()
        assert picture.shape == (360, 640)
        assert starts
        await small.next()
        await large.next()
        while large.times[-1] < small.times[-1]:
            await large.next()
        while small.times[-1] < large.times[-1]:
            await small.next()
        assert set(small.times) & set(large.times), "the same picture has the same time in both"
        assert relay.encoder("cam", "sub").profile == "Baseline"
        await relay.set_encoder("cam", rendition="sub", width=320, height=180)
        while picture.shape != (180, 320):
            picture, _ = await small.next()
        assert relay.encoder("cam").width == 1280
    await streams.until(StreamRemoved, "cam/sub")
    assert relay.encoder("cam", "sub").width == 320


async def test_sub_has_the_sound(relay: Relay) -> None:
    await relay.add_camera("cam", camera="pattern", size="320x180", fps=30, encoder="libx264")
    await relay.prepare("cam/sub")
    async with relay.read("cam/sub") as small, relay.read("cam") as large:

        async def sounds(reader: object) -> dict[int, bytes]:
            found = {}
            async for unit in reader:  # type: ignore[attr-defined]
                if unit.track == 1:
                    found[unit.pts] = bytes(unit.data)
                if len(found) == 40:
                    break
            return found

        one, other = await asyncio.gather(sounds(small), sounds(large))
    same = one.keys() & other.keys()
    assert same
    assert all(one[pts] == other[pts] for pts in same)


async def test_sub_true_is_made_without_a_reader_and_may_be_set_while_it_runs() -> None:
    settings = CameraSettings(camera="pattern", size="320x180", fps=30, encoder="libx264", sub=True)
    config = Config(port=0, cameras={"cam": settings}, path_defaults=PathSettings(on_demand_close_after=0))
    async with asyncio.timeout(3 * PATIENCE), Relay(config) as relay:
        streams = Streams(relay)
        if len(relay.streams()) < 2:
            await streams.until(StreamAdded, "cam/sub")
        on_demand = replace(settings, sub=False)
        main = relay.read("cam")
        plan = await relay.reload(replace(config, cameras={"cam": on_demand}))
        assert not plan.sessions
        await streams.until(StreamRemoved, "cam/sub")
        await anext(main)
        await main.aclose()
        await relay.reload(config)
        await streams.until(StreamAdded, "cam/sub")


async def test_sub_ends_with_its_camera(relay: Relay) -> None:
    await relay.add_camera("cam", camera="pattern", size="320x180", fps=30, encoder="libx264")
    await relay.prepare("cam/sub")
    await relay.remove_camera("cam")
    assert relay.streams() == []
    with pytest.raises(PathError):
        relay.read("cam/sub")
    await relay.add_camera("cam", camera="pattern", size="320x180", fps=30, encoder="libx264")
    await relay.prepare("cam/sub")
    assert [status.path for status in relay.streams()] == ["cam", "cam/sub"]


async def test_a_path_that_ends_like_sub_is_any_other_where_there_is_no_camera(relay: Relay) -> None:
    with relay.publish("house/sub") as publisher:
        assert publisher.path == "house/sub"
        await relay.prepare("house/sub")


async def test_the_rules_of_a_path_hold_for_its_sub() -> None:
    config = Config(
        port=0,
        anonymous=True,
        cameras={"cam": CameraSettings(camera="pattern", size="320x180", fps=30, encoder="libx264")},
        paths={"cam": PathSettings(read=False)},
    )
    async with asyncio.timeout(3 * PATIENCE), Relay(config) as relay:
        await relay.add_camera("other", camera="pattern", size="320x180", fps=30, encoder="libx264")
        assert "403" in await _describe(relay, "cam/sub")
        assert "200" in await _describe(relay, "other/sub")
        await relay.set_path("other", PathSettings(read=False))
        assert "403" in await _describe(relay, "other/sub")


async def _describe(relay: Relay, path: str) -> str:
    """The status line of an answer to DESCRIBE."""
    host, port = relay.address
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"DESCRIBE rtsp://{host}:{port}/{path} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
    line = await reader.readline()
    writer.close()
    return line.decode()


async def test_masks_are_in_both_renditions_and_stay_in_their_place_of_the_scene(relay: Relay) -> None:
    """Black covers the left half; what is zoomed at moves, and the mask with it."""
    masks = [MaskSettings(rectangle=[0.0, 0.0, 0.5, 1.0])]
    await relay.add_camera("cam", camera=GREY, encoder="libx264", masks=masks)
    await relay.prepare("cam/sub")
    async with Watcher(relay, "cam") as main, Watcher(relay, "cam/sub") as sub:
        for watcher in (main, sub):
            picture, _ = await watcher.next()
            assert picture[:, :300].max() < 30
            assert picture[:, 340:].min() > 90
        await relay.set_view("cam", pan=1.0, tilt=0.0, zoom=1.0)
        assert relay.view("cam").share == 1 / MOST_ZOOM
        for watcher in (main, sub):
            while picture.min() <= 90:
                picture, _ = await watcher.next()
        await relay.set_view("cam", pan=-1.0)
        for watcher in (main, sub):
            while picture.max() >= 30:
                picture, _ = await watcher.next()
        await relay.set_view("cam", pan=0.0)
        for watcher in (main, sub):
            while not (picture[:, :300].max() < 30 and picture[:, 340:].min() > 90):
                picture, _ = await watcher.next()


async def test_the_view_moves_by_each_picture_a_little(relay: Relay) -> None:
    """The edge of a mask in the middle of the scene wanders to the left while the view turns right."""
    masks = [MaskSettings(rectangle=[0.0, 0.0, 0.5, 1.0])]
    await relay.add_camera("cam", camera=GREY, encoder="libx264", masks=masks)
    await relay.set_view("cam", pan=-0.25, zoom=0.5)
    async with Watcher(relay, "cam") as watcher:
        edges: list[int] = []
        picture, _ = await watcher.next()
        await relay.move_view("cam", pan=0.2, seconds=1.0)
        async with asyncio.timeout(PATIENCE):
            while len(edges) < 40:
                picture, _ = await watcher.next()
                edges.append(int((picture[180] < 60).sum()))
    assert len(set(edges)) > 15
    assert all(0 <= before - after <= 24 for before, after in pairwise(edges))
    assert not relay.view("cam").turning
    assert relay.view("cam").pan == pytest.approx(-0.05)


class JpegCamera:
    """Gives the same JPEG again and again."""

    format = SourceFormat("Cam", "/dev/cam", "made up", 800, 600, 30.0, JPEG, "jpeg")

    def __init__(self) -> None:
        encoder = av.CodecContext.create("mjpeg", "w")
        assert isinstance(encoder, av.VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = 800, 600, "yuvj420p"
        encoder.time_base = Fraction(1, 30)
        frame = av.VideoFrame.from_ndarray(np.full((900, 800), 90, np.uint8), "yuvj420p")
        frame.pts = 0
        self.picture = bytes(encoder.encode(frame)[0])
        self.closed = threading.Event()

    def read(self) -> Captured:
        if self.closed.wait(1 / 30):
            raise DeviceLost("It was closed.")
        at = now_ns()
        return Captured(at, at, self.picture, lambda buffer: 0)

    def close(self) -> None:
        self.closed.set()


async def test_a_camera_whose_own_pictures_are_sent_on_has_no_encoder_to_change(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = JpegCamera()
    monkeypatch.setattr(camera, "choose_sources", lambda *_: Sources(lambda: source, None, None))
    await relay.add_camera("cam", encoder="copy")
    state = relay.encoder("cam")
    assert (state.encoding, state.profile, state.fixed) == ("jpeg", None, True)
    assert (state.width, state.height) == (800, 600)
    assert relay.encoder_options("cam").sizes == ((800, 600),)
    with pytest.raises(ConfigurationError):
        await relay.set_encoder("cam", fps=10)
    with pytest.raises(PathError):
        await relay.set_view("cam", zoom=1.0)
    assert not relay.force_key_frame("cam")
    await relay.prepare("cam/sub")
    async with Watcher(relay, "cam/sub") as watcher:
        picture, _ = await watcher.next()
    assert picture.shape == (360, 480)
    assert abs(float(picture.mean()) - 90) < 4


async def test_a_snapshot_is_the_picture_that_the_camera_gave_unless_something_is_hidden(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = JpegCamera()
    monkeypatch.setattr(camera, "choose_sources", lambda *_: Sources(lambda: source, None, None))
    settings = CameraSettings(encoder="libx264")
    config = Config(port=0, cameras={"cam": settings}, aliases=False)
    await relay.reload(config)
    url = f"http://127.0.0.1:{relay.address[1]}/cam/snapshot.jpg"
    async with Watcher(relay, "cam") as watcher:
        await watcher.next()
    assert await got(url) == source.picture
    await relay.set_view("cam", zoom=0.5)
    assert relay.newest_jpeg("cam") is None
    await relay.set_view("cam", zoom=0.0)
    assert relay.newest_jpeg("cam") is not None
    hidden = replace(settings, masks=[MaskSettings(rectangle=[0.0, 0.0, 1.0, 1.0])])
    await relay.reload(replace(config, cameras={"cam": hidden}))
    assert relay.newest_jpeg("cam") is None
    async with Watcher(relay, "cam") as watcher:
        await watcher.next()
    assert source.picture != await got(url)


async def got(url: str) -> bytes:
    """What a server gives for a URL."""
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        assert answer.status == 200
        return await answer.read()


def test_a_jpeg_without_tables_or_end_is_not_whole() -> None:
    whole = JpegCamera().picture
    assert is_whole(whole)
    assert not is_whole(whole[:-2])
    assert not is_whole(b"no picture")
    tables = whole.index(b"\xff\xc4")
    length = int.from_bytes(whole[tables + 2 : tables + 4], "big")
    rest = whole[:tables] + whole[tables + 2 + length :]
    while b"\xff\xc4" in rest:
        tables = rest.index(b"\xff\xc4")
        length = int.from_bytes(rest[tables + 2 : tables + 4], "big")
        rest = rest[:tables] + rest[tables + 2 + length :]
    assert not is_whole(rest)


async def test_there_is_no_sub_of_what_is_no_camera(relay: Relay) -> None:
    with relay.publish("cam"):
        await relay.prepare("cam/sub")  # nothing to be started
        with pytest.raises(PathError):
            relay.read("cam/sub")
    await relay.add_camera("cam2", camera="pattern", size="320x180", encoder="libx264")
    await relay.stop_source("cam2")
    await relay.prepare("cam2/sub")
    with pytest.raises(PathError):
        relay.read("cam2/sub")


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        ((1920, 1080), (640, 360)),
        ((1280, 720), (640, 360)),
        ((640, 480), (480, 360)),
        ((320, 240), (320, 240)),
        ((1080, 1920), (202, 360)),
        ((8000, 20), (640, 2)),
    ],
)
def test_a_smaller_size_has_the_same_aspect(size: tuple[int, int], fits: tuple[int, int]) -> None:
    assert even_size(*size, 640, 360) == fits


def test_a_view_stays_inside_the_scene() -> None:
    view, now = ViewControl(), now_ns()
    assert view.window(now, 1920, 1080) is None
    for pan, tilt in ((-1, -1), (1, 1), (0.3, -0.7)):
        view.go(now, pan, tilt, 1.0)
        window = view.window(now, 1920, 1080)
        assert window is not None
        left, above, width, height = window
        assert (width, height) == (480, 270)
        assert left >= 0
        assert above >= 0
        assert left + width <= 1920
        assert above + height <= 1080
    view.go(now, zoom=0.0)
    assert view.window(now, 1920, 1080) is None
    assert view.at(now).pan == 0


def test_a_motion_ends_at_the_edge_and_turns_back_at_once() -> None:
    view = ViewControl()
    view.go(0, zoom=1.0)
    view.move(0, Direction(pan=1.0, tilt=1.0), seconds=30.0)
    assert view.at(SECOND // 4).turning
    assert view.at(40 * SECOND).pan == 0.75
    assert not view.at(40 * SECOND).turning
    view.move(2 * SECOND, Direction(pan=-1.0))
    assert view.at(int(2.5 * SECOND)).pan == pytest.approx(0.25)


def test_zoom_stops_alone() -> None:
    view = ViewControl()
    view.move(0, Direction(pan=0.1, zoom=1.0))
    view.stop(SECOND // 2, turning=False)
    here, later = view.at(SECOND // 2), view.at(SECOND)
    assert (later.turning, later.zooming) == (True, False)
    assert later.zoom == here.zoom == pytest.approx(0.25)
    assert later.pan > here.pan
    view.stop(SECOND)
    assert not view.at(2 * SECOND).turning


def test_all_axes_arrive_together() -> None:
    view = ViewControl()
    view.go(0, zoom=1.0)
    view.go(0, pan=0.5, tilt=-0.25, speed=0.5)
    half = view.at(SECOND // 2)
    assert half.pan == pytest.approx(0.25)
    assert half.tilt == pytest.approx(-0.125)
    there = view.at(SECOND)
    assert (there.pan, there.tilt, there.turning) == (0.5, -0.25, False)


def test_what_is_out_of_range_is_refused() -> None:
    view = ViewControl()
    for wrong in ({"pan": 1.1}, {"tilt": float("nan")}, {"zoom": -0.1}, {"speed": 0.0}):
        with pytest.raises(ConfigurationError):
            view.go(0, **wrong)
    with pytest.raises(ConfigurationError):
        view.move(0, Direction(pan=2.0))
    with pytest.raises(ConfigurationError):
        view.move(0, Direction(pan=1.0), seconds=float("nan"))
