"""One source that FFmpeg reads: a thread that opens it, gives its access units, and opens it again."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol

from relaycore._relaycore import Track, now_ns
from relaycore.capture.media import Timeline
from relaycore.errors import SourceError
from relaycore.language import Message, message_of
from relaycore.paths.backoff import Backoff
from relaycore.paths.demux import Demuxed, Demuxer
from relaycore.paths.media_clock import LiveClock
from relaycore.paths.medium import Medium, open_medium
from relaycore.settings import masked

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Feed", "FeedSink", "Unit"]

_log = logging.getLogger(__name__)

SECOND: Final = 1_000_000_000

SETTLE_NS: Final = 200_000_000
"""How long a live source is listened to before its smallest delay is believed."""

WELL_NS: Final = 10 * SECOND
"""A source that lasted so long did work: what ends it is its first failure."""

GAP_NS: Final = 10 * SECOND
"""Times of a file that jump by more than this are joined: nobody waits through a hole in a recording."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An access unit of a source, with the number of its track and its media time by the engine's clock."""

    track: int
    data: Buffer
    media_ns: int
    random_access: bool


class FeedSink(Protocol):
    """Takes what a feed has. Called from the feed's thread; ``feed`` is its number."""

    def opened(self, feed: int, tracks: list[Track]) -> None:
        """It is connected and has these tracks."""

    def deliver(self, feed: int, unit: Unit) -> None:
        """An access unit, due now."""

    def closed(self, feed: int, reason: str, *, final: bool) -> None:
        """It has no connection, and tries again unless this is ``final``."""


class Feed:
    """Runs from ``start`` until ``stop``, or until a file that is not repeated has ended."""

    def __init__(self, number: int, place: str, sink: FeedSink, *, transport: str, loop: bool) -> None:
        self.number, self.place = number, place
        self._sink = sink
        self._transport, self._loop = transport, loop
        self._stopping = threading.Event()
        self._backoff = Backoff()
        # A server can hang for ever in a read: such a thread must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=f"relaycore-source-{number}", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Tells the thread to end. It may still give what it holds, which the sink has to leave."""
        self._stopping.set()

    def join(self, timeout: float) -> None:
        """Waits for the thread; one that hangs in a read ends when that times out."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.is_set():
            started_ns = now_ns()
            reason, final = self._once()
            if self._stopping.is_set():
                return
            self._sink.closed(self.number, reason, final=final)
            if final:
                return
            if now_ns() - started_ns > WELL_NS:
                self._backoff.reset()
            self._stopping.wait(self._backoff.wait_s())

    def _once(self) -> tuple[str, bool]:
        """Opens the source and reads it to its end; says why it ended, and whether that is final."""
        timeline: Timeline | None = None
        base = 0
        try:
            while True:
                with closing(open_medium(self.place, self._transport)) as medium:
                    if medium.paced:
                        timeline = timeline or Timeline()
                        base = self._play(medium, timeline, base)
                    else:
                        self._relay(medium)
                if self._stopping.is_set() or not (medium.paced and self._loop):
                    return Message("{source} has ended.", source=masked(self.place)), medium.paced
        except SourceError as error:
            return message_of(error), False
        except Exception:
            # One of FFmpeg's many demuxers may raise what nobody thought of.
            _log.exception("reading a source failed", extra={"source": masked(self.place)})
            why = Message("{source} cannot be read: the log tells why.", source=masked(self.place))
            return why, False

    def _play(self, medium: Medium, timeline: Timeline, base: int) -> int:
        """Gives a file at its own pace, from ``base`` ns of the timeline on; gives the time of its end."""
        demuxer = Demuxer(medium)
        self._tell(demuxer.tracks)
        start: int | None = None
        last = end = 0
        for unit in chain(demuxer.first, demuxer):
            if start is None:
                start = last = unit.dts_ns
            if abs(unit.dts_ns - last) > GAP_NS:
                start += unit.dts_ns - last
            last = unit.dts_ns
            due = timeline.due(base + unit.dts_ns - start)
            if self._stopping.wait(max(0, due - now_ns()) / SECOND):
                break
            self._deliver(unit, due)
            end = max(end, unit.dts_ns - start + unit.length_ns)
        if end == 0:
            raise SourceError(Message("{place} is empty.", place=masked(medium.place)))
        return base + end

    def _relay(self, medium: Medium) -> None:
        """Gives what a live source sends as it comes."""
        demuxer = Demuxer(medium, SETTLE_NS)
        if not demuxer.first:
            return
        self._tell(demuxer.tracks)
        clock = LiveClock(min(unit.arrived_ns - unit.dts_ns for unit in demuxer.first), now_ns())
        for unit in chain(demuxer.first, demuxer):
            if self._stopping.is_set():
                return
            self._deliver(unit, clock.captured_ns(unit.dts_ns, unit.arrived_ns))

    def _tell(self, tracks: list[Track]) -> None:
        if not self._stopping.is_set():
            self._sink.opened(self.number, tracks)

    def _deliver(self, unit: Demuxed, decoded_ns: int) -> None:
        media_ns = decoded_ns + unit.pts_ns - unit.dts_ns
        self._sink.deliver(self.number, Unit(unit.track, unit.data, media_ns, unit.random_access))
