"""The sound of a stream by itself, in a codec that browsers play: PATH/opus and PATH/aac, while wanted.

It has the clock of what it is made of: media time counts from the same zero, and follows the times of the
samples, slewed, never stepped but where sound is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

import av

from relaycore._relaycore import AccessUnit, Stream, Track
from relaycore.decoding import can_decode, open_sound_decoder
from relaycore.encode.audio import AacEncoder, OpusEncoder
from relaycore.paths.host import StreamMaker
from relaycore.pipeline.sound_writer import SoundWriter
from relaycore.unit_pump import UnitPump

__all__ = ["SoundWork", "sound_of"]

SECOND: Final = 1_000_000_000


def sound_of(tracks: Sequence[Track]) -> int | None:
    """The number of the first track of sound that can be decoded."""
    return next((n for n, track in enumerate(tracks) if track.kind == "audio" and can_decode(track)), None)


class SoundWork:
    """Decodes the first sound of a stream and encodes it anew: the work of a rendition.

    ``codec`` is ``opus`` or ``aac``.
    """

    def __init__(
        self,
        codec: str,
        path: str,
        pump: UnitPump,
        add_stream: StreamMaker,
        on_stream: Callable[[Stream], None],
    ) -> None:
        self._codec, self._path = codec, path
        self._pump = pump
        self._add_stream, self._on_stream = add_stream, on_stream

    def run(self) -> None:
        """Until the stream ends or is left. EncoderError when it cannot be decoded or encoded."""
        tracks = self._pump.tracks
        number = sound_of(tracks)
        assert number is not None
        source = tracks[number]
        decoder = open_sound_decoder(source)
        writer = self._begin(source)
        for batch in self._pump.batches():
            for unit in batch:
                if self._pump.stopping:
                    return
                if unit.track == number:
                    _write(writer, decoder, unit, source.clock_rate)

    def close(self) -> None:
        """Nothing is left open."""

    def _begin(self, source: Track) -> SoundWriter:
        channels = 2 if source.channels > 1 else 1
        encoder: AacEncoder | OpusEncoder
        if self._codec == "aac":
            encoder = AacEncoder(channels)
            track = Track.aac(encoder.config)
        else:
            encoder = OpusEncoder(channels)
            track = Track.of("opus", channels=channels)
        stream = self._add_stream(self._path, [track], "wait", can_force_key_frames=False)
        self._on_stream(stream)
        return SoundWriter(stream, 0, encoder)


def _write(writer: SoundWriter, decoder: av.AudioCodecContext, unit: AccessUnit, rate: int) -> None:
    heard_ns = unit.pts * SECOND // rate
    packet = av.Packet(unit.data)
    packet.pts = packet.dts = unit.pts
    packet.time_base = Fraction(1, rate)
    try:
        frames = decoder.decode(packet)
    except av.error.InvalidDataError:
        return  # a block that lost a packet
    for frame in frames:
        writer.write(frame, heard_ns)
        heard_ns += frame.samples * SECOND // frame.sample_rate
