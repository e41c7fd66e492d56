"""Posts alerts to a web server, as JSON."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from relaycore.alerts.model import Alert
from relaycore.errors import HookError
from relaycore.language import Message

__all__ = ["Webhook"]

TIMEOUT_S: Final = 10.0
"""Seconds that a server gets for its answer."""


class Webhook:
    """One URL. The connection is made with the first alert, and kept."""

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
        # Path and query of many webhooks are a key to them.
        self.name = f"{parts.scheme}://{parts.hostname}{port}"
        self._client: aiohttp.ClientSession | None = None

    async def send(self, alert: Alert) -> None:
        """Posts one. HookError where no answer with 2xx comes in time."""
        if self._client is None:
            self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        try:
            # A redirection could lead what is posted to where nobody meant it to go.
            async with self._client.post(
                self._url,
                data=msgspec.json.encode(alert),
                headers={"Content-Type": "application/json", "User-Agent": "relaycore"},
                allow_redirects=False,
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise HookError(
                Message("{name} gave no answer ({kind}).", name=self.name, kind=type(error).__name__)
            ) from None
        if not 200 <= status < 300:
            raise HookError(Message("{name} answered with status {status}.", name=self.name, status=status))

    async def close(self) -> None:
        """Closes the connection."""
        if self._client is not None:
            await self._client.close()
            self._client = None
