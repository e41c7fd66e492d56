"""Encodes the pictures that a program publishes."""

from __future__ import annotations

from fractions import Fraction

import av

from relaycore._relaycore import Stream, now_ns
from relaycore.encode.video import VideoEncoder
from relaycore.errors import EncoderError
from relaycore.settings import CameraSettings

__all__ = ["FrameEncoder"]

CLOCK_RATE = 90_000
"""Ticks per second of the media time of video (RFC 6184 section 5.1)."""

USUAL_FPS = 30
"""What the rate control is told where the program does not say."""


class FrameEncoder:
    """H.264 for one track of a stream. The first picture decides the size."""

    def __init__(self, track: int, settings: CameraSettings, first: av.VideoFrame) -> None:
        self._track = track
        self._size = (first.width, first.height)
        fps = Fraction(settings.fps or USUAL_FPS).limit_denominator(1001)
        self._encoder = VideoEncoder(settings, first.width, first.height, fps)
        self._last_pts = -1

    def write(self, stream: Stream, frame: av.VideoFrame, captured_ns: int, taken_ns: int) -> int:
        """Encodes and publishes one picture; returns the number of RTP packets."""
        if (frame.width, frame.height) != self._size:
            width, height = self._size
            raise EncoderError(
                f"The picture has {frame.width}x{frame.height} pixels and the stream {width}x{height}: "
                "resize it, or publish another path."
            )
        # Two pictures of one moment still need two timestamps.
        pts = max(captured_ns * CLOCK_RATE // 1_000_000_000, self._last_pts + 1)
        self._last_pts = pts
        picture = frame if frame.format.name == "yuv420p" else frame.reformat(format="yuv420p")
        picture.pts = pts
        picture.time_base = Fraction(1, CLOCK_RATE)
        packets = 0
        for data in self._encoder.encode(picture, stream.key_frame_wanted()):
            packets += stream.write(
                self._track,
                data,
                pts=pts,
                captured_ns=captured_ns,
                taken_ns=taken_ns,
                encoded_ns=now_ns(),
            )
        return packets

    def close(self) -> None:
        """Gives the encoder back."""
        self._encoder.close()
