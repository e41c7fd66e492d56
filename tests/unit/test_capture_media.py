"""Files and graphs as live sources."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from relaycore._relaycore import FramePool
from relaycore.capture.media import MediaAudioSource, MediaSource, Timeline, has_sound
from relaycore.capture.pattern import PatternPainter, read_strip
from relaycore.capture.pattern_source import PatternSource, ToneSource
from relaycore.capture.tone import tone
from relaycore.errors import DeviceError, NoSuchDevice, NoSuchMode

WIDTH, HEIGHT, FRAMES, FPS = 320, 180, 6, 30
SECOND = 1_000_000_000


def never(_: float) -> None:
    """Waits for nothing, so that a source runs as fast as it can."""


@pytest.fixture
def clip(tmp_path: Path) -> str:
    """A fifth of a second of the pattern with its tone."""
    place = tmp_path / "clip.mkv"
    painter = PatternPainter(WIDTH, HEIGHT, full_range=False)
    with av.open(str(place), "w") as container:
        video = container.add_stream("mpeg4", FPS, options={"qscale": "2"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("pcm_s16le", 48_000, layout="mono")
        for number in range(FRAMES):
            pixels = np.empty(WIDTH * HEIGHT * 3 // 2, np.uint8)
            painter.paint(pixels, number, number * SECOND)
            frame = av.VideoFrame.from_numpy_buffer(pixels.reshape(-1, WIDTH), "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
            samples = (tone(number * 1600, 1600, 48_000) * 32767).astype(np.int16)
            sound = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 48_000, number * 1600, Fraction(1, 48_000)
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return str(place)


def test_a_file_is_repeated_with_times_that_rise_evenly(clip: str) -> None:
    source = MediaSource(clip, None, Timeline(), wait=never)
    pool = FramePool(WIDTH, HEIGHT)
    times, counters = [], []
    for _ in range(3 * FRAMES):
        captured = source.read()
        buffer = pool.acquire()
        assert buffer is not None
        captured.fill(buffer)
        strip = read_strip(
            np.frombuffer(memoryview(buffer), np.uint8)[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH)
        )
        assert strip is not None
        counters.append(strip[0])
        times.append(captured.captured_ns)
    source.close()
    assert counters == [*range(FRAMES)] * 3
    steps = np.diff(times) / (SECOND / FPS)
    assert steps == pytest.approx(np.ones(len(steps)), abs=0.2)


def test_it_says_what_it_is(clip: str) -> None:
    source = MediaSource(clip, None, Timeline(), wait=never)
    assert (source.format.width, source.format.height, source.format.fps) == (WIDTH, HEIGHT, FPS)
    assert source.format.codec is None
    assert source.format.mode == "mpeg4 320x180 at 30 fps"
    assert not source.format.colour.full_range
    source.close()


def test_a_wished_size_scales_it(clip: str) -> None:
    source = MediaSource(clip, (160, 90), Timeline(), wait=never)
    assert (source.format.width, source.format.height) == (160, 90)
    buffer = FramePool(160, 90).acquire()
    assert buffer is not None
    source.read().fill(buffer)
    luma = np.frombuffer(memoryview(buffer), np.uint8)[: 160 * 90].reshape(90, 160)
    assert abs(int(luma[30, 10]) - 235) < 8
    source.close()


def test_its_sound_is_on_the_same_timeline(clip: str) -> None:
    timeline = Timeline()
    picture, sound = MediaSource(clip, None, timeline, wait=never), MediaAudioSource(clip, timeline, never)
    assert (sound.rate, sound.channels) == (48_000, 1)
    assert has_sound(clip)
    first_picture, first_sound = picture.read(), sound.read()
    assert abs(first_picture.captured_ns - first_sound.captured_ns) < SECOND // 1000
    picture.close()
    sound.close()


def test_a_graph_is_a_source() -> None:
    source = MediaSource("lavfi:color=red:size=64x48:rate=10,format=yuv420p", None, Timeline(), wait=never)
    first, second = source.read(), source.read()
    assert second.captured_ns - first.captured_ns == SECOND // 10
    source.close()


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [(None, NoSuchDevice, "no camera and no file"), (b"not a film", DeviceError, "cannot be opened")],
)
def test_what_cannot_be_played_is_said(
    tmp_path: Path, content: bytes | None, kind: type[DeviceError], says: str
) -> None:
    place = tmp_path / "film.mp4"
    if content is not None:
        place.write_bytes(content)
    with pytest.raises(kind, match=says):
        MediaSource(str(place), None, Timeline(), wait=never)


def test_a_wrong_graph_is_said() -> None:
    with pytest.raises(DeviceError, match="graph 'nonsense=1' cannot be opened"):
        MediaSource("lavfi:nonsense=1", None, Timeline(), wait=never)


def test_sound_alone_is_no_camera(tmp_path: Path) -> None:
    with pytest.raises(NoSuchMode, match="no pictures"):
        MediaSource("lavfi:sine=frequency=440", None, Timeline(), wait=never)


def test_the_pattern_is_drawn_at_whole_fractions_of_the_second() -> None:
    source = PatternSource(320, 180, 25.0)
    buffer = FramePool(320, 180).acquire()
    assert buffer is not None
    captured = source.read()
    captured.fill(buffer)
    strip = read_strip(np.frombuffer(memoryview(buffer), np.uint8)[: 320 * 180].reshape(180, 320))
    assert strip is not None
    assert strip[0] == 0
    assert strip[1] % 40 in (0, 39)
    assert source.read().captured_ns - captured.captured_ns >= SECOND // 25 - 1


def test_the_tone_follows_without_a_gap() -> None:
    source = ToneSource(never)
    blocks = [source.read() for _ in range(5)]
    steps = np.diff([block.captured_ns for block in blocks])
    assert np.abs(steps - SECOND // 100).max() <= 1
