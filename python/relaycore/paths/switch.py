"""Which of several sources feeds a stream, and from which access unit on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from relaycore._relaycore import Track, now_ns
from relaycore.paths.feed import Unit

__all__ = ["BACK_AFTER_NS", "STALLED_NS", "Output", "Switch"]

SECOND: Final = 1_000_000_000

STALLED_NS: Final = 5 * SECOND
"""A source that gives nothing for so long has failed, whatever its connection says."""

BACK_AFTER_NS: Final = 5 * SECOND
"""How long a better source has to deliver without a break before it is gone back to.

A camera that restarts twice a minute would otherwise take the picture with it each time.
"""

STEP_NS: Final = 1_000_000
"""Media time between the last access unit of one source and the first of the next, at least."""


class Output(Protocol):
    """The stream at a path. Called from any thread, but from one at a time."""

    def adopt(self, tracks: Sequence[Track]) -> list[int]:
        """Goes on with these tracks, in a new stream where the old one cannot.

        Gives for each the number of its track in the stream.
        """

    def write(self, track: int, unit: Unit, media_ns: int) -> None:
        """Writes an access unit to a track of the stream."""

    def end(self) -> None:
        """Ends the stream, if there is one."""


class _Feed:
    """What is known of one source."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self.has_video = False
        self.since: int | None = None
        self.last = 0


class Switch:
    """Lets one of several sources through: the first in the list that is well.

    A source takes over with a random access point. It does so at once when there is no other, and when it
    is a better one, once it has delivered for ``BACK_AFTER_NS``. ``switched`` is called from a feed's thread
    with the number of the source that feeds the stream now, or ``None`` when none does.
    """

    def __init__(
        self,
        sources: int,
        output: Output,
        switched: Callable[[int | None], None],
        clock: Callable[[], int] = now_ns,
    ) -> None:
        self._feeds = [_Feed() for _ in range(sources)]
        self._output = output
        self._switched = switched
        self._clock = clock
        self._lock = threading.Lock()
        self._active: int | None = None
        self._mapping: list[int] = []
        self._shift = 0
        self._newest = 0
        self._ended = False

    @property
    def active(self) -> int | None:
        """The number of the source that feeds the stream."""
        return self._active

    def opened(self, feed: int, tracks: list[Track]) -> None:
        """A source is connected; if it feeds the stream, it goes on with these tracks."""
        with self._lock:
            state = self._feeds[feed]
            changed = state.tracks != tracks
            state.tracks = tracks
            state.has_video = any(track.kind == "video" for track in tracks)
            if changed and feed == self._active:
                self._active = None

    def deliver(self, feed: int, unit: Unit) -> None:
        """An access unit of a source: written if the source feeds the stream, or takes over with it."""
        with self._lock:
            if self._ended:
                return
            now = self._clock()
            state = self._feeds[feed]
            if state.since is None or now - state.last > STALLED_NS:
                state.since = now
            state.last = now
            if feed != self._active:
                if not (self._may_take_over(feed, now) and self._starts(state, unit)):
                    return
                self._take_over(feed, unit)
            media_ns = unit.media_ns + self._shift
            self._newest = max(self._newest, media_ns)
            self._output.write(self._mapping[unit.track], unit, media_ns)

    def lost(self, feed: int) -> None:
        """A source gives nothing any more."""
        with self._lock:
            self._feeds[feed].since = None
            if feed == self._active:
                self._active = None
                self._switched(None)

    def is_well(self, feed: int) -> bool:
        """Whether a source delivers."""
        with self._lock:
            state = self._feeds[feed]
            return state.since is not None and self._clock() - state.last <= STALLED_NS

    def expire(self) -> None:
        """Ends the stream, unless a source feeds it."""
        with self._lock:
            if self._active is None:
                self._output.end()

    def end(self) -> None:
        """Ends the stream, and lets nothing through any more."""
        with self._lock:
            self._ended = True
            self._output.end()

    def _may_take_over(self, feed: int, now: int) -> bool:
        if self._active is None:
            return True
        active = self._feeds[self._active]
        if now - active.last > STALLED_NS:
            return True
        since = self._feeds[feed].since
        return feed < self._active and since is not None and now - since >= BACK_AFTER_NS

    @staticmethod
    def _starts(state: _Feed, unit: Unit) -> bool:
        """Whether a reader can begin with this access unit; where there is video, only with a picture."""
        if state.has_video and state.tracks[unit.track].kind != "video":
            return False
        return unit.random_access

    def _take_over(self, feed: int, unit: Unit) -> None:
        self._mapping = self._output.adopt(self._feeds[feed].tracks)
        # Sources differ in how late they are, and time must not go back for readers.
        self._shift = max(0, self._newest + STEP_NS - unit.media_ns) if self._newest else 0
        self._active = feed
        self._switched(feed)
