"""A camera on its way to a stream, from the settings to the access units."""

import queue
import threading
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any
from unittest.mock import ANY

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from relaycore._relaycore import FrameBuffer, Track, now_ns
from relaycore.capture.colour import JPEG
from relaycore.capture.model import Devices, Microphone
from relaycore.capture.opening import Sources, choose_sources
from relaycore.capture.pattern import read_strip
from relaycore.capture.source import Captured, SourceFormat
from relaycore.encode.running import EncoderWish
from relaycore.errors import ConfigurationError, DeviceError, DeviceLost, NoSuchDevice, NoSuchMode, PathError
from relaycore.events import Event, MotionChanged
from relaycore.onvif.analysis.watch import PictureWatch
from relaycore.pipeline import camera, capture_loop, presence
from relaycore.pipeline.camera import CameraPipeline, PipelineEvent
from relaycore.pipeline.masking import Masking
from relaycore.settings import CameraSettings, MaskSettings, MotionSettings

PATIENCE = 20.0
"""Seconds after which a test that waits has failed."""


class FakeStream:
    def __init__(self, tracks: Sequence[Track]) -> None:
        self.tracks = list(tracks)
        self.written: list[queue.Queue[tuple[bytes, dict[str, Any]]]] = [queue.Queue() for _ in tracks]

    def write(self, track: int, access_unit: Any, **fields: Any) -> int:
        self.written[track].put((bytes(access_unit), fields))
        return 1

    def key_frame_wanted(self) -> bool:
        return False


class Bench:
    """A pipeline with a stream that keeps what is written."""

    def __init__(self, watch: PictureWatch | None = None, **settings: Any) -> None:
        self.events: queue.Queue[PipelineEvent] = queue.Queue()
        self.streams: list[FakeStream] = []
        self.pipeline = CameraPipeline(CameraSettings(**settings), self._make, self.events.put, watch=watch)

    def _make(self, tracks: Sequence[Track], can_force_key_frames: bool) -> Any:
        self.can_force_key_frames = can_force_key_frames
        self.streams.append(FakeStream(tracks))
        return self.streams[-1]

    def take(self, track: int, count: int) -> list[tuple[bytes, dict[str, Any]]]:
        return [self.streams[0].written[track].get(timeout=PATIENCE) for _ in range(count)]


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("relaycore-")}


def test_the_pattern_becomes_h264_and_aac_on_one_clock() -> None:
    bench = Bench(camera="pattern", size="320x180", fps=60, encoder="libx264")
    bench.pipeline.start()
    pictures, sounds = bench.take(0, 30), bench.take(1, 20)
    assert bench.pipeline.stats().state == "running"
    bench.pipeline.stop()
    assert bench.pipeline.stats().state == "stopped"
    assert not threads()

    assert [track.codec for track in bench.streams[0].tracks] == ["h264", "aac"]
    assert bench.streams[0].tracks[0].parameters
    assert bench.can_force_key_frames
    counters = []
    decoder = av.CodecContext.create("h264", "r")
    for data, fields in pictures:
        for frame in decoder.decode(av.Packet(data)):
            strip = read_strip(frame.to_ndarray()[:180])
            assert strip is not None
            counters.append(strip[0])
        assert fields["pts"] == fields["captured_ns"] * 90_000 // 1_000_000_000
    assert counters == sorted(set(counters))
    assert len(counters) == len(pictures)
    for written, rate in ((pictures, 90_000), (sounds, 48_000)):
        times = [fields["pts"] for _, fields in written]
        assert times == sorted(set(times))
        assert abs(times[0] / rate - pictures[0][1]["captured_ns"] / 1e9) < 1


def test_it_tells_what_was_chosen() -> None:
    bench = Bench(camera="pattern", size="320x180", microphone="none", bitrate="300k", encoder="libx264")
    bench.pipeline.start()
    bench.pipeline.stop()
    description = bench.pipeline.description
    assert description is not None
    assert (description.width, description.height, description.encoder) == (320, 180, "libx264")
    assert (description.bitrate, description.sound) == (300_000, None)
    assert bench.events.get_nowait() == PipelineEvent("ready", str(description))
    assert [track.kind for track in bench.streams[0].tracks] == ["video"]


def test_a_graph_is_thinned_to_the_wished_rate() -> None:
    bench = Bench(camera="lavfi:testsrc2=size=64x48:rate=100,format=yuv420p", fps=20, encoder="libx264")
    bench.pipeline.start()
    times = [fields["captured_ns"] for _, fields in bench.take(0, 6)]
    bench.pipeline.stop()
    assert (times[-1] - times[0]) / 5e9 == pytest.approx(1 / 20, rel=0.3)


@pytest.mark.parametrize(
    ("settings", "kind", "says"),
    [
        ({"camera": "pattern", "size": "64x48"}, NoSuchMode, "cannot be 64x48"),
        ({"camera": "pattern", "encoder": "copy"}, NoSuchMode, "another encoder than `copy`"),
        ({"camera": "pattern", "microphone": "nowhere"}, NoSuchDevice, "no microphone 'nowhere'"),
        ({"camera": "/nowhere/film.mp4"}, NoSuchDevice, "no camera and no file '/nowhere/film.mp4'"),
        ({"camera": "lavfi:nonsense"}, DeviceError, "graph 'nonsense'"),
    ],
)
def test_what_cannot_be_served_is_said_and_leaves_nothing_behind(
    settings: dict[str, Any], kind: type[DeviceError], says: str
) -> None:
    bench = Bench(**settings)
    with pytest.raises(kind, match=says):
        bench.pipeline.start()
    assert not bench.streams
    assert not threads()
    bench.pipeline.stop(0.0)


def test_a_path_that_is_taken_ends_the_start() -> None:
    def taken(tracks: Sequence[Track], can_force_key_frames: bool) -> Any:
        raise PathError("The path is taken.")

    pipeline = CameraPipeline(CameraSettings(camera="pattern", size="320x180"), taken, lambda event: None)
    with pytest.raises(PathError):
        pipeline.start()
    assert not threads()


class Silent:
    """Delivers a picture for each permit, and waits between them."""

    format = SourceFormat("Cam", "/dev/cam", "made up", 64, 48, 30.0, JPEG, None)

    def __init__(self) -> None:
        self.permits: queue.Queue[bool] = queue.Queue()

    def read(self) -> Captured:
        if not self.permits.get(timeout=PATIENCE):
            raise DeviceLost("It was unplugged.")
        at = now_ns()
        return Captured(at, at, None, lambda buffer: 0)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Silent:
    source = Silent()
    monkeypatch.setattr(camera, "choose_sources", lambda *_: Sources(lambda: source, None, None))
    return source


def test_a_camera_that_falls_silent_is_told_and_shown_as_lost_until_it_is_back(
    silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SILENCE_NS", 50_000_000)
    bench = Bench(encoder="libx264")
    bench.pipeline.start()
    assert bench.events.get(timeout=PATIENCE).kind == "ready"
    lost = bench.events.get(timeout=PATIENCE)
    assert lost == PipelineEvent("lost", "Cam gives no pictures any more, though it is there.")
    assert bench.pipeline.stats().state == "lost"
    bench.take(0, 1)
    silent.permits.put(True)
    assert bench.events.get(timeout=PATIENCE).kind == "back"
    silent.permits.put(False)
    bench.pipeline.stop()


@pytest.mark.parametrize("silence_ns", [50_000_000, 10_000_000_000])
def test_in_pictures_that_end_nothing_moves(
    silent: Silent, monkeypatch: pytest.MonkeyPatch, silence_ns: int
) -> None:
    """Whether the camera falls silent or is unplugged."""
    monkeypatch.setattr(presence, "SILENCE_NS", silence_ns)
    monkeypatch.setattr(capture_loop, "RETRY_SECONDS", (0.0,))
    told: queue.Queue[Event] = queue.Queue()
    watch = PictureWatch("cam", MotionSettings(), told.put)
    bench = Bench(watch=watch, encoder="libx264")
    bench.pipeline.start()
    for brightness in (0, 0, 0, 255, 255):
        plane = np.zeros((45, 80), np.float32)
        plane[10:20, 10:20] = brightness
        watch.take(plane, now_ns())
    assert told.get(timeout=PATIENCE) == MotionChanged(path="cam", moving=True, cells=ANY, at_ns=ANY)
    if silence_ns > 1_000_000_000:
        silent.permits.put(False)
    assert told.get(timeout=PATIENCE) == MotionChanged(path="cam", moving=False, at_ns=ANY)
    silent.permits.put(False)
    bench.pipeline.stop()


def test_motion_in_pictures_that_are_not_decoded_is_told_to_be_looked_for_in_vain(silent: Silent) -> None:
    silent.format = replace(silent.format, codec="h264")
    bench = Bench(motion=MotionSettings())
    bench.pipeline.start()
    kinds = [bench.events.get(timeout=PATIENCE) for _ in range(2)]
    assert [event.kind for event in kinds] == ["ready", "notice"]
    assert "remove the table `motion`" in kinds[1].message
    silent.permits.put(False)
    bench.pipeline.stop()


def test_a_camera_that_is_unplugged_is_told_and_opened_again(
    silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_loop, "RETRY_SECONDS", (0.0,))
    bench = Bench(encoder="libx264")
    bench.pipeline.start()
    silent.permits.put(False)
    silent.permits.put(True)
    kinds = [bench.events.get(timeout=PATIENCE) for _ in range(3)]
    assert kinds[1:] == [
        PipelineEvent("lost", "It was unplugged."),
        PipelineEvent("back", "The camera delivers again."),
    ]
    bench.take(0, 1)
    silent.permits.put(False)
    bench.pipeline.stop()
    assert not threads()


def test_a_camera_that_gives_h264_is_sent_on_as_it_is_and_promises_no_key_frames(
    silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "yuv420p", Fraction(1, 30)
    encoder.options = {"tune": "zerolatency"}
    unit = bytes(encoder.encode(av.VideoFrame(64, 48, "yuv420p"))[0])
    silent.format = replace(Silent.format, codec="h264")
    monkeypatch.setattr(silent, "read", lambda: Captured(now_ns(), now_ns(), unit, lambda buffer: 0))
    bench = Bench()
    bench.pipeline.start()
    assert [data for data, _ in bench.take(0, 3)] == [unit] * 3
    bench.pipeline.stop()
    assert not bench.can_force_key_frames


def decoded(pictures: list[tuple[bytes, dict[str, Any]]]) -> list[NDArray[np.uint8]]:
    """Y, U and V of each picture, each as rows of samples one below the other."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    return [
        np.asarray(frame.to_ndarray(format="yuvj420p"), np.uint8)
        for data, _ in pictures
        for frame in decoder.decode(av.Packet(data))
    ]


MASK = MaskSettings(rectangle=[0.25, 0.0, 0.75, 0.5], fill="#808080")
SOURCES = (
    "pattern",
    "lavfi:testsrc2=size=320x192:rate=30,format=nv12",
    "lavfi:testsrc2=size=321x193:rate=30,format=yuvj422p",
    "lavfi:mandelbrot=size=320x192:rate=30,format=rgb24",
)


@pytest.mark.parametrize("source", SOURCES)
def test_who_decodes_the_stream_finds_the_mask_and_nothing_behind_it(source: str) -> None:
    bench = Bench(camera=source, size="320x192", microphone="none", encoder="libx264", masks=[MASK])
    bench.pipeline.start()
    pictures = decoded(bench.take(0, 12))
    bench.pipeline.stop()
    assert len(pictures) == 12
    for picture in pictures:
        # Encoding blurs what is within a block of its edges, which are outside of the mask.
        hidden = picture[:80, 96:224].astype(int)
        assert abs(hidden - 128).max() <= 3
        assert picture[112:192].std() > 20


def test_masks_of_a_running_camera_change_at_a_random_access_point() -> None:
    bench = Bench(camera="pattern", size="320x180", fps=60, microphone="none", encoder="libx264")
    bench.pipeline.start()
    assert read_strip(decoded(bench.take(0, 1))[0][:180]) is not None
    assert bench.pipeline.set_masks([MaskSettings(rectangle=[0, 0, 1, 0.2])])
    written = bench.take(0, 40)
    shown = [read_strip(picture[:180]) is not None for picture in decoded_from(written)]
    first = shown.index(False)
    assert not any(shown[first:])
    assert written[len(written) - len(shown) + first][1]["random_access"]
    with pytest.raises(ConfigurationError):
        bench.pipeline.set_masks([MaskSettings()])
    assert not any(read_strip(picture[:180]) for picture in decoded_from(bench.take(0, 60)))
    assert bench.pipeline.set_masks([])
    while read_strip(decoded_from(bench.take(0, 60))[-1][:180]) is None:
        pass
    bench.pipeline.stop()
    assert not bench.pipeline.set_masks([])


def decoded_from(pictures: list[tuple[bytes, dict[str, Any]]]) -> list[NDArray[np.uint8]]:
    """Those from the first random access point on."""
    first = next(number for number, (_, fields) in enumerate(pictures) if fields["random_access"])
    return decoded(pictures[first:])


def test_with_masks_a_camera_that_gives_h264_is_decoded_and_its_own_is_never_sent_on(
    silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent.format = replace(Silent.format, codec="h264")

    def fill(buffer: FrameBuffer) -> int:
        np.frombuffer(memoryview(buffer), np.uint8)[:] = 250
        return 0

    monkeypatch.setattr(silent, "read", lambda: Captured(now_ns(), now_ns(), b"the camera's own", fill))
    bench = Bench(masks=[MaskSettings(rectangle=[0, 0, 1, 1])])
    bench.pipeline.start()
    written = bench.take(0, 3)
    bench.pipeline.stop()
    assert bench.can_force_key_frames
    assert all(b"the camera's own" not in data for data, _ in written)
    assert max(picture[:48].max() for picture in decoded(written)) < 5


def test_a_changed_encoder_is_kept_while_the_camera_is_lost(
    silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_loop, "RETRY_SECONDS", (0.0,))
    bench = Bench(encoder="libx264")
    bench.pipeline.start()
    silent.permits.put(True)
    bench.take(0, 1)
    bench.pipeline.set_encoder(EncoderWish(bitrate=123_000, gop_seconds=5.0), sub=False)
    silent.permits.put(False)
    assert [bench.events.get(timeout=PATIENCE).kind for _ in range(2)] == ["ready", "lost"]
    slate, fields = bench.take(0, 1)[0]
    assert fields["random_access"], "another encoder begins with one"
    assert slate
    silent.permits.put(True)
    assert bench.events.get(timeout=PATIENCE).kind == "back"
    state = bench.pipeline.encoder(sub=False)
    assert (state.bitrate, state.gop_seconds) == (123_000, 5.0)
    silent.permits.put(False)
    bench.pipeline.stop()


def test_masks_on_what_is_sent_on_as_it_is_are_refused(silent: Silent) -> None:
    silent.format = replace(Silent.format, codec="jpeg")
    bench = Bench(encoder="copy", masks=[MASK])
    with pytest.raises(ConfigurationError, match="cannot be drawn with the encoder `copy`"):
        bench.pipeline.start()
    assert not bench.streams
    bench = Bench(encoder="copy")
    bench.pipeline.start()
    assert not bench.pipeline.set_masks([MASK])
    silent.permits.put(False)
    bench.pipeline.stop()


def test_masks_that_cannot_be_drawn_stop_the_picture(silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> int:
        raise ValueError("the mask is made for frames of another size")

    monkeypatch.setattr(Masking, "draw", breaks)
    bench = Bench(encoder="libx264", masks=[MASK])
    bench.pipeline.start()
    silent.permits.put(True)
    assert bench.events.get(timeout=PATIENCE).kind == "ready"
    failed = bench.events.get(timeout=PATIENCE)
    assert failed.kind == "failed"
    assert "masks could not be drawn (the mask is made for frames of another size)" in failed.message
    bench.pipeline.stop()
    assert bench.pipeline.stats().state == "failed"
    assert bench.streams[0].written[0].empty()
    assert not threads()


def sources_of(devices: Devices, **settings: Any) -> Any:
    return choose_sources(CameraSettings(**settings), lambda seconds: None, lambda: devices)


def test_without_a_camera_the_pattern_is_served_and_that_is_said() -> None:
    sources = sources_of(Devices([], []))
    assert "no camera" in sources.notice
    source = sources.open_video()
    assert (source.format.device, source.format.width, source.format.height) == ("pattern", 1280, 720)
    assert sources.open_audio is not None


def test_without_a_microphone_auto_gives_no_sound_and_that_is_said() -> None:
    sources = sources_of(Devices([], []), camera="pattern", microphone="auto")
    assert sources.open_audio is None
    assert "no microphone" in sources.notice


def test_a_microphone_that_is_not_there_is_said() -> None:
    microphone = Microphone("Mic", "plughw:31,0", "alsa")
    sources = sources_of(Devices([], [microphone]), camera="pattern", microphone="Mic")
    assert sources.open_audio is not None
    with pytest.raises(DeviceError, match="'Mic'"):
        sources.open_audio()
