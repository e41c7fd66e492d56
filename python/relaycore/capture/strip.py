"""The strip at the top of the test pattern: a frame counter and a wallclock that programs read back.

The picture's topmost rows hold 96 blocks of equal width, side by side over the whole width, each white for a
one and black for a zero, most significant bit first::

    bits  0..31   frame counter, from 0, wraps
    bits 32..79   wallclock of the picture, in ms since 1970-01-01 UTC
    bits 80..95   CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF) of the ten bytes before

A block is ``width // 96`` pixels wide, so the strip needs a width of 96 pixels at least; pixels on the right
that are left over are black. It is ``strip_rows(height)`` rows high. Only the middle of a block is read, so
that it survives the blur of a low bit rate.
"""

from __future__ import annotations

from binascii import crc_hqx
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCKS", "read_strip", "strip_row", "strip_rows"]

BLOCKS: Final = 96
"""Bits in the strip."""

_PAYLOAD: Final = 10
_CRC_START: Final = 0xFFFF


def strip_rows(height: int) -> int:
    """Rows that the strip takes of a picture of this height: about a fourteenth, 8 at least, even."""
    return max(8, height // 14) & ~1


def strip_row(counter: int, wallclock_ms: int, width: int, black: int, white: int) -> NDArray[np.uint8]:
    """One row of luma of the strip; all its rows are the same."""
    if width < BLOCKS:
        raise ValueError(f"the strip needs {BLOCKS} pixels of width, not {width}")
    payload = (counter & 0xFFFF_FFFF).to_bytes(4, "big") + (wallclock_ms & 0xFFFF_FFFF_FFFF).to_bytes(
        6, "big"
    )
    data = payload + crc_hqx(payload, _CRC_START).to_bytes(2, "big")
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    row = np.full(width, black, np.uint8)
    block = width // BLOCKS
    row[: BLOCKS * block] = np.where(np.repeat(bits, block) == 1, white, black)
    return row


def read_strip(luma: NDArray[Any]) -> tuple[int, int] | None:
    """The counter and the wallclock in ms that a picture's luma (rows x columns) shows.

    ``None`` when the check does not match: it is another picture, or one that was damaged. The picture has
    the size in which it was drawn; it may have been encoded and decoded, in either range of luma.
    """
    height, width = luma.shape
    block = width // BLOCKS
    if block == 0 or height < strip_rows(height):
        return None
    rows = strip_rows(height)
    middle = luma[rows // 4 : rows - rows // 4, : BLOCKS * block].astype(np.float32)
    columns = middle.mean(axis=0).reshape(BLOCKS, block)
    margin = block // 4
    levels = columns[:, margin : block - margin].mean(axis=1)
    threshold = (levels.max() + levels.min()) / 2
    data = np.packbits(levels > threshold).tobytes()
    payload, check = data[:_PAYLOAD], data[_PAYLOAD:]
    if crc_hqx(payload, _CRC_START).to_bytes(2, "big") != check:
        return None
    return int.from_bytes(payload[:4], "big"), int.from_bytes(payload[4:], "big")
