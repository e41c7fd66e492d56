"""How long pictures spend in each stage, from the durations that the engine keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["STAGES", "StageLatency", "summarise"]

STAGES = ("capture", "decode", "wait", "encode", "packetise", "send", "total")
"""The stages in the order in which a picture goes through them."""


@dataclass(frozen=True, slots=True)
class StageLatency:
    """The durations of one stage, in milliseconds, over the pictures that are remembered."""

    stage: str
    count: int
    median_ms: float
    p95_ms: float


def summarise(durations: Mapping[str, Sequence[int]]) -> list[StageLatency]:
    """Median and 95th percentile of durations in nanoseconds, in the order of the stages.

    Empty stages are left out.
    """
    return [
        StageLatency(stage, len(found), _quantile_ms(found, 0.5), _quantile_ms(found, 0.95))
        for stage, found in ((stage, sorted(durations.get(stage, ()))) for stage in STAGES)
        if found
    ]


def _quantile_ms(ordered: Sequence[int], share: float) -> float:
    """The nearest rank: a duration that was really measured."""
    return ordered[math.ceil(len(ordered) * share) - 1] / 1e6
