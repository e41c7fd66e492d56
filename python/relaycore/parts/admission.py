"""Who may come in to a relay, and the sessions of those who have."""

from __future__ import annotations

from collections.abc import Callable, Collection

from relaycore._relaycore import Engine, Request, Session, SessionEvent
from relaycore.access.answers import Refuse
from relaycore.access.decisions import Gatekeeper
from relaycore.access.leases import Leases
from relaycore.access.outside import DecisionWebhook
from relaycore.addresses import is_loopback
from relaycore.errors import ConfigurationError, SourceError
from relaycore.language import Message
from relaycore.parts.records import Records
from relaycore.paths.manager import Paths
from relaycore.web.server import Web

__all__ = ["Admission", "refuse_strangers"]


def refuse_strangers(host: str, settled: bool) -> None:
    """ConfigurationError where the network comes in and it is not settled who that may be."""
    if settled or is_loopback(host):
        return
    raise ConfigurationError(
        Message(
            "Listening on {host} lets the network in: add a user, or set anonymous = true to let "
            "everybody in.",
            host=host,
        )
    )


class Admission:
    """Answers for one relay what the engine asks about sessions. All methods are called from the loop."""

    def __init__(
        self,
        engine: Engine,
        gatekeeper: Gatekeeper,
        records: Records,
        paths: Paths,
    ) -> None:
        self._engine = engine
        self._gatekeeper = gatekeeper
        self._records = records
        self._paths = paths
        self._leases = Leases(engine, gatekeeper, self._disconnect, records.because)
        self._asks_before_media = False
        self._is_open = True
        self.web: Web | None = None
        """The HTTP server, whose connections end with those of the engine."""

    def open(self) -> None:
        """Begins to end sessions by the clock."""
        self.ask_before_media()
        self._leases.open()

    async def close(self) -> None:
        """Ends nothing any more, and takes no more account of sessions than to record them."""
        self._is_open, self.web = False, None
        webhook, self._gatekeeper.webhook = self._gatekeeper.webhook, None
        await self._leases.close()
        if webhook is not None:
            await webhook.close()

    async def ask_webhook(self, url: str) -> None:
        """Has the server at this URL decide, too, from now on; none where it is empty."""
        before = self._gatekeeper.webhook
        if before is not None and before.url == url:
            return
        self._gatekeeper.webhook = DecisionWebhook(url) if url else None
        if before is not None:
            await before.close()

    def ask_before_media(self) -> None:
        """Has the engine ask before media flows where that may be refused."""
        ledger = self._records.ledger
        on_record = ledger is not None and ledger.refuses
        self._asks_before_media = on_record or self._gatekeeper.limits_sessions
        self._engine.ask_before_media(self._asks_before_media)

    # What the engine asks and tells

    async def prepare(self, request: Request) -> Refuse | None:
        """Makes a path ready for who may read or publish it; says why that cannot be."""
        path = request.path.strip("/")
        if request.action == "publish":
            self._paths.prepare_publisher(path)
            return None
        try:
            await self._paths.prepare(path)
        except SourceError as error:
            return Refuse(404, str(error))
        return None

    def admit(self, session: Session, answer: Callable[[Refuse | None], None]) -> None:
        """Answers when a session is on record; says why it may not go on where that cannot be."""
        refused = self._leases.admit(session) if self._is_open else None
        ledger = self._records.ledger
        if refused is not None or ledger is None:
            answer(refused)
        else:
            ledger.admit(session, answer)

    def admit_from_web(self, session: Session, answer: Callable[[Refuse | None], None]) -> None:
        """As :meth:`admit`, where the engine would ask."""
        if self._asks_before_media:
            self.admit(session, answer)
        else:
            answer(None)

    def on_session(self, happened: SessionEvent) -> None:
        """A session has started or ended."""
        if self.web is not None:
            self.web.on_session(happened)
        if self._is_open:
            (self._leases.begin if happened.kind == "started" else self._leases.end)(happened.session)
        self._records.on_session(happened)

    # What ends sessions

    def end_sessions(self, user: str, reason: str) -> list[Session]:
        """Ends all that a user has open, and gives the sessions of the engine that were among it."""
        ended = [session for session in self._engine.sessions() if session.user == user]
        self._leases.revoke({user}, reason)
        return ended

    def end(self, session: str, reason: str) -> None:
        """Ends one session by its id."""
        self._records.because(session, reason)
        self._engine.kick(session)

    def revoke(self, names: Collection[str] = (), reason: str | None = None) -> None:
        """The users or share links are others: ends all of these, and what is not allowed any more."""
        self.ask_before_media()
        self._leases.revoke(names, reason)

    def accounts_changed(self, gone: Collection[str] | None) -> None:
        """The account file has changed, and these are gone; ``None`` where it only has more share links."""
        if gone is None:
            self.ask_before_media()
        else:
            self.revoke(gone)

    def _disconnect(self, users: Collection[str]) -> None:
        if self.web is not None:
            self.web.disconnect(users)
