"""What a running relay looks at by itself, and that nothing of it delays the others."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from relaycore import Relay, Track
from relaycore.alerts import alerts as alerts_module
from relaycore.alerts.alerts import Alerts
from relaycore.alerts.model import Alert
from relaycore.alerts.watch import Watch
from relaycore.events import AlertRaised
from relaycore.ledger.ledger import Ledger
from relaycore.settings import AlertSettings, LostRule, PathSettings, SharedLinkRule, ShedRule
from tests.support.alerts import NOON, came
from tests.support.events import of_kind

TIMEOUT = 20.0
PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")


@dataclass
class Reader:
    """A session of the engine."""

    id: str
    user: str | None
    discarded: int
    path: str = "cam"
    action: str = "read"
    peer: str = "192.0.2.7:5000"


class Records:
    """A ledger without anything in it."""

    addresses = "truncated"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.on_record: Any = None

    def name_of(self, session: str) -> str | None:
        return None if session == "ended" else f"record of {session}"


class Bench:
    """Alerts of a relay that is made up, and what they told."""

    def __init__(self, folder: Path, sessions: Any = list, **settings: Any) -> None:
        self.told: asyncio.Queue[Alert] = asyncio.Queue()
        self.ledger = Records(folder)
        self.clock = itertools.count(NOON, 1000)
        self.alerts = Alerts(
            AlertSettings(**settings),
            cast(Ledger, self.ledger),
            sessions=sessions,
            tell=self.told.put_nowait,
            clock=lambda: next(self.clock),
        )

    async def next(self) -> Alert:
        async with asyncio.timeout(TIMEOUT):
            return await self.told.get()


async def test_sessions_that_go_on_are_looked_at_for_what_they_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts_module, "SAMPLE_S", 0.001)
    readers = [
        Reader("good", "anna", 0),
        Reader("ended", "bo", 0),
        Reader("once", "cy", 9),
        Reader("x", None, 0),
    ]

    def sessions() -> list[Reader]:
        readers[1].discarded += 1
        readers[3].discarded += 1
        return readers

    bench = Bench(tmp_path, sessions, shed=ShedRule(times=3))
    bench.alerts.open()
    alert = await bench.next()
    await bench.alerts.close(0.0)
    assert (alert.rule, alert.subject, alert.path) == ("shed", "192.0.2.0/24", "cam")
    assert alert.records == ["record of x"]
    assert bench.told.empty()


async def test_what_happens_before_the_past_is_read_is_looked_at_afterwards(tmp_path: Path) -> None:
    bench = Bench(tmp_path, shared_link=SharedLinkRule(networks=2))
    bench.alerts.open()
    for network in ("192.0.2.0/24", "198.51.100.0/24"):
        bench.ledger.on_record(came("share:f00", network))
    assert bench.alerts.newest == []
    assert (await bench.next()).rule == "shared_link"
    await bench.alerts.close(0.0)
    bench.ledger.on_record(came())  # nobody takes it any more


async def test_a_rule_that_fails_is_told_once_and_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Watch, happening: Any) -> list[Alert]:
        raise ZeroDivisionError

    bench = Bench(tmp_path, shared_link=SharedLinkRule(networks=2))
    bench.alerts.open()
    bench.ledger.on_record(came("share:f00", "192.0.2.0/24"))
    bench.ledger.on_record(came("share:f00", "198.51.100.0/24"))
    await bench.next()
    with monkeypatch.context() as patched:
        patched.setattr(Watch, "take", fail)
        for _ in range(3):
            bench.ledger.on_record(came())
    await bench.alerts.close(0.0)
    said = [record.getMessage() for record in caplog.records if record.exc_info]
    assert said == ["a rule of alerts failed"]


@pytest.fixture
async def silent() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The URL of a server that takes what is sent, and never answers."""
    asked = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", asked
    server.close()


async def test_a_webhook_that_never_answers_holds_up_neither_alerts_nor_the_end(
    silent: tuple[str, asyncio.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts_module, "TICK_S", 0.01)
    url, asked = silent
    settings = AlertSettings(webhooks=[url], camera_lost=LostRule(seconds=1))
    doors = {name: PathSettings(source=f"rtsp://127.0.0.1:1/{name}") for name in ("front", "back")}
    relay = Relay(port=0, alerts=settings, paths=doors)
    events = relay.events()
    async with asyncio.timeout(TIMEOUT):
        async with relay:
            with relay.publish("own", [Track.h264(PARAMETERS)], can_force_key_frames=False):
                paths = {(await of_kind(events, AlertRaised)).path for _ in doors}
                await asked.wait()
    assert paths == {"front", "back"}
