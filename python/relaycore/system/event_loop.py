"""The event loop of the program and the signals that end it, which differ between systems."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["call_on_stop_signals", "loop_factory"]


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Makes the fastest loop that there is: uvloop, on Windows winloop where it is installed.

    ``None`` stands for asyncio's own, which is the Proactor loop on Windows.
    """
    if sys.platform == "win32":
        try:
            import winloop
        except ImportError:
            return None
        factory: Callable[[], asyncio.AbstractEventLoop] = winloop.new_event_loop
        return factory
    import uvloop

    return uvloop.new_event_loop


def call_on_stop_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Callable[[], None]:
    """Calls ``stop`` in the running loop when a signal asks the program to end.

    These are SIGINT and SIGTERM; on Windows Ctrl-C and Ctrl-Break. What is returned brings their usual effect
    back.
    """
    if sys.platform == "win32":
        # Handlers run between two steps of the interpreter there, and have to wake the loop.
        before = {
            number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
            for number in (signal.SIGINT, signal.SIGBREAK, signal.SIGTERM)
        }
        return lambda: _restore(before)
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop)
    return lambda: _remove(loop, numbers)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _remove(loop: asyncio.AbstractEventLoop, numbers: tuple[signal.Signals, ...]) -> None:
    for number in numbers:
        loop.remove_signal_handler(number)
