"""Networks and times in records, as rules compare them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from relaycore.access.attempts import network_of
from relaycore.access.identity import SHARE

__all__ = ["DAY_MS", "HISTORY_DAYS", "HOUR_MS", "MINUTE_MS", "SHARE", "clock_of", "day_of", "network_in"]

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

HISTORY_DAYS: Final = 28
"""Days that are remembered of an account or a path."""


@lru_cache(maxsize=4096)
def network_in(kept: str | None) -> str | None:
    """The network of what a record keeps of an address; ``None`` where it keeps nothing."""
    if kept is None or "/" in kept:
        return kept
    return network_of(kept)


def day_of(at: int) -> int:
    """The day of a time, counted from 1970, in UTC."""
    return at // DAY_MS


def clock_of(at: int) -> str:
    """The hour and minute of a time, in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M UTC")
