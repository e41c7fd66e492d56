"""Puts decoded frames into the buffers that encoders read: planar 4:2:0 of even size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import av

if TYPE_CHECKING:
    from relaycore._relaycore import FrameBuffer

__all__ = ["fill_from_frame"]

_FULL: Final = 2
_LIMITED: Final = 1
_PLANAR_420: Final = ("yuv420p", "yuvj420p")
_PLANAR_422: Final = ("yuv422p", "yuvj422p")
_PROBE: Final = 64
"""Pixels, a multiple of what one sample of chroma covers in any format."""


def fill_from_frame(buffer: FrameBuffer, frame: av.VideoFrame, *, full_range: bool) -> int:
    """Copies a frame into a buffer, in full or limited range.

    A frame that is up to one pixel wider or higher is cut, any other is scaled. What webcams deliver goes a
    short way; the rest through FFmpeg's scaler. Gives how many pixels of the buffer what was at one place of
    the frame may be away from it now, beyond its own block of 2 x 2: 0 on the short way.
    """
    same_size = (frame.width & ~1, frame.height & ~1) == (buffer.width, buffer.height)
    name = frame.format.name
    is_full = name.startswith("yuvj") or frame.color_range == _FULL
    if same_size and is_full == full_range:
        if name in _PLANAR_422:
            y, u, v = frame.planes
            buffer.fill_from_422(y, u, v, y.line_size, u.line_size, v.line_size)
            return _spread_of_cut(frame)
        if name == "yuyv422":
            plane = frame.planes[0]
            buffer.fill_from_yuyv(plane, plane.line_size)
            return _spread_of_cut(frame)
    spread = _spread_of_cut(frame)
    if not (same_size and is_full == full_range and name in _PLANAR_420):
        spread = _spread_of_scaler(frame, buffer)
        frame = frame.reformat(
            width=buffer.width,
            height=buffer.height,
            format="yuv420p",
            src_color_range=_FULL if is_full else _LIMITED,
            dst_color_range=_FULL if full_range else _LIMITED,
        )
    y, u, v = frame.planes
    buffer.fill_from_420(y, u, v, y.line_size, u.line_size, v.line_size)
    return spread


def _spread_of_cut(frame: av.VideoFrame) -> int:
    """A picture that loses its last row or column is that much smaller, and fractions of it move."""
    return 2 if frame.width % 2 or frame.height % 2 else 0


def _spread_of_scaler(frame: av.VideoFrame, buffer: FrameBuffer) -> int:
    """FFmpeg's scaler mixes neighbouring samples of chroma, each of which covers pixels of its own."""
    across = frame.format.chroma_width(_PROBE) or _PROBE
    down = frame.format.chroma_height(_PROBE) or _PROBE
    covers = max(2, _PROBE // across, _PROBE // down)
    return 2 * covers * math.ceil(max(1, buffer.width / frame.width, buffer.height / frame.height))
