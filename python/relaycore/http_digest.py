"""Logging in at somebody else's HTTP server by Digest (RFC 7616)."""

from __future__ import annotations

import aiohttp

__all__ = ["HttpDigest"]


class HttpDigest:
    """A middleware of aiohttp's client that answers challenges with a name and a password.

    It is aiohttp's own, which keeps the connection of each challenge whose body has not come whole by the
    time that it is answered; here that connection is given back first. ``preemptive`` says whether later
    requests bring the login at once.
    """

    def __init__(self, user: str, password: str, *, preemptive: bool = True) -> None:
        self._digest = aiohttp.DigestAuthMiddleware(user, password, preemptive=preemptive)

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """The answer to the request, or to the one that is sent again with the login."""
        challenge: aiohttp.ClientResponse | None = None

        async def send(request: aiohttp.ClientRequest) -> aiohttp.ClientResponse:
            nonlocal challenge
            if challenge is not None:
                challenge.release()
            challenge = await handler(request)
            return challenge

        return await self._digest(request, send)
