"""What it costs to read, decode and hand off the JPEG of a webcam, beside what encoding costs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from fractions import Fraction
from statistics import median

import av
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from benchmarks.result import Figure, Options, Result
from benchmarks.scene import scene
from relaycore._relaycore import FrameBuffer, FramePool, Handoff, inspect_jpeg
from relaycore.capture.colour import JPEG
from relaycore.capture.pattern import PatternPainter
from relaycore.capture.unpack import fill_from_frame
from relaycore.encode.profiles import SOFTWARE, default_bitrate
from relaycore.encode.video import VideoEncoder, VideoFormat

WIDTH, HEIGHT, FPS = 1280, 720, 30
PICTURES = 120
QUALITY = 5
"""FFmpeg's quantiser; it gives the scene about 100 KiB a picture, as webcams send at this size."""


def run(_options: Options) -> Result:
    """Takes both ways with the same pictures in one thread, and compares the medians of their CPU times."""
    figures: list[Figure] = []
    sizes: list[str] = []
    total = 0.0
    for name, pictures in (("scene", scene(WIDTH, HEIGHT, PICTURES)), ("pattern", _pattern())):
        jpegs = list(_webcam_jpegs(pictures))
        sizes.append(f"{median(map(len, jpegs)) / 1024:.0f} KiB each of a {name}")
        spent = _both_ways(jpegs)
        total += sum(map(sum, spent.values())) / 1e3
        middle = {stage: median(times) for stage, times in spent.items()}
        before = sum(middle.values()) - middle["encode"]
        figures += [Figure(f"{name}: {stage}", value, "ms") for stage, value in middle.items()]
        figures.append(
            Figure(f"{name}: first three, share of encoding", before / middle["encode"], "", below=1 / 3)
        )
    return Result(
        title="JPEG to the encoder, beside encoding",
        method=(
            f"{PICTURES} JPEGs of 1280x720 in 4:2:2, {' and '.join(sizes)}: read by segments, decoded, made "
            "4:2:0 in a pooled buffer, handed off; then encoded by libx264 as `serve` does. The scene is "
            "like a webcam's, with texture, movement, noise. Median CPU time of the calling thread for each "
            "picture; neither codec has other threads. Decoding is all FFmpeg's."
        ),
        figures=figures,
        cpu_seconds={"all": total},
    )


def _both_ways(jpegs: list[bytes]) -> dict[str, list[float]]:
    """CPU time of each stage for each picture, in ms."""
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    form = VideoFormat(WIDTH, HEIGHT, FPS, JPEG, default_bitrate(WIDTH, HEIGHT, FPS))
    encoder = VideoEncoder(SOFTWARE, form)
    pool, handoff = FramePool(WIDTH, HEIGHT), Handoff()
    spent: dict[str, list[float]] = {"read": [], "decode": [], "hand off": [], "encode": []}
    for number, data in enumerate(jpegs):
        marks = [time.thread_time_ns()]
        found = inspect_jpeg(data)
        picture = data[found.start : found.end]
        marks.append(time.thread_time_ns())
        (frame,) = decoder.decode(av.Packet(picture))
        marks.append(time.thread_time_ns())
        buffer = pool.acquire()
        assert buffer is not None
        fill_from_frame(buffer, frame, full_range=True)
        handoff.offer(buffer)
        taken = handoff.take()
        assert isinstance(taken, FrameBuffer)
        marks.append(time.thread_time_ns())
        encoder.encode(taken, number * 3000, force_key_frame=False)
        marks.append(time.thread_time_ns())
        for stage, begin, end in zip(spent, marks[:-1], marks[1:], strict=True):
            spent[stage].append((end - begin) / 1e6)
    return spent


def _webcam_jpegs(pictures: Iterable[NDArray[np.uint8]]) -> Iterator[bytes]:
    """The pictures as JPEGs like those of a webcam: full range, 4:2:2."""
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuvj422p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.qmin = encoder.qmax = QUALITY
    for number, pixels in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(pixels, "yuvj420p").reformat(
            format="yuvj422p", src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.JPEG
        )
        frame.pts = number
        yield from (bytes(packet) for packet in encoder.encode(frame))


def _pattern() -> Iterator[NDArray[np.uint8]]:
    painter = PatternPainter(WIDTH, HEIGHT)
    pixels = np.empty(WIDTH * HEIGHT * 3 // 2, np.uint8)
    for number in range(PICTURES):
        painter.paint(pixels, number, number * 1_000_000_000 // FPS)
        yield pixels.reshape(-1, WIDTH)
