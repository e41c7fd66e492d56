"""Decoded pictures, made small: which of the camera's pictures is it?

The camera repeats two seconds of FFmpeg's `testsrc`, in which each picture differs from all others.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from tests.support.processes import first_bytes, run
from tests.windows.wine import CAMERA_FILES

__all__ = ["Pictures", "camera_pictures", "number_of", "play", "play_gstreamer", "reader"]

Pictures = npt.NDArray[np.int16]
"""Grey pictures as (number, height, width)."""

WIDTH, HEIGHT = 160, 90

SMALL = [
    "-fps_mode",
    "passthrough",
    "-vf",
    f"scale={WIDTH}:{HEIGHT},format=gray",
    "-f",
    "rawvideo",
    "-flush_packets",
    "1",
]
"""Options of ffmpeg: every decoded picture, none twice, at once."""

ALIKE = 4.0
"""Steps of 255 by which an encoded picture may be off, on average."""


def camera_pictures(size: tuple[int, int]) -> Pictures:
    """All that the camera shows in this size."""
    frames = CAMERA_FILES / f"{size[0]}x{size[1]}.mjpeg"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(frames), *SMALL, "-"]
    return _pictures(subprocess.run(command, capture_output=True, check=True).stdout)


def play(url: str, transport: str, pictures: int, output: Path, limit: float = 90.0) -> Pictures:
    """Play so many pictures with ffmpeg, in ``limit`` seconds at most."""
    source = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", transport, "-i", url]
    run([*source, "-frames:v", str(pictures), *SMALL, output], limit=limit)
    return _pictures(output.read_bytes())


def play_gstreamer(url: str, transport: str, pictures: int, output: Path, limit: float = 90.0) -> Pictures:
    """Play so many pictures with GStreamer, in ``limit`` seconds at most."""
    source = f"rtspsrc location={url} protocols={transport} latency=200 ! rtph264depay ! h264parse"
    small = f"videoscale ! videoconvert ! video/x-raw,format=GRAY8,width={WIDTH},height={HEIGHT}"
    command = ["gst-launch-1.0", "--quiet", *f"{source} ! avdec_h264 ! {small} ! fdsink".split()]
    output.mkdir()
    return _pictures(first_bytes(command, pictures * WIDTH * HEIGHT, output, limit))


@contextmanager
def reader(url: str) -> Iterator[Iterator[Pictures]]:
    """A player that goes on playing over TCP: its pictures, as they come."""
    source = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-rtsp_transport", "tcp", "-i", url]
    with subprocess.Popen([*source, *SMALL, "-"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as player:
        assert player.stdout is not None
        try:
            yield _each(player.stdout)
        finally:
            player.kill()


def number_of(picture: Pictures, shown: Pictures, alike: float = ALIKE) -> int | None:
    """Which of the camera's pictures this one is, or None when it is another one."""
    off = np.abs(shown - picture).mean(axis=(1, 2))
    closest = int(off.argmin())
    return closest if off[closest] < alike else None


def _each(stream: IO[bytes]) -> Iterator[Pictures]:
    while len(data := stream.read(WIDTH * HEIGHT)) == WIDTH * HEIGHT:
        yield _pictures(data)[0]
    raise AssertionError("the player has ended")


def _pictures(data: bytes) -> Pictures:
    return np.frombuffer(data, np.uint8).reshape(-1, HEIGHT, WIDTH).astype(np.int16)
