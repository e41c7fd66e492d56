"""Ends what somebody may not do any more: sessions of RTSP, and connections of HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from relaycore._relaycore import Engine
from relaycore.access.decisions import Gatekeeper
from relaycore.access.roles import Action

__all__ = ["Leases"]

_log = logging.getLogger(__name__)


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

    def revoke(self, users: Collection[str] = ()) -> None:
        """Ends all that these users have open, and the sessions of others which are not allowed any more.

        Who is allowed something stays so only for what is open: the engine asks anew about all else.
        """
        self._engine.revoke_decisions()
        for session in self._engine.sessions():
            action: Action = "publish" if session.action == "publish" else "read"
            reason = self._gatekeeper.objection(action, session.path, session.user)
            if session.user in users:
                reason = "The user is gone or has another password"
            if reason is not None:
                fields = {"session": session.id, "path": session.path, "user": session.user}
                _log.info("the session is ended: %s", reason, extra=fields)
                self._because(session.id, reason)
                self._engine.kick(session.id)
        self._disconnect(users)
