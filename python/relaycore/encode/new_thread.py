"""Runs what opens encoders where no camera was opened before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_new_thread"]

Result = TypeVar("Result")


def in_new_thread(work: Callable[[], Result]) -> Result:
    """What ``work`` gives, or raises, in a thread that does nothing else.

    FFmpeg's DirectShow input makes the thread that opens a camera a single-threaded apartment of COM, in
    which Windows' own encoder h264_mf refuses to run: "COM must not be in STA mode".
    """
    with ThreadPoolExecutor(1, thread_name_prefix="relaycore-encoder") as thread:
        return thread.submit(work).result()
