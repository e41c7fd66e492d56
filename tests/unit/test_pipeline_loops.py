"""The threads of a pipeline, with sources and streams that are made up."""

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from relaycore._relaycore import FrameBuffer, FramePool, Handoff, Track, now_ns
from relaycore.capture.colour import JPEG
from relaycore.capture.source import BadPicture, Captured, SourceFormat
from relaycore.encode.profiles import SOFTWARE
from relaycore.encode.video import VideoEncoder, VideoFormat
from relaycore.errors import DeviceLost, EncoderError, NoSuchDevice
from relaycore.pipeline import capture_loop, key_frames
from relaycore.pipeline.capture_loop import CaptureLoop, Picture
from relaycore.pipeline.encode_loop import EncodeLoop
from relaycore.pipeline.key_frames import KeyFrames
from relaycore.pipeline.masking import Masking
from relaycore.pipeline.thinning import Thinner
from relaycore.settings import MaskSettings

WIDTH, HEIGHT = 64, 48
FORMAT = SourceFormat("Cam", "/dev/cam", "made up", WIDTH, HEIGHT, 30.0, JPEG, None)
ENCODED = VideoFormat(WIDTH, HEIGHT, 30.0, JPEG, 200_000)
PATIENCE = 20.0
"""Seconds after which a test that waits has failed."""

Step = Captured | Exception


class ScriptedSource:
    """Gives what it is told to, then waits for the end."""

    def __init__(self, *steps: Step, stopping: threading.Event) -> None:
        self.format = FORMAT
        self.steps = list(steps)
        self.closed = threading.Event()
        self._stopping = stopping

    def read(self) -> Captured:
        if not self.steps:
            self._stopping.wait(PATIENCE)
            raise DeviceLost("The script is over.")
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed.set()


def picture(level: int, *, encoded: bytes | None = None, at: int | None = None) -> Captured:
    def fill(buffer: FrameBuffer) -> int:
        np.frombuffer(memoryview(buffer), np.uint8)[:] = level
        return 0

    at = now_ns() if at is None else at
    return Captured(at, at, encoded, fill)


def broken() -> Captured:
    def fill(buffer: FrameBuffer) -> int:
        raise BadPicture("It was cut.")

    return Captured(0, 0, None, fill)


def run_capture(
    *sources: ScriptedSource | Exception,
    stopping: threading.Event,
    fps: float | None = None,
    keep: bool = False,
) -> tuple[CaptureLoop, "queue.Queue[Any]"]:
    told: queue.Queue[Any] = queue.Queue()
    rest = list(sources[1:])

    def reopen() -> ScriptedSource:
        found = rest.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    assert isinstance(sources[0], ScriptedSource)
    loop = CaptureLoop(
        sources[0],
        reopen,
        keep_encoded=keep,
        fps=fps,
        stopping=stopping,
        changed=lambda reason: told.put(("changed", reason)),
        bad=lambda reason: told.put(("bad", reason)),
        odd=lambda remark: told.put(("odd", remark)),
    )
    loop.start()
    return loop, told


@pytest.fixture
def stopping() -> threading.Event:
    return threading.Event()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_loop, "RETRY_SECONDS", (0.0, 0.0))


def test_a_picture_is_decoded_and_handed_over(stopping: threading.Event) -> None:
    source = ScriptedSource(picture(77), stopping=stopping)
    loop, _ = run_capture(source, stopping=stopping)
    found = loop.handoff.take(PATIENCE)
    assert isinstance(found, Picture)
    assert found.buffer is not None
    assert found.encoded is None
    assert set(bytes(memoryview(found.buffer))) == {77}
    assert found.captured_ns <= found.received_ns <= found.decoded_ns
    stopping.set()
    loop.join(PATIENCE)
    assert source.closed.is_set()


def test_what_comes_encoded_can_be_kept(stopping: threading.Event) -> None:
    loop, _ = run_capture(
        ScriptedSource(picture(0, encoded=b"jpeg"), stopping=stopping), stopping=stopping, keep=True
    )
    found = loop.handoff.take(PATIENCE)
    assert isinstance(found, Picture)
    assert (found.encoded, found.buffer) == (b"jpeg", None)
    stopping.set()
    loop.join(PATIENCE)


def test_who_looks_at_pictures_sees_their_masks(stopping: threading.Event) -> None:
    seen: queue.Queue[set[int]] = queue.Queue()
    loop = CaptureLoop(
        ScriptedSource(picture(77, encoded=b"jpeg"), stopping=stopping),
        lambda: ScriptedSource(stopping=stopping),
        keep_encoded=True,
        fps=None,
        stopping=stopping,
        changed=lambda _: None,
        bad=lambda _: None,
        odd=lambda _: None,
        look=lambda buffer: seen.put(set(bytes(memoryview(buffer)))),
        masking=Masking([MaskSettings(rectangle=[0, 0, 1, 1])], WIDTH, HEIGHT, JPEG),
    )
    loop.start()
    found = loop.handoff.take(PATIENCE)
    assert isinstance(found, Picture)
    assert found.encoded is None
    assert seen.get(timeout=PATIENCE) == {0, 128}
    stopping.set()
    loop.join(PATIENCE)


def test_damaged_pictures_are_counted_said_once_and_end_nothing(stopping: threading.Event) -> None:
    source = ScriptedSource(broken(), BadPicture("No SOI."), broken(), picture(5), stopping=stopping)
    loop, told = run_capture(source, stopping=stopping)
    assert isinstance(loop.handoff.take(PATIENCE), Picture)
    stopping.set()
    loop.join(PATIENCE)
    assert loop.bad == 3
    assert told.get_nowait() == ("bad", "It was cut.")
    assert told.empty()


def test_a_lost_source_is_opened_again_until_it_is_back(stopping: threading.Event) -> None:
    lost = ScriptedSource(DeviceLost("Unplugged."), stopping=stopping)
    back = ScriptedSource(picture(9), stopping=stopping)
    absent = [NoSuchDevice("It is not there.") for _ in range(5)]
    loop, told = run_capture(lost, *absent, back, stopping=stopping)
    assert isinstance(loop.handoff.take(PATIENCE), Picture)
    assert lost.closed.is_set()
    assert told.get_nowait() == ("changed", "Unplugged.")
    assert told.get_nowait() == ("changed", None)
    stopping.set()
    loop.join(PATIENCE)
    assert back.closed.is_set()


def test_a_source_that_opens_but_gives_no_picture_is_not_back(stopping: threading.Event) -> None:
    lost = ScriptedSource(DeviceLost("Unplugged."), stopping=stopping)
    empty = [ScriptedSource(DeviceLost("Still unplugged."), stopping=stopping) for _ in range(5)]
    back = ScriptedSource(picture(9), stopping=stopping)
    loop, told = run_capture(lost, *empty, back, stopping=stopping)
    assert isinstance(loop.handoff.take(PATIENCE), Picture)
    stopping.set()
    loop.join(PATIENCE)
    assert [told.get_nowait() for _ in range(told.qsize())] == [("changed", "Unplugged."), ("changed", None)]
    assert all(source.closed.is_set() for source in empty)


def test_a_remark_on_pictures_is_said_once(stopping: threading.Event) -> None:
    steps = [replace(picture(level), remark="Odd segments.") for level in range(3)]
    source = ScriptedSource(*steps, DeviceLost("end"), stopping=stopping)
    loop, told = run_capture(source, ScriptedSource(stopping=stopping), stopping=stopping)
    assert told.get(timeout=PATIENCE) == ("odd", "Odd segments.")
    assert told.get(timeout=PATIENCE) == ("changed", "end")
    assert loop.captured == 3
    stopping.set()
    loop.join(PATIENCE)


def test_pictures_nobody_takes_are_displaced_by_newer_ones(stopping: threading.Event) -> None:
    steps = [picture(level) for level in range(20)]
    source = ScriptedSource(*steps, DeviceLost("end"), stopping=stopping)
    loop, told = run_capture(source, ScriptedSource(stopping=stopping), stopping=stopping)
    assert told.get(timeout=PATIENCE) == ("changed", "end")
    found = loop.handoff.take(PATIENCE)
    assert isinstance(found, Picture)
    assert found.buffer is not None
    assert bytes(memoryview(found.buffer))[0] == 19
    assert (loop.captured, loop.handoff.discarded, loop.exhausted) == (20, 19, 0)
    stopping.set()
    loop.join(PATIENCE)


def test_a_slower_rate_leaves_pictures_out_evenly(stopping: threading.Event) -> None:
    kept = []
    steps = [picture(0, at=number * 33_333_333) for number in range(30)]
    thinner = Thinner(10.0)
    for number, step in enumerate(steps):
        if thinner.keeps(step.captured_ns):
            kept.append(number)
    assert kept == list(range(0, 30, 3))


class FakeStream:
    """Keeps what is written."""

    def __init__(self, track: Track) -> None:
        self.tracks = [track]
        self.written: queue.Queue[SimpleNamespace] = queue.Queue()
        self.refused: queue.Queue[bytes] = queue.Queue()
        self.wanted = False

    def write(self, track: int, access_unit: Any, **fields: Any) -> int:
        data = bytes(access_unit)
        if data == b"refused":
            self.refused.put(data)
            raise ValueError("not of the codec")
        self.written.put(SimpleNamespace(track=track, data=data, **fields))
        return 1

    def key_frame_wanted(self) -> bool:
        wanted, self.wanted = self.wanted, False
        return wanted


def run_encode(
    stream: FakeStream,
    stopping: threading.Event,
    *,
    slate: Callable[[], str | None] = lambda: None,
    make_encoder: Callable[[], VideoEncoder] = lambda: VideoEncoder(SOFTWARE, ENCODED),
    masking: Masking | None = None,
) -> tuple[EncodeLoop, Handoff, "queue.Queue[str]"]:
    told: queue.Queue[str] = queue.Queue()
    handoff = Handoff()
    loop = EncodeLoop(
        stream,  # type: ignore[arg-type]
        0,
        handoff,
        make_encoder,
        (WIDTH, HEIGHT),
        KeyFrames(60.0, 30.0),
        stopping=stopping,
        slate=slate,
        resumed=lambda: told.put("resumed"),
        failed=told.put,
        masking=masking,
    )
    loop.start()
    return loop, handoff, told


def ready(level: int, at: int, revision: int = 0) -> Picture:
    pixels = FramePool(WIDTH, HEIGHT, 1).acquire()
    assert pixels is not None
    memoryview(pixels)[:] = bytes([level]) * (WIDTH * HEIGHT * 3 // 2)
    return Picture(at, at, at, pixels, None, revision)


def end(loop: EncodeLoop, handoff: Handoff, stopping: threading.Event) -> None:
    stopping.set()
    handoff.close()
    loop.join(PATIENCE)


def test_a_picture_is_encoded_and_written_with_its_times(stopping: threading.Event) -> None:
    stream = FakeStream(Track.h264())
    loop, handoff, _ = run_encode(stream, stopping)
    at = now_ns()
    handoff.offer(ready(90, at))
    written = stream.written.get(timeout=PATIENCE)
    assert written.pts == at * 90_000 // 1_000_000_000
    assert (written.captured_ns, written.random_access) == (at, True)
    assert at <= written.taken_ns <= written.encoded_ns
    end(loop, handoff, stopping)
    assert (loop.access_units, loop.key_frames) == (1, 1)


def test_a_wish_for_a_key_frame_is_met(stopping: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_frames, "COALESCE_NS", 0)
    stream = FakeStream(Track.h264())
    loop, handoff, _ = run_encode(stream, stopping)
    kinds = []
    for wanted in (False, False, True, False):
        stream.wanted = wanted
        handoff.offer(ready(10, now_ns()))
        kinds.append(stream.written.get(timeout=PATIENCE).random_access)
    assert kinds == [True, False, True, False]
    end(loop, handoff, stopping)


def test_pictures_of_older_masks_are_left_out_and_newer_ones_begin_anew(stopping: threading.Event) -> None:
    stream = FakeStream(Track.h264())
    masking = Masking([], WIDTH, HEIGHT, JPEG)
    loop, handoff, _ = run_encode(stream, stopping, masking=masking)
    kinds = []
    for revision in (0, 0, 1, 1):
        while masking.revision < revision:
            masking.replace([])
            handoff.offer(ready(10, now_ns(), revision - 1))
            while handoff.taken < handoff.offered:
                pass
        handoff.offer(ready(10, now_ns(), revision))
        kinds.append(stream.written.get(timeout=PATIENCE).random_access)
    assert kinds == [True, False, True, False]
    end(loop, handoff, stopping)
    assert loop.access_units == 4


def test_the_slate_is_shown_while_the_source_is_lost_and_its_end_is_told(stopping: threading.Event) -> None:
    stream = FakeStream(Track.h264())
    lost = ["Cam: no picture since 12:03:04"]
    loop, handoff, told = run_encode(stream, stopping, slate=lambda: lost[0] if lost else None)
    slates = [stream.written.get(timeout=PATIENCE) for _ in range(2)]
    assert slates[0].random_access
    assert slates[0].pts < slates[1].pts
    lost.clear()
    handoff.offer(ready(10, now_ns()))
    assert told.get(timeout=PATIENCE) == "resumed"
    end(loop, handoff, stopping)


def test_the_slate_of_a_jpeg_stream_is_a_jpeg(stopping: threading.Event) -> None:
    stream = FakeStream(Track.jpeg())
    loop, handoff, _ = run_encode(stream, stopping, slate=lambda: "gone")
    slate = stream.written.get(timeout=PATIENCE)
    assert slate.data.startswith(b"\xff\xd8")
    end(loop, handoff, stopping)


def test_what_comes_encoded_is_written_as_it_is(stopping: threading.Event) -> None:
    stream = FakeStream(Track.jpeg())
    loop, handoff, _ = run_encode(stream, stopping)
    handoff.offer(Picture(5, 6, 7, None, b"refused"))
    assert stream.refused.get(timeout=PATIENCE) == b"refused"
    handoff.offer(Picture(1_000_000_000, 6, 7, None, b"a JPEG"))
    written = stream.written.get(timeout=PATIENCE)
    assert (written.data, written.pts) == (b"a JPEG", 90_000)
    end(loop, handoff, stopping)
    assert loop.access_units == 1


def test_an_encoder_that_fails_ends_the_loop_with_its_reason(stopping: threading.Event) -> None:
    def fail() -> VideoEncoder:
        raise EncoderError("The encoder caught fire.")

    loop, handoff, told = run_encode(FakeStream(Track.h264()), stopping, make_encoder=fail)
    handoff.offer(ready(0, now_ns()))
    assert told.get(timeout=PATIENCE) == "The encoder caught fire."
    end(loop, handoff, stopping)
