"""The test pattern and its tone as sources, both paced by the engine's clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Final

import av
import numpy as np

from relaycore._relaycore import FrameBuffer, now_ns
from relaycore.capture.colour import BT601
from relaycore.capture.pattern import PatternPainter
from relaycore.capture.source import AudioBlock, Captured, SourceFormat
from relaycore.capture.tone import tone

__all__ = ["PatternSource", "ToneSource", "Waiter", "wallclock_offset"]

SECOND: Final = 1_000_000_000
TONE_RATE: Final = 48_000
TONE_BLOCK: Final = 480
"""Samples in a block: 10 ms."""

Waiter = Callable[[float], object]
"""Waits for some seconds, or until the pipeline stops."""


def wallclock_offset() -> int:
    """What is added to the engine's clock to get ns since 1970-01-01 UTC."""
    return time.time_ns() - now_ns()


class PatternSource:
    """Pictures at whole fractions of each second of the wallclock, so that the flash begins on the second."""

    def __init__(
        self,
        width: int = 1280,
        height: int = 720,
        fps: float = 30.0,
        *,
        full_range: bool = True,
        wait: Waiter | None = None,
    ) -> None:
        self.format = SourceFormat(
            name="test pattern",
            device="pattern",
            mode=f"{width}x{height} at {fps:g} fps",
            width=width,
            height=height,
            fps=fps,
            colour=BT601.with_range(full=full_range),
            codec=None,
        )
        self._painter = PatternPainter(width, height, full_range=full_range)
        self._wait = wait or threading.Event().wait
        self._fps = Fraction(fps).limit_denominator(1001)
        self._offset = wallclock_offset()
        self._tick = self._tick_at(now_ns())
        self._counter = 0

    def read(self) -> Captured:
        """Waits for the time of the next picture. Times that were slept through are left out."""
        self._tick = max(self._tick + 1, self._tick_at(now_ns()))
        captured_ns = self._time_of(self._tick)
        early = captured_ns - now_ns()
        if early > 0:
            self._wait(early / SECOND)
        counter, wallclock_ns = self._counter, captured_ns + self._offset
        self._counter += 1

        def fill(buffer: FrameBuffer) -> int:
            self._painter.paint(np.frombuffer(memoryview(buffer), np.uint8), counter, wallclock_ns)
            return 0

        return Captured(captured_ns, now_ns(), None, fill)

    def close(self) -> None:
        """Does nothing: there is no device."""

    def _tick_at(self, at_ns: int) -> int:
        """The number of the newest picture that is due."""
        return int((at_ns + self._offset) * self._fps / SECOND)

    def _time_of(self, tick: int) -> int:
        return int(-(-tick * SECOND // self._fps)) - self._offset


class ToneSource:
    """The tone of the pattern, in blocks of 10 ms."""

    name = "tone of the test pattern"
    rate = TONE_RATE
    channels = 1

    def __init__(self, wait: Waiter | None = None) -> None:
        self._wait = wait or threading.Event().wait
        self._offset = wallclock_offset()
        self._next = (now_ns() + self._offset) * TONE_RATE // SECOND

    def read(self) -> AudioBlock:
        """Waits until the last sample of the next block is due."""
        first = self._next
        self._next += TONE_BLOCK
        early = self._time_of(self._next) - now_ns()
        if early > 0:
            self._wait(early / SECOND)
        elif early < -SECOND:
            self._next = (now_ns() + self._offset) * TONE_RATE // SECOND
        samples = tone(first % TONE_RATE, TONE_BLOCK, TONE_RATE)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate = TONE_RATE
        return AudioBlock(frame, self._time_of(first))

    def close(self) -> None:
        """Does nothing: there is no device."""

    def _time_of(self, sample: int) -> int:
        return sample * SECOND // TONE_RATE - self._offset
