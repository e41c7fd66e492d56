"""Small media files, made with PyAV."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

__all__ = ["FPS", "luma_of", "make_media"]

FPS = 25


def make_media(
    place: Path,
    *,
    video: str = "libx264",
    sound: str | None = None,
    frames: int = 25,
    size: tuple[int, int] = (64, 48),
    shade: int | None = None,
    pixels: str = "yuv420p",
    options: Mapping[str, str] | None = None,
) -> Path:
    """Grey pictures at 25 a second, each lighter than the last unless all have one ``shade``, and a tone."""
    width, height = size
    with av.open(str(place), "w") as container:
        picture = container.add_stream(video, rate=FPS, options=dict(options or {}))
        assert isinstance(picture, av.VideoStream)
        picture.width, picture.height, picture.pix_fmt = width, height, pixels
        picture.codec_context.gop_size = 5
        tone: av.AudioStream | None = None
        if sound is not None:
            added = container.add_stream(sound, rate=48_000 if sound != "pcm_mulaw" else 8_000)
            assert isinstance(added, av.AudioStream)
            added.layout = "mono"
            tone = added
        for number in range(frames):
            luma = shade if shade is not None else 20 + number * 200 // frames
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), luma, np.uint8), format="bgr24")
            frame = frame.reformat(format=pixels)
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(picture.encode(frame))
            if tone is not None:
                container.mux(tone.encode(_sound(tone, number)))
        container.mux(picture.encode(None))
        if tone is not None:
            container.mux(tone.encode(None))
    return place


def luma_of(frame: av.VideoFrame) -> float:
    """The mean of red, green and blue of a picture."""
    return float(frame.to_ndarray(format="rgb24").mean())


def _sound(stream: av.AudioStream, number: int) -> av.AudioFrame:
    rate = stream.codec_context.sample_rate
    samples = rate // FPS
    at = np.arange(number * samples, (number + 1) * samples) / rate
    wave = (8000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16)[np.newaxis]
    frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, number * samples, Fraction(1, rate)
    return frame
