"""OpenCV as a player."""

from __future__ import annotations

import os
from unittest import mock

import cv2
import numpy as np

from tests.interop.recording import Pictures

__all__ = ["read_opencv"]


def read_opencv(url: str, limit: int, transport: str | None = None) -> Pictures:
    """The first pictures that OpenCV's VideoCapture decodes, in RGB; over RTSP by this transport."""
    options = {} if transport is None else {"OPENCV_FFMPEG_CAPTURE_OPTIONS": f"rtsp_transport;{transport}"}
    with mock.patch.dict(os.environ, options):
        capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)
    assert capture.isOpened()
    pictures: list[Pictures] = []
    while len(pictures) < limit:
        got, picture = capture.read()
        assert got, f"no picture after {len(pictures)}"
        pictures.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
    capture.release()
    return np.stack(pictures)
