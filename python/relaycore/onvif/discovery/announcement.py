"""Keeps what is found up to what the relay is: its devices come, change and go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from relaycore.addresses import is_loopback
from relaycore.onvif.discovery.service import Discovery
from relaycore.onvif.discovery.targets import Target

__all__ = ["Announcement"]

_log = logging.getLogger(__name__)


class Announcement:
    """Has the devices of a relay found as they are now. All methods are called from the loop.

    ``targets`` are asked for whenever something may have changed. No socket is open before there is a device
    to be found, and none at all where the relay listens to loopback only.
    """

    def __init__(self, targets: Callable[[], Sequence[Target]]) -> None:
        self._targets = targets
        self._changed = asyncio.Event()
        self._discovery: Discovery | None = None
        self._working: asyncio.Task[None] | None = None
        self._place = ("", 0, "")

    async def open(self, host: str, port: int, scheme: str) -> None:
        """Begins, for a relay that listens here, and is reached by this scheme."""
        if is_loopback(host):
            return
        self._place = host, port, scheme
        await self._update()
        self._working = asyncio.create_task(self._work())

    def changed(self) -> None:
        """There may be other devices now."""
        self._changed.set()

    async def close(self) -> None:
        """Says Bye for every device."""
        if self._working is not None:
            self._working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._working
            self._working = None
        if self._discovery is not None:
            await self._discovery.close()
            self._discovery = None

    async def _work(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._update()

    async def _update(self) -> None:
        targets = self._targets()
        if targets and self._discovery is None:
            host, port, scheme = self._place
            discovery = Discovery(host, port, scheme=scheme)
            try:
                await discovery.open()
            except OSError as error:
                await discovery.close()
                _log.warning("cameras are not found on the network: %s", error)
                return
            self._discovery = discovery
        if self._discovery is not None:
            self._discovery.set_targets(targets)
