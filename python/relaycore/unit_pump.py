"""Takes access units out of a stream in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from relaycore._relaycore import AccessUnit, Reader, Track

__all__ = ["UnitPump", "since_random_access"]


class UnitPump:
    """A reader for a thread, which closes it in the end. ``wake`` and ``stop`` may come from any other."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._work = threading.Event()
        self._work.set()  # there may be access units already
        self._stopping = False

    @property
    def number(self) -> int:
        """What the engine calls the reader."""
        return self._reader.id

    @property
    def tracks(self) -> list[Track]:
        """The tracks; ``AccessUnit.track`` counts in this list."""
        return self._reader.tracks

    @property
    def discarded(self) -> int:
        """Access units that were lost because the thread was too slow."""
        return self._reader.discarded

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping

    def wake(self) -> None:
        """There is something to take."""
        self._work.set()

    def stop(self) -> None:
        """Ends the iteration."""
        self._stopping = True
        self._work.set()

    def batches(self) -> Iterator[list[AccessUnit]]:
        """What waits, again and again, until the stream ends or ``stop``."""
        while True:
            self._work.wait()
            self._work.clear()
            ended = self._reader.ended
            while not self._stopping and (taken := self._reader.take()):
                yield taken
            if self._stopping or ended:
                return

    def close(self) -> None:
        """Stops reading."""
        self._reader.close()


def since_random_access(units: list[AccessUnit], track: int, backlog: int) -> tuple[list[AccessUnit], int]:
    """The units without the pictures of ``track`` before its newest random access point.

    And the number of those that are left out, which is none while no more than ``backlog`` pictures wait.
    """
    pictures = [number for number, unit in enumerate(units) if unit.track == track]
    if len(pictures) <= backlog:
        return units, 0
    start = next((number for number in reversed(pictures) if units[number].random_access), 0)
    kept = [unit for number, unit in enumerate(units) if unit.track != track or number >= start]
    return kept, len(units) - len(kept)
