"""Sound to AAC-LC (ISO/IEC 14496-3) in raw frames, or to Opus (RFC 6716), both at 48 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av

from relaycore.errors import EncoderError
from relaycore.language import Message

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["RATE", "AacEncoder", "OpusEncoder", "SoundEncoder", "SoundFrame"]

RATE: Final = 48_000
"""Samples a second, and so the clock rate of the track."""

AAC_BITRATE: Final = {1: 80_000, 2: 128_000}
OPUS_BITRATE: Final = {1: 48_000, 2: 96_000}
"""Bits per second by number of channels."""

_LAYOUT: Final = {1: "mono", 2: "stereo"}


@dataclass(frozen=True, slots=True)
class SoundFrame:
    """One encoded frame. ``first_sample`` counts from the encoder's first sample.

    It is negative for the frame that only fills the decoder.
    """

    data: Buffer
    first_sample: int


class SoundEncoder:
    """An encoder with a resampler before it. Used by one thread. ``channels`` is 1 or 2.

    ``remedy`` tells a person what to do when it does not work.
    """

    def __init__(self, context: av.AudioCodecContext, channels: int, name: str, remedy: str) -> None:
        self.channels = channels
        self._failed = f"The {name} encoder failed ({{}}): {remedy}."
        try:
            context.sample_rate = RATE
            context.layout = _LAYOUT[channels]
            context.time_base = Fraction(1, RATE)
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(
                Message(
                    "FFmpeg cannot encode {name} here ({error}): {remedy}.",
                    name=name,
                    error=error,
                    remedy=remedy,
                )
            ) from error
        self._context = context
        self._resampler: av.AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None
        self._samples = 0
        self._position = Fraction(0)

    @property
    def position(self) -> int:
        """The number, at 48 kHz, of the next sample that is given.

        Some of those before it may still wait for a frame to be full.
        """
        return int(self._position)

    def encode(self, frame: av.AudioFrame) -> list[SoundFrame]:
        """Encodes some samples of any format and rate; gives the frames that they complete."""
        frame.pts = None
        self._position += Fraction(frame.samples * RATE, frame.sample_rate)
        made: list[SoundFrame] = []
        try:
            for piece in self._resampled(frame):
                piece.pts, piece.time_base = self._samples, Fraction(1, RATE)
                self._samples += piece.samples
                made += [SoundFrame(packet, packet.pts or 0) for packet in self._context.encode(piece)]
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
            self._resampler = av.AudioResampler(
                self._context.format, _LAYOUT[self.channels], RATE, frame_size=size
            )
            self._form = form
        return self._resampler.resample(frame)


class AacEncoder(SoundEncoder):
    """AAC-LC in frames of 1024 samples."""

    def __init__(self, channels: int) -> None:
        context = _create("aac", "AAC")
        context.format = "fltp"
        context.bit_rate = AAC_BITRATE[channels]
        super().__init__(context, channels, "AAC", "use `--microphone none`")

    @property
    def config(self) -> bytes:
        """The AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1)."""
        return bytes(self._context.extradata or b"")


class OpusEncoder(SoundEncoder):
    """Opus in frames of 20 ms, as WebRTC has it (RFC 7587)."""

    def __init__(self, channels: int) -> None:
        context = _create("libopus", "Opus")
        context.format = "flt"
        context.bit_rate = OPUS_BITRATE[channels]
        super().__init__(context, channels, "Opus", "install another build of PyAV")


def _create(encoder: str, name: str) -> av.AudioCodecContext:
    try:
        context = av.AudioCodecContext.create(encoder, "w")
    except (av.FFmpegError, ValueError) as error:
        raise EncoderError(
            Message("FFmpeg has no encoder for {name} here: install another build of PyAV.", name=name)
        ) from error
    assert isinstance(context, av.AudioCodecContext)
    return context
