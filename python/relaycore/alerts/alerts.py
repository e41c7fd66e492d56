"""The alerts of a running relay."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from relaycore._relaycore import Session as EngineSession
from relaycore.alerts.from_events import happening_of
from relaycore.alerts.model import Alert, Happening, Shed
from relaycore.alerts.places import DAY_MS, HISTORY_DAYS
from relaycore.alerts.replay import records_of
from relaycore.alerts.sinks.delivery import Delivery, Sink
from relaycore.alerts.sinks.mail import Mail
from relaycore.alerts.sinks.webhook import Webhook
from relaycore.alerts.table import Table
from relaycore.alerts.watch import Watch
from relaycore.errors import StateError
from relaycore.events import Event
from relaycore.ledger.addresses import kept_address
from relaycore.ledger.ledger import Ledger, ignore
from relaycore.ledger.records import now_ms
from relaycore.ledger.schema import LEDGER_FILE
from relaycore.settings import AlertSettings
from relaycore.settings.alerts import Severity

__all__ = ["Alerts"]

_log = logging.getLogger(__name__)

KEPT: Final = 500
"""Alerts that are kept for those who ask for the newest."""

TICK_S: Final = 1.0
"""Seconds from one look at the clock to the next."""

SAMPLE_S: Final = 15.0
"""Seconds from one look for readers that are too slow to the next."""

MOST_READ: Final = 100_000
"""Records of a kind that are read at the start, the newest, to know what is usual."""

MOST_WAITING: Final = 20_000
"""What may happen while they are read; what is on top is not looked at."""

MOST_LOOKS: Final = 1_000
"""Looks at alerts that are remembered."""

_LEVELS: Final[dict[Severity, int]] = {
    "info": logging.INFO,
    "warning": logging.WARNING,
    "critical": logging.WARNING,
}


class Alerts:
    """Tells what is odd in one relay. All methods are called from the loop.

    ``sessions`` gives those of the engine, from any thread. ``tell`` is called with each alert.
    """

    def __init__(
        self,
        settings: AlertSettings,
        ledger: Ledger | None,
        *,
        sessions: Callable[[], Sequence[EngineSession]],
        tell: Callable[[Alert], None],
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self.told: Counter[tuple[str, Severity]] = Counter()
        """Alerts since the start, by rule and severity."""
        sinks: list[Sink] = [Webhook(url) for url in settings.webhooks]
        if settings.mail is not None:
            sinks.append(Mail(settings.mail))
        self.deliveries = [Delivery(sink) for sink in sinks]
        """Where alerts are sent."""
        self.looks: Table[tuple[str, str], float] = Table(MOST_LOOKS, lambda: float("-inf"))
        """When somebody's look at alerts was put on record: by user and by whom they were about."""
        self._settings = settings
        self._ledger = ledger
        self._sessions = sessions
        self._tell = tell
        self._clock = clock
        self._newest: deque[Alert] = deque(maxlen=KEPT)
        self._watch: Watch | None = None
        self._waiting: deque[Happening] = deque(maxlen=MOST_WAITING)
        self._discarded: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._broken = False

    @property
    def newest(self) -> list[Alert]:
        """The newest alerts, the newest first, those among them that the ledger tells of at the start."""
        return list(reversed(self._newest))

    def in_language(self, alert: Alert) -> Alert:
        """The same alert with its text in the language that holds, where that is known."""
        return alert if self._watch is None else self._watch.limit.in_language(alert)

    @property
    def left_out(self) -> int:
        """What was found on top of what a rule may tell in an hour."""
        return 0 if self._watch is None else sum(self._watch.limit.left_out.values())

    def open(self) -> None:
        """Begins to look. Where there is a ledger, it is open, and nobody has come in yet."""
        loop = asyncio.get_running_loop()
        if self._ledger is None:
            self._watch = Watch(self._settings)
        else:
            self._ledger.on_record = self.take
            self._tasks.append(loop.create_task(self._learn(self._ledger)))
            if self._settings.shed.enabled:
                self._tasks.append(loop.create_task(self._keep_sampling(self._ledger)))
        self._tasks.append(loop.create_task(self._keep_time()))

    async def close(self, timeout: float) -> None:
        """Ends. Sinks get so many seconds for what waits."""
        if self._ledger is not None:
            self._ledger.on_record = ignore
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(delivery.close(timeout) for delivery in self.deliveries))

    def take(self, happening: Happening) -> None:
        """Something has happened."""
        if self._watch is None:
            self._waiting.append(happening)
        else:
            self._raise(lambda watch: watch.take(happening))

    def happened(self, event: Event) -> None:
        """The relay tells of something."""
        happening = happening_of(event, self._clock())
        if happening is not None:
            self.take(happening)

    def _raise(self, look: Callable[[Watch], list[Alert]]) -> None:
        assert self._watch is not None
        try:
            alerts = look(self._watch)
        except Exception:
            # Whoever tells what happens has other things to do.
            if not self._broken:
                self._broken = True
                _log.exception("a rule of alerts failed")
            return
        for alert in alerts:
            self._newest.append(alert)
            self.told[alert.rule, alert.severity] += 1
            fields = {"alert": alert.id, "rule": alert.rule, "severity": alert.severity}
            fields |= {"subject": alert.subject, "path": alert.path or ""}
            _log.log(_LEVELS[alert.severity], "%s", alert.text, extra=fields | {"records": alert.records})
            for delivery in self.deliveries:
                delivery.put(alert)
            self._tell(alert)

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self._watch is not None:
                self._raise(lambda watch: watch.advance(self._clock()))

    async def _learn(self, ledger: Ledger) -> None:
        """Reads what is usual from the ledger, and what was told before."""
        loop, until = asyncio.get_running_loop(), self._clock()
        done: asyncio.Future[tuple[Watch, list[Alert]]] = loop.create_future()

        def settle(learned: tuple[Watch, list[Alert]]) -> None:
            if not done.cancelled():
                done.set_result(learned)

        def read() -> None:
            learned = _learned(self._settings, ledger.folder / LEDGER_FILE, until)
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(settle, learned)

        threading.Thread(target=read, name="relaycore-alerts", daemon=True).start()
        self._watch, before = await done
        self._newest.extend(before)
        while self._waiting:
            happening = self._waiting.popleft()
            self._raise(lambda watch, happening=happening: watch.take(happening))  # type: ignore[misc]

    async def _keep_sampling(self, ledger: Ledger) -> None:
        while True:
            await asyncio.sleep(SAMPLE_S)
            slow = await asyncio.to_thread(lambda: _slow(self._sessions()))
            at = self._clock()
            known, self._discarded = self._discarded, {}
            for session, discarded in slow:
                self._discarded[session.id] = discarded
                record = ledger.name_of(session.id)
                if record is not None and discarded > known.get(session.id, 0):
                    reader = session.user or kept_address(session.peer, ledger.addresses) or "somebody"
                    self.take(Shed(at, record, reader, session.path, discarded))


def _learned(settings: AlertSettings, file: Path, until: int) -> tuple[Watch, list[Alert]]:
    """The rules, which know what was before a time, and the alerts that there were."""
    watch = Watch(settings)
    alerts: deque[Alert] = deque(maxlen=KEPT)
    if file.exists():
        try:
            for record in records_of(file, most=MOST_READ, since=until - HISTORY_DAYS * DAY_MS):
                if record.at <= until:
                    alerts += watch.take(record)
        except StateError as error:
            _log.warning("alerts do not know what is usual: %s", error)
        except Exception:
            _log.exception("alerts do not know what is usual")
    return watch, list(alerts)


def _slow(sessions: Sequence[EngineSession]) -> list[tuple[EngineSession, int]]:
    """Readers that have missed something, and how much."""
    return [
        (session, discarded)
        for session in sessions
        if session.action == "read" and (discarded := session.discarded) > 0
    ]
