"""What a relay keeps about those who use it: the ledger, alerts, and attempts to view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from relaycore._relaycore import Engine, Journey, SessionEvent
from relaycore.access.decisions import Gatekeeper
from relaycore.alerts.alerts import Alerts
from relaycore.alerts.model import Alert, CameraPicture
from relaycore.errors import ConfigurationError
from relaycore.events import AlertRaised, SessionEnded, SessionStarted
from relaycore.journeys.journeys import Journeys
from relaycore.language import Message
from relaycore.ledger.ledger import Ledger
from relaycore.ledger.records import now_ms
from relaycore.parts.events import EventExchange
from relaycore.parts.settings import CurrentSettings

__all__ = ["Records"]


class Records:
    """Makes and ends the records of one relay. All but :meth:`on_picture` is called from the loop."""

    def __init__(
        self,
        settings: CurrentSettings,
        engine: Engine,
        gatekeeper: Gatekeeper,
        events: EventExchange,
        *,
        purpose: Callable[[str], str | None],
        is_there: Callable[[str], bool],
    ) -> None:
        """``purpose`` says what a path is for, ``is_there`` whether there is one of that name.

        ConfigurationError where the settings have no place for the ledger.
        """
        self._settings = settings
        self._engine = engine
        self._gatekeeper = gatekeeper
        self._events = events
        self.ledger = self._make_ledger(purpose)
        self.alerts = Alerts(settings.config.alerts, self.ledger, sessions=engine.sessions, tell=self.tell_of)
        self.journeys = self._make_journeys(is_there)

    async def open(self) -> None:
        """Begins to keep. StateError where there is no room for it."""
        if self.journeys is not None:
            self.journeys.start()
            self._engine.tell_journeys(True)
        if self.ledger is not None:
            self._gatekeeper.on_refused = self.ledger.refused
            await self.ledger.open()
        self.alerts.open()

    async def close(self, timeout: float) -> None:
        """Writes what waits, in about this many seconds."""
        closing = [self.alerts.close(timeout)]
        if self.ledger is not None:
            closing.append(self.ledger.close(timeout))
        if self.journeys is not None:
            closing.append(asyncio.to_thread(self.journeys.close, timeout))
        self.ledger = self.journeys = None
        await asyncio.gather(*closing)

    # What happens

    def on_session(self, happened: SessionEvent) -> None:
        """A session has started or ended."""
        session, reason = happened.session, happened.reason
        if happened.kind == "started":
            if self.ledger is not None:
                self.ledger.session_started(session)
            if self.journeys is not None:
                self.journeys.started(session)
            self._events.emit(SessionStarted(path=session.path, session=session))
        else:
            if self.ledger is not None:
                self.ledger.session_ended(session, reason)
            if self.journeys is not None:
                self.journeys.ended(session, reason)
            self._events.emit(SessionEnded(path=session.path, session=session, reason=reason))

    def on_journey(self, journey: Journey) -> None:
        """Somebody has tried to view."""
        if self.journeys is not None:
            self.journeys.attempt(journey)

    def on_picture(self, path: str, luma: bytes, brightness: float) -> None:
        """A small picture of a camera; from any thread."""
        self._events.pass_on(self.alerts.take, CameraPicture(now_ms(), path, luma, brightness))

    def because(self, session: str, reason: str) -> None:
        """A session is about to be ended, by its id, for this reason."""
        if self.ledger is not None:
            self.ledger.because(session, reason)

    def tell_of(self, alert: Alert) -> None:
        """An alert was raised."""
        self._events.emit(AlertRaised(path=alert.path or "", alert=alert))

    # Making

    def _make_ledger(self, purpose: Callable[[str], str | None]) -> Ledger | None:
        """The ledger, where there is to be one; not open yet."""
        settings, folder = self._settings.config.ledger, self._settings.folder
        if not settings.enabled:
            return None
        if folder is None:
            raise ConfigurationError(
                Message("The ledger is kept in the state folder: set state_folder, too.")
            )
        users = self._gatekeeper.users
        return Ledger(
            folder,
            settings,
            who=lambda session: users.identity(session.user, session.ticket),
            purpose=purpose,
            unix_ns=self._engine.unix_ns,
        )

    def _make_journeys(self, is_there: Callable[[str], bool]) -> Journeys | None:
        """What counts attempts to view, where that is wished and there is a place for it."""
        settings, folder, engine = self._settings.config.journeys, self._settings.folder, self._engine
        if folder is None or not settings.enabled:
            return None
        return Journeys(
            folder,
            settings,
            unix_ns=engine.unix_ns,
            is_there=is_there,
            discarded=lambda: engine.discarded_journeys,
        )
