"""Sound to AAC-LC at 48 kHz, in raw frames of 1024 samples (ISO/IEC 14496-3)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av

from relaycore.errors import EncoderError
from relaycore.language import Message

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["RATE", "AacEncoder", "AacFrame"]

RATE: Final = 48_000
"""Samples a second, and so the clock rate of the track."""

BITRATE: Final = {1: 80_000, 2: 128_000}
"""Bits per second by number of channels."""

_LAYOUT: Final = {1: "mono", 2: "stereo"}


@dataclass(frozen=True, slots=True)
class AacFrame:
    """One raw AAC frame. ``first_sample`` counts from the encoder's first sample.

    It is negative for the frame that only fills the decoder.
    """

    data: Buffer
    first_sample: int


class AacEncoder:
    """An AAC encoder with a resampler before it. Used by one thread. ``channels`` is 1 or 2."""

    def __init__(self, channels: int) -> None:
        self.channels = channels
        try:
            context = av.AudioCodecContext.create("aac", "w")
            context.sample_rate = RATE
            context.layout = _LAYOUT[channels]
            context.format = "fltp"
            context.bit_rate = BITRATE[channels]
            context.time_base = Fraction(1, RATE)
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(
                Message("FFmpeg cannot encode AAC here ({error}): use `--microphone none`.", error=error)
            ) from error
        self._context = context
        self._resampler: av.AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None
        self._samples = 0
        self._position = Fraction(0)

    @property
    def config(self) -> bytes:
        """The AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1)."""
        return bytes(self._context.extradata or b"")

    @property
    def position(self) -> int:
        """The number, at 48 kHz, of the next sample that is given.

        Some of those before it may still wait for a frame to be full.
        """
        return int(self._position)

    def encode(self, frame: av.AudioFrame) -> list[AacFrame]:
        """Encodes some samples of any format and rate; gives the frames that they complete."""
        frame.pts = None
        self._position += Fraction(frame.samples * RATE, frame.sample_rate)
        made: list[AacFrame] = []
        try:
            for piece in self._resampled(frame):
                piece.pts, piece.time_base = self._samples, Fraction(1, RATE)
                self._samples += piece.samples
                made += [AacFrame(packet, packet.pts or 0) for packet in self._context.encode(piece)]
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(
                Message("The AAC encoder failed ({error}): use `--microphone none`.", error=error)
            ) from error
        return made

    def _resampled(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or form != self._form:
            # A published stream may change them; the samples in between are fewer than those of one frame.
            size = self._context.frame_size
            self._resampler = av.AudioResampler("fltp", _LAYOUT[self.channels], RATE, frame_size=size)
            self._form = form
        return self._resampler.resample(frame)
