"""Who may ask for an operation: the user store of the relay says so, as for everything else over HTTP."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web

from relaycore.onvif.device import OnvifDevice
from relaycore.onvif.soap.envelope import Envelope
from relaycore.onvif.soap.faults import not_authorized
from relaycore.onvif.soap.operations import Needs
from relaycore.onvif.soap.username_token import token_in
from relaycore.settings import Role
from relaycore.web.answers import Refused
from relaycore.web.guard import Access
from relaycore.web.keys import GUARD, RELAY

__all__ = ["admit"]

wallclock = time.time
"""Tells seconds of Unix time, by which tokens are old."""

_ACCESS: Final[Mapping[Needs, Access]] = {
    "anyone": "open",
    "view": "read",
    "operate": "write",
    "admin": "write",
}


async def admit(
    request: web.Request, asked: Envelope, needs: Needs, device: OnvifDevice | None
) -> tuple[str | None, Role | None]:
    """The user who asks, and the role. Raises Refused or Fault where they may not.

    A device whose clock is wrong takes tokens by that clock, and one that refuses every login takes none.

    HTTP Digest is asked for; who sends a WS-UsernameToken instead is told of what is wrong by a fault alone
    (ONVIF Core section 5.9.1).
    """
    if needs == "anyone":
        return None, None
    guard = request.app[GUARD]
    token = token_in(asked.header)
    ahead = 0.0 if device is None else device.clock_offset
    replays = request.app[RELAY].devices.replays
    proof = None if token is None else token.credentials(replays, wallclock(), ahead)
    try:
        if device is not None and device.turns_away:
            guard.turn_away(request)
        user = await guard.admit(request, _ACCESS[needs], proof)
    except Refused as refused:
        if proof is not None and refused.status == 401 and hdrs.AUTHORIZATION not in request.headers:
            raise not_authorized(refused.problem.error) from None
        raise
    role = guard.role(request)
    if needs == "admin" and role != "administrator":
        raise not_authorized("Only administrators may do this.")
    return user, role
