"""The names of sessions that the HTTP side shows.

The id in the ``Session`` header of RTSP is the key to a session: whoever knows it and may use the path can
end it from another connection (RFC 2326 section 16, "session hijacking"). So it is never shown, but a name
that is made from it with a key of its own and does not lead back.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable

from relaycore._relaycore import Session

__all__ = ["SessionIds"]

_BYTES = 8


class SessionIds:
    """Names for the sessions of one relay, as hexadecimal digits."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def of(self, session: Session) -> str:
        """The name of a session."""
        return hmac.digest(self._key, session.id.encode(), hashlib.sha256)[:_BYTES].hex()

    def find(self, name: str, sessions: Iterable[Session]) -> Session | None:
        """The session of this name."""
        return next((session for session in sessions if self.of(session) == name), None)
