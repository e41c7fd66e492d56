"""How long to wait before something that failed is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

__all__ = ["Backoff"]

FIRST_S: Final = 0.5
MOST_S: Final = 30.0
JITTER: Final = 0.25
"""Share by which a wait is shorter or longer, so that many that failed together do not come back together."""


class Backoff:
    """Doubles the wait with each failure, from half a second to half a minute. ``random`` gives 0 to 1."""

    def __init__(self, randomness: Callable[[], float] = random.random) -> None:
        self._random = randomness
        self._next = FIRST_S

    def wait_s(self) -> float:
        """Seconds to wait after one more failure."""
        wait, self._next = self._next, min(MOST_S, self._next * 2)
        return wait * (1 + JITTER * (2 * self._random() - 1))

    def reset(self) -> None:
        """It worked: the next failure is the first one again."""
        self._next = FIRST_S
