"""Encodes the pictures that a program publishes."""

from __future__ import annotations

import av

from relaycore._relaycore import Stream, now_ns
from relaycore.capture.colour import JPEG, Colour, colour_of
from relaycore.encode.choose import choose_encoder
from relaycore.encode.profiles import default_bitrate
from relaycore.encode.video import CLOCK_RATE, VideoEncoder, VideoFormat
from relaycore.errors import EncoderError
from relaycore.language import Message
from relaycore.settings import CameraSettings

__all__ = ["FrameEncoder"]

USUAL_FPS = 30.0
"""What the rate control is told where the program does not say."""


class FrameEncoder:
    """H.264 for one track of a stream. The first picture decides the size."""

    def __init__(self, track: int, settings: CameraSettings, first: av.VideoFrame) -> None:
        self._track = track
        self._size = (first.width, first.height)
        # 4:2:0 has no odd sizes: the encoder scales the last row or column away.
        width, height = first.width & ~1, first.height & ~1
        fps = settings.fps or USUAL_FPS
        bitrate = settings.bits_per_second or default_bitrate(width, height, fps)
        form = VideoFormat(width, height, fps, _colour(first, settings), bitrate, settings.gop_seconds)
        self._encoder = VideoEncoder(choose_encoder(settings.encoder, form).profile, form)
        self._last_pts = -1

    def write(self, stream: Stream, frame: av.VideoFrame, captured_ns: int, taken_ns: int) -> int:
        """Encodes and publishes one picture; returns the number of RTP packets."""
        if (frame.width, frame.height) != self._size:
            width, height = self._size
            raise EncoderError(
                Message(
                    "The picture has {width}x{height} pixels and the stream {width_2}x{height_2}: "
                    "resize it, or publish another path.",
                    width=frame.width,
                    height=frame.height,
                    width_2=width,
                    height_2=height,
                )
            )
        # Two pictures of one moment still need two timestamps.
        pts = max(captured_ns * CLOCK_RATE // 1_000_000_000, self._last_pts + 1)
        self._last_pts = pts
        packets = 0
        for unit in self._encoder.encode_frame(frame, pts, force_key_frame=stream.key_frame_wanted()):
            packets += stream.write(
                self._track,
                unit.data,
                pts=unit.pts,
                captured_ns=captured_ns,
                taken_ns=taken_ns,
                encoded_ns=now_ns(),
                random_access=unit.random_access,
            )
        return packets


def _colour(frame: av.VideoFrame, settings: CameraSettings) -> Colour:
    """What the numbers mean: as in the frame, or as in a JPEG where it is red, green and blue, or grey."""
    colour = colour_of(frame) if frame.format.name.startswith(("yuv", "nv")) else JPEG
    return colour.with_range(full=False) if settings.pixel_range == "limited" else colour
