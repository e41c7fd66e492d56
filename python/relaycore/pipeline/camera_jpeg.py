"""The newest JPEG that a camera gave, for who wants one picture of it as it is."""

from __future__ import annotations

from typing import Final

from relaycore._relaycore import inspect_jpeg
from relaycore.capture.source import Captured

__all__ = ["FRESH_NS", "CameraJpeg", "is_whole"]

FRESH_NS: Final = 1_000_000_000
"""Age up to which it is the newest picture, in ns: a camera that is lost gives a slate instead."""

_START_OF_SCAN: Final = 0xDA
_HUFFMAN_TABLES: Final = 0xC4


class CameraJpeg:
    """Keeps one; set by the capture thread and taken from any."""

    def __init__(self) -> None:
        self._newest: tuple[bytes, int] | None = None

    def keep(self, captured: Captured) -> None:
        """Keeps what the camera has encoded, if it has."""
        self._newest = None if captured.encoded is None else (captured.encoded, captured.captured_ns)

    def newest(self, now: int) -> tuple[bytes, int] | None:
        """The JPEG and the time at which it was captured; ``None`` where there is none that can be shown."""
        newest = self._newest
        if newest is None or now - newest[1] > FRESH_NS or not is_whole(newest[0]):
            return None
        return newest


def is_whole(data: bytes) -> bool:
    """Whether a JPEG has its end, and the Huffman tables that webcams leave out and browsers need."""
    try:
        if not inspect_jpeg(data).complete:
            return False
    except ValueError:
        return False
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _START_OF_SCAN:
        if data[at + 1] == _HUFFMAN_TABLES:
            return True
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False
