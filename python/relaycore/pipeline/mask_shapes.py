"""From the corners of a privacy mask to the blocks of 2 x 2 pixels that it touches.

A block is covered when any of it lies inside: when an edge passes through it, or when its middle is inside.
What a line that crosses itself encloses more than once is inside, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["blocks_of", "spans_of", "widened"]

Blocks = NDArray[np.bool_]
"""Which blocks are covered: rows x columns."""

_TINY: Final = 1e-7
"""Blocks that an edge reaches into by less than this share of a block are only touched from beside."""


def blocks_of(corners: Sequence[tuple[float, float]], width: int, height: int) -> Blocks:
    """The blocks that a polygon touches, in a picture of an even size; corners are fractions of it."""
    rows, columns = height // 2, width // 2
    points = [(x * columns, y * rows) for x, y in corners]
    covered = _enclosed(points, rows, columns)
    for (x, y), (next_x, next_y) in zip(points, [*points[1:], points[0]], strict=True):
        _cover_edge(covered, x, y, next_x, next_y)
    return covered


def widened(blocks: Blocks, pixels: int) -> Blocks:
    """The same blocks and all that are up to so many pixels away."""
    steps = -(-pixels // 2)
    for axis in (0, 1):
        # All blocks between `steps` before and `steps` behind: by sums, whose cost does not depend on them.
        padding = [(0, 0), (0, 0)]
        padding[axis] = (steps + 1, steps)
        sums = np.cumsum(np.pad(blocks.astype(np.int32), padding), axis=axis)
        length = blocks.shape[axis]
        last = np.take(sums, range(2 * steps + 1, 2 * steps + 1 + length), axis=axis)
        blocks = last > np.take(sums, range(length), axis=axis)
    return blocks


def spans_of(blocks: Blocks) -> list[tuple[int, int, int]]:
    """Rows of blocks side by side: the number of their row, the first block and the one behind the last."""
    steps = np.diff(np.pad(blocks.astype(np.int8), [(0, 0), (1, 1)]), axis=1)
    rows, begins = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    return [(int(row), int(begin), int(end)) for row, begin, end in zip(rows, begins, ends, strict=True)]


def _enclosed(points: Sequence[tuple[float, float]], rows: int, columns: int) -> Blocks:
    """The blocks whose middle the polygon winds around."""
    turns: NDArray[np.int32] = np.zeros((rows, columns), np.int32)
    middles = np.arange(columns) + 0.5
    for (x, y), (next_x, next_y) in zip(points, [*points[1:], points[0]], strict=True):
        for row in range(max(0, math.ceil(min(y, next_y) - 0.5)), rows):
            middle = row + 0.5
            if middle >= max(y, next_y):
                break
            crossing = x + (next_x - x) * (middle - y) / (next_y - y)
            turns[row, middles > crossing] += 1 if next_y > y else -1
    return np.not_equal(turns, 0)


def _cover_edge(covered: Blocks, x: float, y: float, next_x: float, next_y: float) -> None:
    """Covers the blocks that an edge passes through."""
    if y > next_y:
        x, y, next_x, next_y = next_x, next_y, x, y
    for row in _between(y, next_y, covered.shape[0]):
        # The part of the edge inside this row of blocks.
        if next_y > y:
            begin = (max(y, row) - y) / (next_y - y)
            end = (min(next_y, row + 1) - y) / (next_y - y)
        else:
            begin, end = 0.0, 1.0
        ends = (x + (next_x - x) * begin, x + (next_x - x) * end)
        columns = _between(min(ends), max(ends), covered.shape[1])
        covered[row, columns.start : columns.stop] = True


def _between(low: float, high: float, count: int) -> range:
    """The blocks that reach into what is between two places, without those that it only touches."""
    return range(max(0, math.floor(low + _TINY)), min(count, math.ceil(high - _TINY)))
