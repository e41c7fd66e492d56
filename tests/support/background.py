"""Coroutines that run beside a test which waits for them without a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

__all__ = ["Background"]


class Background:
    """A coroutine in a thread with a loop of its own, from ``start`` until it is cancelled by ``stop``.

    Whoever shares something with it holds ``news``, which it notifies when there is more; ``failure`` is what
    it ended with, if that was an error.
    """

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self.news = threading.Condition()
        self.failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(work)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Cancels it, and waits for its end."""
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            with self.news:
                self.failure = error
                self.news.notify_all()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
