"""Pictures over HTTP as programs that people have take them: curl, ffmpeg, mpv, GStreamer and OpenCV."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from relaycore.capture.strip import read_strip
from tests.interop.opencv import read_opencv
from tests.interop.players import SIZE
from tests.interop.recording import read_file
from tests.support.processes import first_bytes, run
from tests.support.server import Server

PICTURES = 10


def url(server: Server, target: str) -> str:
    host, port = server.address
    return f"http://{host}:{port}/cam/{target}"


def check(pictures: NDArray[np.uint8]) -> None:
    """That these are pictures of the pattern, taken one after the other, and not long ago."""
    read = [read_strip(picture.astype(np.float64).mean(axis=2)) for picture in pictures]
    found = [each for each in read if each is not None]
    assert len(found) == len(read) > 0
    counters = [counter for counter, _ in found]
    assert counters == sorted(set(counters))
    assert 0 <= time.time() * 1000 - found[-1][1] < 60_000


CURL = ("curl", "--silent", "--show-error")


def test_curl_takes_a_picture(server: Server, tmp_path: Path) -> None:
    place = tmp_path / "picture.jpg"
    target = url(server, "snapshot.jpg")
    head = run([*CURL, "--fail", "-D", "-", "-o", str(place), target])
    picture = cv2.imread(str(place))
    assert picture is not None
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    check(picture[np.newaxis].astype(np.uint8))
    tag = next(line.partition(" ")[2] for line in head.splitlines() if line.lower().startswith("etag:"))
    status = [*CURL, "-o", str(place), "-w", "%{http_code}", target]
    assert run([*status, "-H", f'If-None-Match: "x", {tag}']) in ("200", "304")
    assert run([*status, "--head"]) == "200"


def test_ffmpeg_plays_the_series(server: Server, tmp_path: Path) -> None:
    output = tmp_path / "ffmpeg.nut"
    source = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", url(server, "mjpeg")]
    raw = ["-frames:v", str(PICTURES), "-fps_mode", "passthrough", "-c:v", "rawvideo"]
    run([*source, *raw, output])
    check(read_file(output).pictures)


def test_mpv_plays_the_series(server: Server, tmp_path: Path) -> None:
    output = tmp_path / "mpv.nut"
    source = ["mpv", "--no-config", "--msg-level=all=error", f"--frames={PICTURES}", url(server, "mjpeg")]
    run([*source, f"--o={output}", "--of=nut", "--ovc=rawvideo", "--vf=format=rgb24"])
    check(read_file(output).pictures)


@pytest.mark.parametrize("width", [SIZE[0], 320])
def test_gstreamer_plays_the_series(server: Server, tmp_path: Path, width: int) -> None:
    height = SIZE[1] * width // SIZE[0]
    pipeline = (
        f"souphttpsrc location={url(server, f'mjpeg?width={width}')} is-live=true ! multipartdemux ! jpegdec "
        "! videoconvert ! video/x-raw,format=RGB ! fdsink"
    )
    command = ["gst-launch-1.0", "--quiet", *pipeline.split()]
    data = first_bytes(command, width * height * 3 * PICTURES, tmp_path, limit=45)
    pictures = np.frombuffer(data, np.uint8).reshape(PICTURES, height, width, 3)
    check(pictures)


def test_opencv_plays_the_series(server: Server) -> None:
    check(read_opencv(url(server, "mjpeg?fps=10"), PICTURES))
