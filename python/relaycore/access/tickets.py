"""Numbers for those of whom more is to be known than the name, while the engine carries what they have open.

The engine gives the number of an admission back with each session that comes of it. Equal identities have the
same number, so that there are as many numbers as people, not as requests.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Final

from relaycore.access.identity import Identity

__all__ = ["Tickets"]

SPARE: Final = 10_000
"""Numbers that no session has, at most. The one that was asked for longest ago is forgotten first: who comes
again is asked again."""


class Tickets:
    """The numbers of one relay. 0 is nobody's. All methods are called from one thread."""

    def __init__(self) -> None:
        self._identities: OrderedDict[int, Identity] = OrderedDict()
        self._numbers: dict[Identity, int] = {}
        self._held: Counter[int] = Counter()
        self._last = 0

    def __len__(self) -> int:
        return len(self._identities)

    def number(self, identity: Identity) -> int:
        """The number of an identity, from now on."""
        number = self._numbers.get(identity)
        if number is not None:
            self._identities.move_to_end(number)
            return number
        self._last += 1
        self._numbers[identity] = self._last
        self._identities[self._last] = identity
        self._forget_some()
        return self._last

    def identity(self, number: int) -> Identity | None:
        """Who it is; ``None`` where that is not known (any more)."""
        return self._identities.get(number)

    def hold(self, number: int) -> None:
        """A session has this number."""
        if number in self._identities:
            self._held[number] += 1

    def release(self, number: int) -> None:
        """A session that had it has ended."""
        if number in self._held:
            self._held[number] -= 1
            if self._held[number] <= 0:
                del self._held[number]

    def _forget_some(self) -> None:
        most = SPARE + len(self._held)
        while len(self._identities) > most:
            oldest = next(iter(self._identities))
            if oldest in self._held:
                self._identities.move_to_end(oldest)
            else:
                del self._numbers[self._identities.pop(oldest)]
