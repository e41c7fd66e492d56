"""Tells a web server what happened: a POST with JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import aiohttp

from relaycore.errors import HookError
from relaycore.language import Message
from relaycore.paths.commands import filled
from relaycore.settings import masked

__all__ = ["Webhooks"]

TIMEOUT_S: Final = 10.0
"""Seconds that a server gets for its answer."""


class Webhooks:
    """The connections to the servers, which are kept. Made in the loop, opened with the first post."""

    def __init__(self) -> None:
        self._client: aiohttp.ClientSession | None = None

    async def post(self, url: str, fields: Mapping[str, str]) -> None:
        """Posts what happened as a JSON object of texts. HookError when no answer with 2xx comes in time.

        ``{path}`` and the other names in the URL are replaced, percent-encoded.
        """
        if self._client is None:
            self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        target = filled(url, {name: quote(value, safe="") for name, value in fields.items()})
        try:
            # A redirection could lead what is posted to where nobody meant it to go.
            async with self._client.post(target, json=dict(fields), allow_redirects=False) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise HookError(
                Message("{url} gave no answer ({name}).", url=masked(url), name=type(error).__name__)
            ) from None
        if not 200 <= status < 300:
            raise HookError(Message("{url} answered with status {status}.", url=masked(url), status=status))

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None
