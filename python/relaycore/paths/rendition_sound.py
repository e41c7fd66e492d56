"""The sound of a rendition: as it is where every player opens it, else AAC."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, Self

import av

from relaycore._relaycore import AccessUnit, Stream, Track
from relaycore.decoding import can_decode, open_sound_decoder
from relaycore.encode.audio import AacEncoder
from relaycore.pipeline.sound_writer import SoundWriter

__all__ = ["RenditionSound"]

SECOND: Final = 1_000_000_000

PLAYED_BY_ALL: Final = frozenset({"aac", "pcmu", "pcma"})
"""Codecs that VLC, browsers' players and recorders open."""


class RenditionSound:
    """Writes the first sound of a stream to a track of another. Used by one thread."""

    def __init__(self, source: Track) -> None:
        self._rate = source.clock_rate
        self._decoder: av.AudioCodecContext | None = None
        self._encoder: AacEncoder | None = None
        self._writer: SoundWriter | None = None
        self._stream: Stream | None = None
        self._number = 0
        self.track = source
        """The track of the rendition."""
        if source.codec not in PLAYED_BY_ALL:
            self._decoder = open_sound_decoder(source)
            self._encoder = AacEncoder(2 if source.channels > 1 else 1)
            self.track = Track.aac(self._encoder.config)

    @classmethod
    def of(cls, tracks: Sequence[Track]) -> Self | None:
        """The sound of a stream; ``None`` when it has none that can be decoded."""
        sounds = [track for track in tracks if track.kind == "audio"]
        if not sounds or not (sounds[0].codec in PLAYED_BY_ALL or can_decode(sounds[0])):
            return None
        return cls(sounds[0])

    def begin(self, stream: Stream, number: int) -> None:
        """From now on it is written to this track of a stream."""
        self._stream, self._number = stream, number
        if self._encoder is not None:
            self._writer = SoundWriter(stream, number, self._encoder)

    def write(self, unit: AccessUnit) -> None:
        """Writes an access unit of the source."""
        assert self._stream is not None
        heard_ns = unit.pts * SECOND // self._rate
        if self._writer is None or self._decoder is None:
            # Sound that is not what its track says is not made whole by ending the picture.
            with contextlib.suppress(ValueError):
                self._stream.write(
                    self._number, unit.data, pts=unit.pts, captured_ns=heard_ns, random_access=True
                )
            return
        packet = av.Packet(unit.data)
        packet.pts = packet.dts = unit.pts
        packet.time_base = Fraction(1, self._rate)
        try:
            frames = self._decoder.decode(packet)
        except av.error.InvalidDataError:
            return  # a block that lost a packet
        for frame in frames:
            self._writer.write(frame, heard_ns)
            heard_ns += frame.samples * SECOND // frame.sample_rate
