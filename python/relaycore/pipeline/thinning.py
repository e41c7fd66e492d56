"""Lets fewer pictures a second through than come."""

from __future__ import annotations

__all__ = ["Thinner"]


class Thinner:
    """Lets so many pictures a second through, at even distances. Used by one thread."""

    def __init__(self, fps: float) -> None:
        self._distance = int(1e9 / fps)
        self._due: int | None = None

    def keeps(self, captured_ns: int) -> bool:
        """Whether the picture that was captured then goes through."""
        # A quarter of the distance early, so that a source of the very rate loses nothing by its jitter.
        if self._due is not None and captured_ns < self._due - self._distance // 4:
            return False
        due = captured_ns if self._due is None else self._due
        self._due = max(due, captured_ns - self._distance) + self._distance
        return True
