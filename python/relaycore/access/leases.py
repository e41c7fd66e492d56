"""Ends what somebody may not do any more: sessions of RTSP, and connections of HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection

from relaycore._relaycore import Engine
from relaycore.access import decisions
from relaycore.access.decisions import Gatekeeper, host_of
from relaycore.settings import Action

__all__ = ["Leases"]

_log = logging.getLogger(__name__)

LOOK_S = 0.5
"""Seconds between two looks at the clock, for rules that have hours."""


class Leases:
    """Judges anew what was allowed before.

    ``disconnect`` closes the HTTP connections of users; ``because`` is told why a session is about to be
    ended, by its id.

    All methods are called from the loop.
    """

    def __init__(
        self,
        engine: Engine,
        gatekeeper: Gatekeeper,
        disconnect: Callable[[Collection[str]], None],
        because: Callable[[str, str], None],
    ) -> None:
        self._engine = engine
        self._gatekeeper = gatekeeper
        self._disconnect = disconnect
        self._because = because
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begins to end what the clock ends."""
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        """Ends nothing any more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def revoke(self, users: Collection[str] = ()) -> None:
        """Ends all that these users have open, and the sessions of others which are not allowed any more.

        Who is allowed something stays so only for what is open: the engine asks anew about all else.
        """
        self._engine.revoke_decisions()
        for session in self._engine.sessions():
            if session.user in users:
                reason = "The user is gone or has another password"
            else:
                action: Action = "publish" if session.action == "publish" else "read"
                wish = self._gatekeeper.wish(action, session.path, host_of(session.peer))
                objection = self._gatekeeper.objection(wish, session.path, session.user)
                if objection is None:
                    continue
                reason = objection.why
            fields = {"session": session.id, "path": session.path, "user": session.user}
            _log.info("the session is ended: %s", reason, extra=fields)
            self._because(session.id, reason)
            self._engine.kick(session.id)
        self._disconnect(users)

    async def _follow(self) -> None:
        """Judges anew whenever the hours of a rule begin or end."""
        in_force = self._in_force()
        while True:
            await asyncio.sleep(LOOK_S)
            now = self._in_force()
            if now != in_force:
                in_force = now
                self.revoke()

    def _in_force(self) -> tuple[bool, ...]:
        return self._gatekeeper.policy.rules.in_force(decisions.wallclock())
