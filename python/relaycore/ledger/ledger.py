"""The ledger of a running relay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from relaycore._relaycore import Session as EngineSession
from relaycore.access.answers import Question, Refuse, Rejection
from relaycore.access.identity import Identity
from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.ledger.addresses import kept_address
from relaycore.ledger.records import LONGEST_CLIENT, Act, Kind, Opening, Record, Refusal, tidy
from relaycore.ledger.refusals import Refusals
from relaycore.ledger.running import Running
from relaycore.ledger.store import LedgerFile
from relaycore.ledger.visits import Visits
from relaycore.ledger.writer import Entry, Writer
from relaycore.settings.ledger import Addresses, LedgerSettings

__all__ = ["Ledger", "ignore"]

PATIENCE_S: Final = 4.0
"""Seconds that somebody waits for a record to be written; less than the engine waits for a decision."""

LONGEST_PATH: Final = 256
"""Characters of a path, or of what an act is done to, that are kept."""

NOT_ON_RECORD: Final = "The session cannot be put on record now, try again later"
"""Why nobody is let in while nothing can be written."""


class Ledger:
    """Records what happens in one relay, in its state folder. All methods are called from the loop."""

    def __init__(
        self,
        folder: Path,
        settings: LedgerSettings,
        *,
        who: Callable[[EngineSession], Identity | None],
        purpose: Callable[[str], str | None],
        unix_ns: Callable[[int], int],
    ) -> None:
        self.folder = folder
        """The state folder."""
        self.on_record: Callable[[Record], None] = ignore
        """Called with each opening, session and refusal that is given to be written."""
        self._settings = settings
        self._visits = Visits(settings.addresses, who=who, purpose=purpose, unix_ns=unix_ns)
        self._refusals = Refusals()
        self._open: dict[str, tuple[Opening, Entry]] = {}
        self._counting: asyncio.TimerHandle | None = None
        file = LedgerFile(folder, synchronous=settings.synchronous)
        self._writer = Writer(file, Running(folder), settings.retention)

    async def open(self) -> None:
        """Begins to write. StateError where nothing can be written and nobody is to be let in then."""
        self._writer.start()
        try:
            await self._written(self._writer.put(None))
        except StateError:
            if self.refuses:
                await self.close(0.0)
                raise

    async def close(self, timeout: float) -> None:
        """Writes what waits, but not for longer than ``timeout`` seconds, and ends."""
        if self._counting is not None:
            self._counting.cancel()
        for refusal in self._refusals.due(all_of_them=True):
            self._put(refusal)
        await asyncio.to_thread(self._writer.close, timeout)

    @property
    def refuses(self) -> bool:
        """Whether nobody is let in while nothing can be written."""
        return self._settings.when_full == "refuse"

    @property
    def addresses(self) -> Addresses:
        """What is kept of addresses."""
        return self._settings.addresses

    @property
    def written(self) -> dict[Kind, int]:
        """Records that were written since the start, by kind."""
        return dict(self._writer.written)

    @property
    def lost(self) -> int:
        """Records that were not written, and never will be."""
        return self._writer.lost

    @property
    def waiting(self) -> int:
        """Records that wait to be written."""
        return self._writer.waiting

    @property
    def failure(self) -> str | None:
        """Why the last attempt to write failed, in a sentence; ``None`` where it did not."""
        return self._writer.failure

    # Sessions

    def session_started(self, session: EngineSession) -> None:
        """A session has been set up."""
        opening = self._visits.begin(session)
        self._open[session.id] = opening, self._put(opening)

    def admit(self, session: EngineSession, answer: Callable[[Refuse | None], None]) -> None:
        """Calls ``answer`` when a session is on record, or with why it may not go on where that cannot be.

        There is no limit of time but that of the engine, so that it costs next to nothing.
        """
        opening, entry = self._open.get(session.id, (None, None))
        if opening is None or entry is None:
            answer(Refuse(503, NOT_ON_RECORD))  # it has ended meanwhile
            return
        if entry.lost:
            entry = self._writer.put(opening)
            self._open[session.id] = opening, entry

        def tell(error: StateError | None) -> None:
            if error is not None:
                self._put_refusal(_not_on_record(opening), session.peer)
            answer(None if error is None else Refuse(503, NOT_ON_RECORD))

        self._writer.when_written(entry, tell)

    def name_of(self, session: str) -> str | None:
        """The ``id`` of the record of a session that has not ended, by its id of RTSP."""
        opening, _ = self._open.get(session, (None, None))
        return None if opening is None else opening.id

    def because(self, session: str, reason: str) -> None:
        """Says why a session, by its id, is about to be ended by the relay."""
        if session in self._open:
            self._visits.because(session, reason)

    def session_ended(self, session: EngineSession, reason: str | None) -> None:
        """A session has ended."""
        opening, _ = self._open.pop(session.id, (None, None))
        if opening is not None:
            self._put(self._visits.end(opening, session, reason))

    # Refusals and acts

    def refused(self, rejection: Rejection) -> None:
        """Somebody was not let in."""
        question = rejection.question
        refusal = Refusal(
            subject=rejection.user,
            action=question.action,
            path=tidy(question.path.strip("/"), LONGEST_PATH),
            protocol=_protocol_of(question),
            client=tidy(question.user_agent, LONGEST_CLIENT),
            network=kept_address(question.peer, self._settings.addresses),
            status=rejection.status,
            reason=rejection.reason,
        )
        self._put_refusal(refusal, question.peer)

    async def act(
        self,
        act: str,
        target: str | None,
        *,
        means: str,
        user: str | None = None,
        client: str | None = None,
        peer: str | None = None,
    ) -> Act:
        """Records that somebody is about to do something.

        Returns when that is on record. StateError where it cannot be and nothing is to be done then.
        """
        record = Act(
            subject=user,
            act=act,
            target=tidy(target, LONGEST_PATH),
            means=means,
            client=tidy(client, LONGEST_CLIENT),
            network=None if peer is None else kept_address(peer, self._settings.addresses),
        )
        entry = self._writer.put(record)
        if self.refuses:
            await self._written(entry)
        return record

    def act_failed(self, act: Act, status: int) -> None:
        """Records that nothing came of an act."""
        failed = Act(
            id=act.id,
            subject=act.subject,
            act=act.act,
            target=act.target,
            means=act.means,
            client=act.client,
            network=act.network,
            failed=status,
        )
        self._writer.put(failed)

    async def _written(self, entry: Entry) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._writer.wait(entry)
        except TimeoutError:
            raise StateError(
                Message(
                    "The ledger was not written within {patience_s} seconds: see whether its disk works.",
                    patience_s=f"{PATIENCE_S:g}",
                )
            ) from None

    def _put_refusal(self, refusal: Refusal, peer: str) -> None:
        for record in self._refusals.take(refusal, peer.rpartition(":")[0].strip("[]")):
            self._put(record)
        self._count_later()

    def _count_later(self) -> None:
        due_in_s = self._refusals.due_in_s
        if due_in_s is not None and self._counting is None:
            self._counting = asyncio.get_running_loop().call_later(due_in_s, self._put_counted)

    def _put_counted(self) -> None:
        self._counting = None
        for record in self._refusals.due():
            self._put(record)
        self._count_later()

    def _put(self, record: Record) -> Entry:
        entry = self._writer.put(record)
        self.on_record(record)
        return entry


def ignore(_record: Record) -> None:
    """Does nothing with a record."""


def _not_on_record(opening: Opening) -> Refusal:
    return Refusal(
        subject=opening.subject,
        action=opening.action,
        path=opening.path,
        protocol=opening.protocol,
        client=opening.client,
        network=opening.network,
        status=503,
        reason=NOT_ON_RECORD,
    )


def _protocol_of(question: Question) -> str:
    usual = "rtsp" if question.action in ("read", "publish") else "http"
    protocol = getattr(question, "protocol", usual)
    return f"{protocol}s" if question.secure else protocol
