"""Tells a subscriber by itself (WS-BaseNotification section 3.2): Notify by HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from lxml import etree

from relaycore.onvif.services.events.callbacks import Callback
from relaycore.onvif.services.events.errors import NotSubscribed
from relaycore.onvif.services.events.messages import Message, notification
from relaycore.onvif.services.events.names import PREFIXES
from relaycore.onvif.services.events.subscription import Subscription
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.names import WSNT

__all__ = ["Notifier", "notify_envelope"]

_log = logging.getLogger(__name__)

ACTION: Final = f"{WSNT[: -len('b-2')]}bw-2/NotificationConsumer/Notify"

TIMEOUT_S: Final = 5.0
"""Seconds that a subscriber gets to take a message."""

MOST_AT_ONCE: Final = 20
"""Messages of one request."""

FAILURES: Final = 5
"""Requests one after the other that may fail; after them the subscription ends."""

PAUSE_S: Final = 2.0
"""Seconds from a request that failed to the next."""


class Notifier:
    """Sends what a subscription has, one request after the other, until it ends.

    ``gave_up`` is called where too many have failed.
    """

    def __init__(self, subscription: Subscription, callback: Callback, gave_up: Callable[[], None]) -> None:
        self._subscription, self.callback, self._gave_up = subscription, callback, gave_up
        self.task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """Ends it."""
        if self.task is not asyncio.current_task():
            self.task.cancel()

    async def _run(self) -> None:
        failures = 0
        waiting: list[Message] = []
        connector = aiohttp.TCPConnector(resolver=_Pinned(self.callback), limit=1, force_close=True)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as client:
            while failures < FAILURES:
                if not waiting:
                    try:
                        waiting = await self._subscription.take(MOST_AT_ONCE)
                    except NotSubscribed:
                        return
                if await self._send(client, waiting):
                    failures, waiting = 0, []
                else:
                    failures += 1
                    await asyncio.sleep(PAUSE_S)
        _log.warning("a subscriber is called back no more: it took nothing %d times", FAILURES)
        self._gave_up()

    async def _send(self, client: aiohttp.ClientSession, messages: Sequence[Message]) -> bool:
        """Whether the subscriber has taken them. What it answers beside the status is not read."""
        headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{ACTION}"'}
        body = notify_envelope(self.callback.url, messages)
        try:
            # A redirection would lead where nobody has checked the address.
            async with client.post(
                self.callback.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


class _Pinned(AbstractResolver):
    """Knows one host, by the address that was checked."""

    def __init__(self, callback: Callback) -> None:
        self._callback = callback

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        """The address of the host of the callback."""
        if host.lower() != self._callback.host.lower():
            raise OSError(f"{host} is not where to call back")
        address = self._callback.address
        version = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=version,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


def notify_envelope(to: str, messages: Sequence[Message]) -> bytes:
    """The request that tells of some messages."""
    notify = node("wsnt:Notify", *map(notification, messages), prefixes=PREFIXES)
    header = node("s:Header", node("wsa:Action", ACTION), node("wsa:To", to))
    envelope = node("s:Envelope", header, node("s:Body", notify))
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
