"""Publishes a stream to another server: a thread that connects, sends, and connects again.

It reads like any other reader. Where the server is slower than the stream, the thread waits in its socket and
the reader loses whole groups of pictures; the stream does not notice.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import av

from relaycore._relaycore import AccessUnit, Track
from relaycore.decoding import can_decode, open_video_decoder
from relaycore.errors import SourceError
from relaycore.language import Message, message_of
from relaycore.paths.backoff import Backoff
from relaycore.paths.decoding_times import ReorderedMore
from relaycore.paths.remux import Remux
from relaycore.settings import masked
from relaycore.unit_pump import UnitPump

__all__ = ["Forward", "ForwardStatus"]

_log = logging.getLogger(__name__)

JOIN_S: Final = 1.0
"""Seconds that the thread gets to say goodbye, before the connection is ended by force."""

WELL_S: Final = 10.0
"""A connection that lasted so long did work: what ends it is its first failure."""

USUAL_REORDERED: Final = 2
"""Places by which encoders reorder pictures, where they do it at all."""

MOST_REORDERED: Final = 16
"""Places by which pictures can be reordered in H.264 and H.265."""


@dataclass(frozen=True, slots=True)
class ForwardStatus:
    """How a forward does: where to, without password, in which state, and what went wrong last."""

    target: str
    state: Literal["connecting", "live", "failed"]
    error: str | None
    discarded: int
    """Access units that were not sent, because the server was too slow."""


class Forward:
    """From its making until ``stop``, or until the stream ends. All methods in the loop.

    ``failed`` is called in the loop with target and reason, once for tries that fail alike.
    """

    def __init__(self, url: str, pump: UnitPump, failed: Callable[[str, str], None]) -> None:
        self.target = masked(url)
        self._pump = pump
        self._loop = asyncio.get_running_loop()
        self._failed = failed
        self._sending = _Sending(url, self._pump, self._tell)
        self._thread = threading.Thread(target=self._sending.run, name="relaycore-forward", daemon=True)
        self._thread.start()

    def status(self) -> ForwardStatus:
        """How it does."""
        error = self._sending.error
        state: Literal["connecting", "live", "failed"] = "connecting" if error is None else "failed"
        if self._sending.connected:
            state = "live"
        return ForwardStatus(self.target, state, error, self._pump.discarded)

    async def stop(self) -> None:
        """Says goodbye to the server."""
        self._pump.stop()
        await asyncio.to_thread(self._thread.join, JOIN_S)
        self._sending.kill()

    def _tell(self, reason: str) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._failed, self.target, reason)


class _Sending:
    """What the thread does."""

    def __init__(self, url: str, pump: UnitPump, tell: Callable[[str], None]) -> None:
        self.connected = False
        self.error: str | None = None
        self._url, self._pump, self._tell = url, pump, tell
        self._tracks = pump.tracks
        self._main = next((n for n, track in enumerate(self._tracks) if track.kind == "video"), 0)
        self._depths: dict[int, int] = {}
        self._remux: Remux | None = None
        self._backoff = Backoff()
        self._again_at = 0.0
        self._connected_at: float | None = None

    def kill(self) -> None:
        """Ends the connection, if it hangs; from any thread."""
        remux = self._remux
        if remux is not None:
            remux.kill()

    def run(self) -> None:
        try:
            for batch in self._pump.batches():
                for unit in batch:
                    if self._pump.stopping:
                        break
                    self._send(unit)
        except Exception:
            _log.exception("forwarding ended", extra={"target": masked(self._url)})
        finally:
            self._pump.close()
            self._disconnect()

    def _send(self, unit: AccessUnit) -> None:
        try:
            if self._remux is None:
                # Meanwhile what comes is left out: the server would get it late.
                if time.monotonic() < self._again_at or not self._starts(unit):
                    return
                self._remux = Remux(self._url, self._tracks, self._size(unit), self._depths)
                self._connected_at = time.monotonic()
            self._remux.write(unit)
            self.connected = True
        except ReorderedMore as more:
            self._disconnect()
            if more.depth > MOST_REORDERED:
                self._fail(
                    Message("{url} cannot be sent pictures whose times make no sense.", url=masked(self._url))
                )
            self._depths[unit.track] = more.depth
        except SourceError as error:
            self._disconnect()
            self._fail(message_of(error))

    def _fail(self, reason: str) -> None:
        if self._connected_at is not None and time.monotonic() - self._connected_at > WELL_S:
            self._backoff.reset()
        self._connected_at = None
        self._again_at = time.monotonic() + self._backoff.wait_s()
        if reason != self.error:
            self.error = reason
            self._tell(reason)

    def _disconnect(self) -> None:
        remux, self._remux = self._remux, None
        self.connected = False
        if remux is not None:
            remux.close()

    def _starts(self, unit: AccessUnit) -> bool:
        return unit.track == self._main and unit.random_access

    def _size(self, unit: AccessUnit) -> tuple[int, int]:
        """Width and height, which headers hold and only the decoder knows."""
        track: Track = self._tracks[self._main]
        if track.kind != "video" or not can_decode(track):
            return 0, 0
        decoder = open_video_decoder(track)
        packet = av.Packet(unit.data)
        packet.pts = packet.dts = unit.pts
        try:
            decoder.decode(packet)
            decoder.decode(None)
        except (av.FFmpegError, ValueError) as error:
            raise SourceError(
                Message("{url} gets nothing: the picture cannot be read.", url=masked(self._url))
            ) from error
        if decoder.has_b_frames:
            # What the sequence says; should it be wrong, the first picture that does not fit tells.
            self._depths.setdefault(self._main, USUAL_REORDERED)
        return decoder.width, decoder.height
