"""Gives alerts to a sink, one after another, and again where that fails."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final, Protocol

from relaycore.alerts.model import Alert
from relaycore.errors import HookError

__all__ = ["Delivery", "Sink"]

_log = logging.getLogger(__name__)

MOST_WAITING: Final = 200
"""Alerts that wait for one sink; the oldest is left out when there are more."""

PAUSES_S: Final = (1.0, 5.0, 30.0)
"""Seconds before each further attempt to deliver an alert; after the last it is given up."""


class Sink(Protocol):
    """Somewhere that alerts are sent to."""

    @property
    def name(self) -> str:
        """What it is, without anything secret."""

    async def send(self, alert: Alert) -> None:
        """Sends one, in a time that has a bound. HookError where that fails."""

    async def close(self) -> None:
        """Lets connections go."""


class Delivery:
    """One sink and what waits for it. All methods are called from the loop."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.delivered = 0
        """Alerts that were sent."""
        self.failed = 0
        """Alerts that were not, after all attempts, or because too many waited."""
        self._waiting: deque[Alert] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._failing = False

    def put(self, alert: Alert) -> None:
        """Sends an alert soon."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._give_up("too many alerts wait")
        self._waiting.append(alert)
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def close(self, timeout: float) -> None:
        """Gives what waits this many seconds, and leaves the rest."""
        if self._worker is not None:
            await asyncio.wait([self._worker], timeout=timeout)
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        await self.sink.close()

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._deliver(self._waiting.popleft())
        finally:
            self._worker = None

    async def _deliver(self, alert: Alert) -> None:
        for pause in (*PAUSES_S, None):
            try:
                await self.sink.send(alert)
            except HookError as error:
                if pause is None:
                    self._give_up(str(error))
                else:
                    await asyncio.sleep(pause)
            except Exception:
                _log.exception("an alert could not be sent", extra={"sink": self.sink.name})
                self._give_up("its log says why")
                return
            else:
                self.delivered += 1
                if self._failing:
                    self._failing = False
                    _log.warning("alerts are sent again", extra={"sink": self.sink.name})
                return

    def _give_up(self, why: str) -> None:
        self.failed += 1
        if not self._failing:
            # Once, and again only after it worked: a server that is down for a night fills no disk.
            self._failing = True
            _log.error("alerts cannot be sent: %s", why, extra={"sink": self.sink.name})
