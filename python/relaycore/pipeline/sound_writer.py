"""Encodes sound and writes it, on the clock of the pictures."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import av

from relaycore._relaycore import Stream, now_ns
from relaycore.encode.audio import RATE, SoundEncoder
from relaycore.pipeline.media_time import SampleTime

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["SoundWriter"]


class SoundWriter:
    """One track of sound of a stream. Used by one thread.

    ``also`` is a second stream to which the same is written, as long as it is set; from any thread.
    """

    def __init__(self, stream: Stream, track: int, encoder: SoundEncoder) -> None:
        self._stream, self._track = stream, track
        self.also: Stream | None = None
        self._encoder = encoder
        self._time = SampleTime(RATE)
        self._last_pts = -1

    def write(self, samples: av.AudioFrame, captured_ns: int) -> None:
        """Encodes a block whose first sample was heard at ``captured_ns``, by the engine's clock."""
        received_ns = now_ns()
        self._time.heard(self._encoder.position, captured_ns)
        for frame in self._encoder.encode(samples):
            heard_ns = self._time.at(frame.first_sample)
            pts = max(self._last_pts + 1, heard_ns * RATE // 1_000_000_000)
            self._last_pts = pts
            self._write(self._stream, frame.data, pts, heard_ns, received_ns)
            also = self.also
            if also is not None:
                # It may have been ended in this moment.
                with contextlib.suppress(RuntimeError):
                    self._write(also, frame.data, pts, heard_ns, received_ns)

    def _write(self, stream: Stream, data: Buffer, pts: int, heard_ns: int, received_ns: int) -> None:
        stream.write(
            self._track,
            data,
            pts=pts,
            captured_ns=max(0, heard_ns),
            received_ns=received_ns,
            encoded_ns=now_ns(),
            random_access=True,
        )
