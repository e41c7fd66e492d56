"""Fragmented MP4, cut into the pieces that a player gets one by one."""

from __future__ import annotations

import io
from collections.abc import Iterator

__all__ = ["Boxes"]


class Boxes:
    """Cuts what a muxer writes into initialisation segments and fragments."""

    def __init__(self, written: io.BytesIO) -> None:
        self._written = written
        self._held = b""
        self._piece = b""

    def take(self) -> Iterator[bytes]:
        self._held += self._written.getvalue()
        self._written.seek(0)
        self._written.truncate()
        while len(self._held) >= 8:
            size, kind = int.from_bytes(self._held[:4], "big"), self._held[4:8]
            if len(self._held) < size:
                return
            box, self._held = self._held[:size], self._held[size:]
            self._piece += box
            if kind in (b"moov", b"mdat"):
                yield self._piece
                self._piece = b""
