"""What it costs to read, decode and hand off the JPEG of a webcam, beside what encoding costs."""

from __future__ import annotations

import time
from fractions import Fraction
from statistics import median

import av
import numpy as np
from av.video.reformatter import ColorRange

from benchmarks.result import Figure, Options, Result
from relaycore._relaycore import FrameBuffer, FramePool, Handoff, inspect_jpeg
from relaycore.capture.colour import JPEG
from relaycore.capture.pattern import PatternPainter
from relaycore.capture.unpack import fill_from_frame
from relaycore.encode.profiles import SOFTWARE, default_bitrate
from relaycore.encode.video import VideoEncoder, VideoFormat

WIDTH, HEIGHT, FPS = 1280, 720, 30
PICTURES = 150
NOISE = 3
"""Standard deviation of the noise on luma: every sensor has some, and it costs the encoder most."""


def run(_options: Options) -> Result:
    """Takes both ways with the same pictures in one thread, and compares the medians of their CPU times."""
    jpegs = _webcam_jpegs()
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
        for stage, begin, end in zip(spent, marks, marks[1:], strict=False):
            spent[stage].append((end - begin) / 1e6)
    middle = {stage: median(times) for stage, times in spent.items()}
    before = middle["read"] + middle["decode"] + middle["hand off"]
    return Result(
        title="JPEG to the encoder, beside encoding",
        method=(
            f"{PICTURES} JPEGs of 1280x720 in 4:2:2, {len(jpegs[0]) // 1024} KiB each, the pattern with the "
            "noise of a sensor: read by segments, decoded, made 4:2:0 in a pooled buffer, handed off; then "
            f"encoded by libx264 as `serve` does, at {form.bitrate / 1e6:g} Mbit/s. Median CPU time of the "
            "calling thread for each picture; neither codec has other threads."
        ),
        figures=[
            *(Figure(stage, value, "ms") for stage, value in middle.items()),
            Figure("the first three, share of encoding", before / middle["encode"], "", below=1 / 3),
        ],
        cpu_seconds={"all": sum(sum(times) for times in spent.values()) / 1e3},
    )


def _webcam_jpegs() -> list[bytes]:
    """JPEGs like those of a webcam: full range, 4:2:2."""
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuvj422p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.qmin = encoder.qmax = 4
    painter = PatternPainter(WIDTH, HEIGHT)
    chance = np.random.default_rng(1)
    pixels = np.empty(WIDTH * HEIGHT * 3 // 2, np.uint8)
    jpegs = []
    for number in range(PICTURES):
        painter.paint(pixels, number, number * 1_000_000_000 // FPS)
        luma = pixels[: WIDTH * HEIGHT]
        noise = chance.normal(0, NOISE, luma.size)
        luma[:] = np.clip(luma + noise, 0, 255).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels.reshape(-1, WIDTH), "yuvj420p").reformat(
            format="yuvj422p", src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.JPEG
        )
        frame.pts = number
        jpegs += [bytes(packet) for packet in encoder.encode(frame)]
    return jpegs
