"""Who asks, and what they may do: what a page needs to show only that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final, Literal

import msgspec
from aiohttp import web

from relaycore.settings import Action, Role
from relaycore.web.answers import json_answer
from relaycore.web.guard import ACTIONS
from relaycore.web.keys import GUARD, JOURNEYS, LEDGER, RELAY
from relaycore.web.routes import USER, Answered, Route

__all__ = ["ROUTES", "Me", "Part", "parts_of"]

Part = Literal["journeys", "ledger", "login", "pictures", "player", "whip"]

_ADDRESSES: Final[Mapping[Part, str]] = {
    "login": "/login",
    "pictures": "/{path}/snapshot.jpg",
    "player": "/{path}",
    "whip": "/{path}/whip",
}
"""Parts that are there where something is served at these addresses."""


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks."""

    user: str | None
    """The name; null where none was needed."""
    role: Role | None
    may: list[Action]
    """What they may do now; the settings of a path may narrow it down."""
    parts: list[Part]
    """What this relay has that others may not have."""
    version: str
    """That of the relay."""


def parts_of(app: web.Application) -> list[Part]:
    """What a relay has that others may not have."""
    served = {resource.canonical for resource in app.router.resources()}
    found: list[Part] = [part for part, address in _ADDRESSES.items() if address in served]
    if not app[RELAY].users and "login" in found:
        # There is nobody to log in as.
        found.remove("login")
    if app[LEDGER] is not None:
        found.append("ledger")
    if app[JOURNEYS] is not None:
        found.append("journeys")
    return sorted(found)


async def get_me(request: web.Request) -> web.Response:
    """Answers with who asks."""
    guard = request.app[GUARD]
    rights = guard.rights(request)
    me = Me(
        user=request[USER],
        role=guard.role(request),
        may=[action for action in ACTIONS if action in rights],
        parts=parts_of(request.app),
        version=version("relaycore"),
    )
    return json_answer(200, me)


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/me",
        name="getMe",
        summary="Who asks, what they may do, and what this relay has.",
        access="read",
        handler=get_me,
        answers={200: Answered("Who asks.", Me)},
    ),
)
