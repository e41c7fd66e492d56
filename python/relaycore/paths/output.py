"""The stream that the sources of a path feed, one after another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from relaycore._relaycore import Stream, Track, now_ns
from relaycore.errors import RelaycoreError, SourceError
from relaycore.language import Message
from relaycore.paths.feed import Unit
from relaycore.paths.host import StreamMaker
from relaycore.settings import Join

__all__ = ["PathOutput", "fit"]

_log = logging.getLogger(__name__)

SECOND: Final = 1_000_000_000

_IN_BAND: Final = frozenset({"h264", "h265", "vp8", "vp9", "av1", "jpeg", "mpegvideo"})
"""Codecs whose access units bring their parameters along, so that these may change."""


def fit(tracks: Sequence[Track], stream: Sequence[Track]) -> list[int] | None:
    """For each track the number of the one in the stream that it can go on in; ``None`` when one has none.

    A source without sound fits a stream that has some: it is silent meanwhile.
    """
    free = dict(enumerate(stream))
    found: list[int] = []
    for track in tracks:
        number = next((number for number, other in free.items() if _goes_on(track, other)), None)
        if number is None:
            return None
        del free[number]
        found.append(number)
    return found


def _goes_on(track: Track, other: Track) -> bool:
    if (track.codec, track.clock_rate, track.channels) != (other.codec, other.clock_rate, other.channels):
        return False
    return track.codec in _IN_BAND or track.parameters == other.parameters


class PathOutput:
    """Makes the stream when there is something to write, and goes on with it as long as tracks fit.

    May be used from any thread, but from one at a time: the switch sees to that.
    """

    def __init__(
        self, path: str, join: Join, add_stream: StreamMaker, remove_stream: Callable[[str], None]
    ) -> None:
        self._path, self._join = path, join
        self._add_stream, self._remove_stream = add_stream, remove_stream
        self._stream: Stream | None = None
        self._rates: list[int] = []
        self.damaged = 0
        """Access units that were not what their track is, and so not written."""

    def adopt(self, tracks: Sequence[Track]) -> list[int]:
        """The number in the stream of each track. SourceError when the path is taken."""
        if self._stream is not None:
            mapping = fit(tracks, self._stream.tracks)
            if mapping is not None:
                return mapping
            _log.warning(
                "the source has other tracks than the stream: its readers have to open it again",
                extra={"path": self._path},
            )
            self.end()
        try:
            self._stream = self._add_stream(self._path, tracks, self._join, can_force_key_frames=False)
        except RelaycoreError as error:
            raise SourceError(str(error)) from None
        self._rates = [track.clock_rate for track in tracks]
        return list(range(len(tracks)))

    def write(self, track: int, unit: Unit, media_ns: int) -> None:
        """Writes an access unit. SourceError when the stream has ended."""
        stream = self._stream
        if stream is None:
            return
        try:
            stream.write(
                track,
                unit.data,
                pts=media_ns * self._rates[track] // SECOND,
                captured_ns=media_ns,
                received_ns=now_ns(),
                random_access=unit.random_access,
            )
        except ValueError as error:
            # A source whose encoder stumbles, or a broken file; what comes next may be whole.
            self.damaged += 1
            if self.damaged == 1:
                _log.warning("the source sends what is left out: %s", error, extra={"path": self._path})
        except RuntimeError:
            raise SourceError(Message("The stream at {path} was ended.", path=repr(self._path))) from None

    def end(self) -> None:
        """Ends the stream, if there is one; its readers are told."""
        if self._stream is not None:
            self._stream = None
            self._remove_stream(self._path)
