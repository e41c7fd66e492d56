"""Who may ask for an operation: the user store of the relay says so, as for everything else over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from relaycore.onvif.soap.faults import not_authorized
from relaycore.onvif.soap.operations import Needs
from relaycore.settings import Role
from relaycore.web.guard import Access
from relaycore.web.keys import GUARD

__all__ = ["admit"]

_ACCESS: Final[Mapping[Needs, Access]] = {
    "anyone": "open",
    "view": "read",
    "operate": "write",
    "admin": "write",
}


async def admit(request: web.Request, needs: Needs) -> tuple[str | None, Role | None]:
    """The user who asks, and the role. Raises Refused or Fault where they may not.

    HTTP Digest is asked for (ONVIF Core section 5.9.1).
    """
    if needs == "anyone":
        return None, None
    guard = request.app[GUARD]
    user = await guard.admit(request, _ACCESS[needs])
    role = guard.role(request)
    if needs == "admin" and role != "administrator":
        raise not_authorized("Only administrators may do this.")
    return user, role
