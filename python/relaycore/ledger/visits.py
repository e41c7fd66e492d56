"""Sessions as the ledger has them, from the facts that the engine tells."""

from __future__ import annotations

from collections.abc import Callable

from relaycore._relaycore import Session as EngineSession
from relaycore.access.identity import Identity
from relaycore.ledger.addresses import kept_address
from relaycore.ledger.records import LONGEST_CLIENT, Opening, Session, tidy
from relaycore.settings.ledger import Addresses

__all__ = ["Visits"]

_MS: int = 1_000_000
"""Nanoseconds of a millisecond."""


class Visits:
    """The openings of the sessions that have not ended.

    ``who`` tells who has a session, as far as that is known, ``purpose`` what a path is for, ``unix_ns`` the
    time of a moment of the engine's clock.
    """

    def __init__(
        self,
        addresses: Addresses,
        *,
        who: Callable[[EngineSession], Identity | None],
        purpose: Callable[[str], str | None],
        unix_ns: Callable[[int], int],
    ) -> None:
        self._addresses: Addresses = addresses
        self._who = who
        self._purpose = purpose
        self._unix_ns = unix_ns
        self._reasons: dict[str, str] = {}

    def begin(self, session: EngineSession) -> Opening:
        """The record of a session that has been set up."""
        begun = self._unix_ns(session.started_ns) // _MS
        who = self._who(session)
        return Opening(
            subject=session.user,
            role=None if who is None else who.role,
            purpose=who.purpose if who is not None and who.purpose else self._purpose(session.path),
            action=session.action,
            path=session.path,
            protocol=f"{session.protocol}s" if session.secure else session.protocol,
            transport=session.transport,
            client=tidy(session.user_agent, LONGEST_CLIENT),
            network=kept_address(session.peer, self._addresses),
            begun=begun,
        )

    def because(self, session: str, reason: str) -> None:
        """Says why a session is about to be ended, where the engine does not know that."""
        self._reasons.setdefault(session, reason.removesuffix("."))

    def end(self, opening: Opening, session: EngineSession, reason: str | None) -> Session:
        """The record of a session that has ended."""
        why = self._reasons.pop(session.id, None) or reason or ""
        first = session.first_picture_ns
        record = Session(
            id=opening.id,
            subject=opening.subject,
            role=opening.role,
            purpose=opening.purpose,
            action=opening.action,
            path=opening.path,
            protocol=opening.protocol,
            transport=opening.transport,
            client=opening.client,
            network=opening.network,
            begun=opening.begun,
            to=None,
            bytes=session.bytes,
            discarded=session.discarded,
            first_picture_ms=None if first is None else max(0, first - session.started_ns) // _MS,
            reason=why,
        )
        record.to = record.at
        return record
