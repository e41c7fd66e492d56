"""Which user sent requests on which connection, so that both can be ended together."""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

__all__ = ["Presence"]

SPARE = 64
"""Connections that have ended may be in the table, as many as are open and this many more."""


class Presence:
    """The users of the connections of one server. All methods are called from the loop."""

    def __init__(self) -> None:
        self._users: dict[web.RequestHandler, set[str]] = {}
        self._sweep_at = SPARE

    def note(self, request: web.Request, user: str | None) -> None:
        """A request has been admitted as that of a user."""
        if user is None:
            return
        self._users.setdefault(request.protocol, set()).add(user)
        if len(self._users) > self._sweep_at:
            self._users = {
                protocol: names for protocol, names in self._users.items() if protocol.transport is not None
            }
            self._sweep_at = 2 * len(self._users) + SPARE

    def __contains__(self, user: object) -> bool:
        """Whether a user has a connection open."""
        return any(
            user in names and protocol.transport is not None for protocol, names in self._users.items()
        )

    def forget(self, request: web.Request) -> None:
        """The connection that a request came on may be answered, whoever is disconnected."""
        self._users.pop(request.protocol, None)

    def disconnect(self, users: Collection[str]) -> None:
        """Closes all connections that one of these users sent a request on, whatever is being answered."""
        for protocol in [held for held, names in self._users.items() if not names.isdisjoint(users)]:
            del self._users[protocol]
            if protocol.transport is not None:
                protocol.transport.abort()
