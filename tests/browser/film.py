"""A film of the test pattern with its tone, to try the tests' own eyes and ears on."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from relaycore.capture.pattern import PatternPainter
from relaycore.capture.tone import tone
from tests.browser.boxes import Boxes

__all__ = ["FPS", "make_film", "make_fragments"]

FPS = 25
RATE = 48_000
SIZE = (640, 360)


def make_film(place: Path, *, seconds: int = 3, sound: bool = True) -> Path:
    """An MP4 file whose picture number N was taken N / 25 seconds after 1970 began."""
    _write(place, seconds=seconds, sound=sound)
    return place


def _write(place: Path | io.BytesIO, *, seconds: int, sound: bool = True, movflags: str = "") -> None:
    width, height = SIZE
    painter = PatternPainter(width, height, full_range=False)
    target = place if isinstance(place, io.BytesIO) else str(place)
    with av.open(target, "w", format="mp4", options={"movflags": movflags} if movflags else {}) as container:
        video = container.add_stream("libx264", rate=FPS, options={"tune": "zerolatency"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = container.add_stream("aac", rate=RATE)
        assert isinstance(audio, av.AudioStream)
        audio.layout = "mono"
        planes = np.empty(width * height * 3 // 2, np.uint8)
        for number in range(seconds * FPS):
            painter.paint(planes, number, number * 1_000_000_000 // FPS)
            picture = av.VideoFrame.from_ndarray(planes.reshape(height * 3 // 2, width), format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(picture))
            first, samples = number * RATE // FPS, RATE // FPS
            wave = tone(first % RATE, samples, RATE) * sound
            block = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = RATE, first, Fraction(1, RATE)
            container.mux(audio.encode(block))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def make_fragments(place: io.BytesIO, seconds: int = 1) -> list[bytes]:
    """An initialisation segment, and fragments of one access unit each."""
    _write(place, seconds=seconds, movflags="frag_every_frame+empty_moov+default_base_moof")
    boxes = Boxes(place)
    return list(boxes.take())
