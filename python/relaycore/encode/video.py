"""Pictures to H.264 that any player opens.

Planar 4:2:0, no B-frames, no delay, parameter sets before each IDR picture, a rate that is held over half a
second, and a VUI (H.264 Annex E) that tells range and colours as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from relaycore.capture.colour import Colour
from relaycore.capture.ffmpeg_log import captured_log
from relaycore.encode.profiles import EncoderProfile
from relaycore.errors import EncoderError
from relaycore.language import Message

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["AccessUnit", "EncoderFailed", "VideoEncoder", "VideoFormat", "parameter_sets"]

CLOCK_RATE: Final = 90_000
"""Ticks a second of the media time of video (RFC 6184 §8.1)."""

VBV_SECONDS: Final = 0.5
"""The rate holds over this time, so no picture is larger than this share of a second's bits."""

_PARAMETER_SETS: Final = (7, 8)
"""Types of the NAL units that hold a sequence's and a picture's parameters (H.264 Table 7-1)."""


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What is to be encoded, and into how many bits per second. ``gop`` is in seconds."""

    width: int
    height: int
    fps: float
    colour: Colour
    bitrate: int
    gop: float = 1.0


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One encoded picture in Annex B format. ``data`` is FFmpeg's own buffer, which is not copied."""

    data: Buffer
    pts: int
    random_access: bool


class EncoderFailed(EncoderError):
    """An encoder that FFmpeg has did not work. ``reason`` is what FFmpeg said, without advice."""

    def __init__(self, what: str, reason: str, advice: str) -> None:
        super().__init__(f"{what} ({reason}): {advice}.")
        self.reason = reason


class VideoEncoder:
    """An encoder for pictures of one size. Used by one thread.

    EncoderError when FFmpeg does not have it, or when it cannot be opened with this format.
    """

    def __init__(self, profile: EncoderProfile, form: VideoFormat) -> None:
        self.profile, self.format = profile, form
        self._shape = (form.height * 3 // 2, form.width)
        self._context = _open(profile, form)

    def encode(self, buffer: Buffer, pts: int, *, force_key_frame: bool) -> list[AccessUnit]:
        """Encodes a picture of planar 4:2:0, which is not copied and must not change meanwhile.

        ``pts`` is in ticks of 1/90000 s and rises. Gives the access units that are ready: exactly one from an
        encoder that has no delay.
        """
        pixels: NDArray[np.uint8] = np.frombuffer(memoryview(buffer), np.uint8).reshape(self._shape)
        return self._encode(av.VideoFrame.from_numpy_buffer(pixels, "yuv420p"), pts, force_key_frame)

    def encode_frame(self, frame: av.VideoFrame, pts: int, *, force_key_frame: bool) -> list[AccessUnit]:
        """Encodes a frame of any format of PyAV, which is converted to the encoder's format and size.

        Its own times and picture type are not looked at.
        """
        full = self.format.colour.full_range
        source_full = frame.format.name.startswith("yuvj") or frame.color_range == _RANGE[True]
        converted = frame.reformat(
            width=self.format.width,
            height=self.format.height,
            format="yuv420p",
            src_color_range=_RANGE[source_full],
            dst_color_range=_RANGE[full],
        )
        return self._encode(converted, pts, force_key_frame)

    def flush(self) -> list[AccessUnit]:
        """The access units that an encoder with delay still holds. Nothing can be encoded afterwards."""
        return self._run(None)

    def _encode(self, frame: av.VideoFrame, pts: int, force_key_frame: bool) -> list[AccessUnit]:
        if self.profile.pixel_format != "yuv420p":
            frame = frame.reformat(format=self.profile.pixel_format)
        colour = self.format.colour
        frame.color_range = _RANGE[colour.full_range]
        frame.colorspace = colour.matrix
        frame.pts, frame.time_base = pts, Fraction(1, CLOCK_RATE)
        # A decoded JPEG says that it is an I picture, and an encoder takes that for an order.
        frame.pict_type = PictureType.I if force_key_frame else PictureType.NONE
        return self._run(frame)

    def _run(self, frame: av.VideoFrame | None) -> list[AccessUnit]:
        try:
            packets = self._context.encode(frame)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise EncoderFailed(
                f"The encoder {self.profile.name} failed",
                getattr(error, "strerror", None) or str(error),
                "choose another one, like libx264",
            ) from error
        return [AccessUnit(packet, packet.pts or 0, packet.is_keyframe) for packet in packets]


_RANGE: Final = {False: 1, True: 2}
"""FFmpeg's numbers for limited and full range."""


def parameter_sets(encoder: VideoEncoder) -> bytes:
    """The parameter sets that an encoder of this kind and format will send, in Annex B format.

    They come from a picture that a second encoder makes; empty when that one gives none at once.
    """
    form = encoder.format
    grey = np.full(form.width * form.height * 3 // 2, 128, np.uint8)
    units = VideoEncoder(encoder.profile, form).encode(grey.data, 0, force_key_frame=True)
    wanted = (
        nal for unit in units for nal in _nal_units(bytes(unit.data)) if nal[0] & 0x1F in _PARAMETER_SETS
    )
    return b"".join(b"\0\0\0\1" + nal for nal in wanted)


def _nal_units(data: bytes) -> Iterator[bytes]:
    """The NAL units between the start codes of a byte stream (H.264 Annex B)."""
    for piece in data.split(b"\0\0\1"):
        nal = piece.rstrip(b"\0")
        if nal:
            yield nal


def _open(profile: EncoderProfile, form: VideoFormat) -> av.VideoCodecContext:
    try:
        codec = av.Codec(profile.name, "w")
        context = av.CodecContext.create(codec, "w")
    except (av.FFmpegError, ValueError) as error:
        raise EncoderError(
            Message(
                "FFmpeg has no encoder {name} here: leave the choice to `auto`, or use libx264.",
                name=repr(profile.name),
            )
        ) from error
    if codec.canonical_name != "h264" or not isinstance(context, av.VideoCodecContext):
        raise EncoderError(
            Message(
                "{name} does not encode H.264: leave the choice to `auto`, or use libx264.",
                name=repr(profile.name),
            )
        )
    rate = Fraction(form.fps).limit_denominator(1001)
    context.width, context.height = form.width, form.height
    context.pix_fmt = profile.pixel_format
    context.time_base, context.framerate = Fraction(1, CLOCK_RATE), rate
    context.bit_rate = form.bitrate
    context.gop_size = max(1, round(form.fps * form.gop))
    context.max_b_frames = 0
    context.color_range = _RANGE[form.colour.full_range]
    context.colorspace = form.colour.matrix
    context.color_primaries = form.colour.primaries
    context.color_trc = form.colour.transfer
    context.profile = "Main"
    # Each slice or frame thread would add a delay or a loss of quality; one thread carries 1080p at 30 fps.
    context.thread_count = 1
    context.options = {
        **profile.options,
        "maxrate": str(form.bitrate),
        "bufsize": str(round(form.bitrate * VBV_SECONDS)),
    }
    with captured_log() as log:
        try:
            context.open()
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = log.last_error() or getattr(error, "strerror", None) or error
            raise EncoderFailed(
                f"The encoder {profile.name} cannot encode {form.width}x{form.height} here",
                str(reason),
                "leave the choice to `auto`, or use libx264",
            ) from error
    return context
