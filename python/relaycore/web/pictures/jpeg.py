"""JPEG of decoded pictures (ITU-T T.81, JFIF colours), and out of streams that are JPEG already."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import av
from av.video.reformatter import VideoReformatter

from relaycore._relaycore import AccessUnit, Track, inspect_jpeg
from relaycore.capture.colour import colour_of
from relaycore.decoding import can_decode, open_video_decoder
from relaycore.errors import EncoderError
from relaycore.language import Message

__all__ = ["JpegEncoder", "decode_jpeg", "decode_newest", "newest_jpeg", "scaled_size", "video_track"]

QUANTISER: Final = 4
"""Of FFmpeg's 2 (best) to 31: what artefacts there are can be seen in a magnified picture only."""

MOST_DECODED: Final = 150
"""Pictures behind the random access point up to which the newest is decoded; beyond, the first is taken."""

_BT601: Final = 5
"""FFmpeg's SWS_CS_ITU601."""

_SWS_MATRIX: Final = {1: 1, 9: 9, 10: 9}
"""FFmpeg's SWS_CS_ of matrices of ITU-T H.273 that are not those of BT.601."""

_LIMITED, _FULL = 1, 2


def video_track(tracks: Sequence[Track]) -> int:
    """The number of the first track with pictures. EncoderError when there is none that can be decoded."""
    for number, track in enumerate(tracks):
        if track.kind == "video" and can_decode(track):
            return number
    raise EncoderError(Message("The stream has no pictures that can be made to JPEG."))


def newest_jpeg(units: Sequence[AccessUnit]) -> AccessUnit | None:
    """The newest whole picture of some of Motion JPEG; ``None`` when all are damaged."""
    return next((unit for unit in reversed(units) if _is_whole(unit.data)), None)


def decode_newest(track: Track, units: Sequence[AccessUnit]) -> tuple[av.VideoFrame, int]:
    """The newest picture of these access units of a track, and when it was taken by the engine's clock.

    One of them is a random access point. EncoderError when nothing can be decoded. Takes as long as decoding
    what is behind the newest random access point, so it is for a thread.
    """
    start = max((number for number, unit in enumerate(units) if unit.random_access), default=0)
    chosen = units[start:]
    if len(chosen) > MOST_DECODED:
        chosen = chosen[:1]
    decoder = open_video_decoder(track)
    captured = {unit.pts: unit.captured_ns for unit in chosen}
    newest: av.VideoFrame | None = None
    for unit in [*chosen, None]:
        packet = None
        if unit is not None:
            packet = av.Packet(unit.data)
            packet.pts = packet.dts = unit.pts
            packet.time_base = Fraction(1, track.clock_rate)
        try:
            frames = decoder.decode(packet)
        except (av.error.InvalidDataError, av.error.EOFError):
            continue  # one that lost packets; what is behind it may be whole
        newest = frames[-1] if frames else newest
    if newest is None:
        raise EncoderError(Message("The pictures cannot be decoded: they are damaged."))
    return newest, captured.get(newest.pts or 0, chosen[-1].captured_ns)


def decode_jpeg(data: bytes) -> av.VideoFrame:
    """The picture of a JPEG. EncoderError when it cannot be decoded."""
    try:
        frames = open_video_decoder(Track.jpeg()).decode(av.Packet(data))
    except av.FFmpegError:
        frames = []
    if not frames:
        raise EncoderError(Message("The picture cannot be decoded: it is damaged."))
    return frames[0]


def scaled_size(width: int, height: int, wanted: int | None) -> tuple[int, int]:
    """The even size of a picture that is to be ``wanted`` pixels wide: never larger than it is."""
    if wanted is not None and wanted < width:
        width, height = wanted, max(2, round(height * wanted / width))
    return max(2, width & ~1), max(2, height & ~1)


class JpegEncoder:
    """Encodes pictures, all of one size. Used by one thread at a time."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        try:
            context = av.CodecContext.create("mjpeg", "w")
            assert isinstance(context, av.VideoCodecContext)
            context.width, context.height = width, height
            context.pix_fmt = "yuvj420p"
            context.time_base = Fraction(1, 90_000)
            context.qmin = context.qmax = QUANTISER
            context.thread_count = 1  # more would hold pictures back
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(Message("FFmpeg cannot encode JPEG here ({error}).", error=error)) from error
        self._context = context
        # That of a frame would be shared by all threads that scale it.
        self._reformatter = VideoReformatter()
        self._pictures = 0

    def encode(self, frame: av.VideoFrame) -> bytes:
        """A JPEG of a picture of any size and format. EncoderError when it cannot be made."""
        colour = colour_of(frame)
        try:
            picture = self._reformatter.reformat(
                frame,
                *self.size,
                "yuvj420p",
                src_colorspace=_SWS_MATRIX.get(colour.matrix, _BT601),
                dst_colorspace=_BT601,
                src_color_range=_FULL if colour.full_range else _LIMITED,
                dst_color_range=_FULL,
            )
            picture.pts, picture.time_base = self._pictures, Fraction(1, 90_000)
            self._pictures += 1
            return b"".join(bytes(packet) for packet in self._context.encode(picture))
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(
                Message("The picture cannot be made to JPEG ({error}).", error=error)
            ) from error


def _is_whole(data: bytes) -> bool:
    try:
        return inspect_jpeg(data).complete
    except ValueError:
        return False
