"""Players that open a URL over TCP and decode a few pictures: the question is whether one gets in.

Each raises AssertionError when it does not get in.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import cv2

from tests.interop.players import CLIENTS
from tests.support.processes import first_bytes, run

__all__ = ["OPENERS"]

PICTURES = 5
"""Pictures to decode."""


def open_with_ffmpeg(url: str) -> None:
    """Debian's ffmpeg."""
    source = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url]
    run([*source, "-an", "-frames:v", str(PICTURES), "-f", "null", "-"])


def open_with_mpv(url: str) -> None:
    """The player mpv, without a window."""
    quiet = ["mpv", "--no-config", "--msg-level=all=error", "--vo=null", "--no-audio"]
    run([*quiet, "--rtsp-transport=tcp", f"--frames={PICTURES}", url])


def open_with_gstreamer(url: str) -> None:
    """GStreamer's rtspsrc."""
    decoder = "rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! videoscale"
    pixels = "video/x-raw,format=GRAY8,width=64,height=64 ! fdsink"
    pipeline = f"rtspsrc location={url} protocols=tcp ! {decoder} ! {pixels}"
    with tempfile.TemporaryDirectory() as directory:
        first_bytes(["gst-launch-1.0", "--quiet", *pipeline.split()], PICTURES * 64 * 64, Path(directory))


def open_with_opencv(url: str) -> None:
    """OpenCV's VideoCapture, which prefers TCP by itself."""
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)
    try:
        for number in range(PICTURES):
            assert capture.read()[0], f"OpenCV got {number} pictures of {url}"
    finally:
        capture.release()


def open_with_pyav(url: str) -> None:
    """PyAV, with an FFmpeg that is years newer than Debian's."""
    try:
        with av.open(url, options={"rtsp_transport": "tcp"}) as container:
            pictures = container.decode(video=0)
            for _ in range(PICTURES):
                next(pictures)
    except av.FFmpegError as error:
        raise AssertionError(f"PyAV does not open {url}") from error


def open_with_retina(url: str) -> None:
    """A client made for IP cameras; it does not decode."""
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "retina.h264"
        run([CLIENTS / "play-retina", "tcp", url, str(PICTURES), output])


OPENERS: dict[str, Callable[[str], None]] = {
    "ffmpeg": open_with_ffmpeg,
    "mpv": open_with_mpv,
    "gstreamer": open_with_gstreamer,
    "opencv": open_with_opencv,
    "pyav": open_with_pyav,
    "retina": open_with_retina,
}
