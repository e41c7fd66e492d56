"""Durations in few numbers: buckets that are about 9 % wide, so that a median is right to 5 %."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

__all__ = ["LAST", "bucket_of", "median_ms"]

_OF_AN_OCTAVE: Final = 8

LAST: Final = 320
"""Bucket of all that takes longer than about a week."""


def bucket_of(duration_ns: int) -> int:
    """The bucket of a duration; 0 is that of a microsecond and less."""
    if duration_ns <= 1000:
        return 0
    return min(LAST, 1 + int(math.log2(duration_ns / 1000) * _OF_AN_OCTAVE))


def median_ms(buckets: Mapping[int, int]) -> float | None:
    """The median of durations that were counted by bucket, in milliseconds; ``None`` of none."""
    left = (sum(buckets.values()) + 1) // 2
    for bucket, count in sorted(buckets.items()):
        left -= count
        if count and left <= 0:
            return 2 ** ((bucket - 0.5) / _OF_AN_OCTAVE) / 1000 if bucket else 0.001
    return None
