"""Alerts of a running relay: from the ledger's records and the cameras to events, log, API and metrics."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from openapi_schema_validator import OAS31Validator

from relaycore import LedgerSettings, PathSettings, Relay, Track, User
from relaycore.alerts import alerts as alerts_module
from relaycore.alerts.model import Alert
from relaycore.alerts.replay import records_of, replay
from relaycore.events import AlertRaised
from relaycore.ledger.records import now_ms
from relaycore.ledger.schema import LEDGER_FILE
from relaycore.ledger.store import LedgerFile
from relaycore.settings import AlertSettings, LostRule, SharedLinkRule, SprayingRule
from relaycore.web.api.openapi import describe
from relaycore.web.server import ROUTES
from tests.support.alerts import came
from tests.support.events import of_kind
from tests.support.ledger import written
from tests.support.rtsp import Client

TIMEOUT = 20.0
NAMES = ("anna", "bo", "cy")
USERS = [
    *(User(name=name, password=f"of {name}", role="viewer") for name in NAMES),
    User(name="eva", password="eva", role="auditor"),
    User(name="olga", password="olga", role="operator"),
]
DESCRIPTION = describe(ROUTES)
PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")


def relay_of(folder: Path, **alerts: Any) -> Relay:
    ledger = LedgerSettings(enabled=True, synchronous="normal")
    settings = AlertSettings(**{"spraying": SprayingRule(accounts=3), **alerts})
    return Relay(port=0, users=USERS, basic=True, state_folder=str(folder), ledger=ledger, alerts=settings)


async def spray(relay: Relay) -> None:
    """Send a wrong password for each user."""
    for name in NAMES:
        async with await Client.connect(relay.urls("own")[0]) as client:
            client.headers = {"Authorization": aiohttp.encode_basic_auth(name, "guess")}
            response = await client.request("DESCRIBE", relay.urls("own")[0])
            assert response.status == 401


async def ask(relay: Relay, user: str, query: str = "") -> tuple[int, Any]:
    host, port = relay.address
    headers = {"Authorization": aiohttp.encode_basic_auth(user, user)}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(f"http://{host}:{port}/api/v1/alerts{query}") as response,
    ):
        found = await response.json()
        content = DESCRIPTION["paths"]["/api/v1/alerts"]["get"]["responses"][str(response.status)]["content"]
        schema = {**content["application/json"]["schema"], "components": DESCRIPTION["components"]}
        OAS31Validator(schema).validate(found)
        return response.status, found


async def next_alert(events: Any) -> Alert:
    async with asyncio.timeout(TIMEOUT):
        return (await of_kind(events, AlertRaised)).alert


async def test_spraying_is_told_with_its_records_and_a_replay_tells_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    relay = relay_of(tmp_path)
    events = relay.events()
    async with relay:
        with relay.publish("own", [Track.h264(PARAMETERS)], can_force_key_frames=False):
            await spray(relay)
            alert = await next_alert(events)
        assert relay.alerts() == [alert]
    assert (alert.rule, alert.severity, alert.subject) == ("spraying", "critical", "127.0.0.0/24")
    refused = written(tmp_path, "refusal")
    assert alert.records == [refusal.id for refusal in refused]
    (logged,) = [vars(record) for record in caplog.records if "rule" in vars(record)]
    assert (logged["levelname"], logged["rule"], logged["records"]) == ("WARNING", "spraying", alert.records)
    assert list(replay(records_of(tmp_path / LEDGER_FILE), relay.config.alerts)) == [alert]


async def test_a_relay_knows_at_its_start_what_was_before(tmp_path: Path) -> None:
    """What is usual, and which alerts there were: they are kept, and are not told again."""
    file = LedgerFile(tmp_path)
    used = [came("share:f00", f"10.0.{number}.0/24", at=now_ms() - 1000 + number) for number in range(3)]
    file.append(used)
    file.close()
    relay = relay_of(tmp_path, shared_link=SharedLinkRule(networks=3))
    events = relay.events()
    async with relay:
        with relay.publish("own", [Track.h264(PARAMETERS)], can_force_key_frames=False):
            await spray(relay)
        # What happens meanwhile is looked at afterwards.
        assert (await next_alert(events)).rule == "spraying"
        _, alert = relay.alerts()
    assert (alert.rule, alert.records) == ("shared_link", [opening.id for opening in used])


async def test_auditors_and_administrators_read_alerts_and_that_is_on_record(tmp_path: Path) -> None:
    relay = relay_of(tmp_path)
    events = relay.events()
    async with relay:
        with relay.publish("own", [Track.h264(PARAMETERS)], can_force_key_frames=False):
            await spray(relay)
            alert = await next_alert(events)
        assert (await ask(relay, "olga"))[0] == 403
        status, page = await ask(relay, "eva")
        assert status == 200
        assert [found["id"] for found in page["alerts"]] == [alert.id]
        for query, count in (
            ("?rule=spraying&severity=critical&subject=127.0.0.0/24", 1),
            (f"?since={alert.at}", 1),
            (f"?since={alert.at + 1}", 0),
            ("?rule=networks", 0),
            ("?severity=info", 0),
        ):
            assert len((await ask(relay, "eva", query))[1]["alerts"]) == count, query
        assert (await ask(relay, "eva", "?limit=0"))[0] == 400
        host, port = relay.address
        async with (
            aiohttp.ClientSession(
                headers={"Authorization": aiohttp.encode_basic_auth("olga", "olga")}
            ) as http,
            http.get(f"http://{host}:{port}/metrics") as response,
        ):
            metrics = await response.text()
    assert 'relaycore_alerts_total{rule="spraying",severity="critical"} 1' in metrics
    acts = [(act.subject, act.act, act.target) for act in written(tmp_path, "act")]
    assert acts == [("eva", "readAlerts", None), ("eva", "readAlerts", "127.0.0.0/24")]


async def test_without_a_ledger_people_are_not_looked_at_but_cameras_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alerts_module, "TICK_S", 0.05)
    settings = AlertSettings(spraying=SprayingRule(accounts=3), camera_lost=LostRule(seconds=1))
    door = PathSettings(source="rtsp://127.0.0.1:1/nobody")
    relay = Relay(port=0, users=USERS, basic=True, alerts=settings, paths={"door": door})
    events = relay.events()
    async with relay:
        await spray(relay)
        alert = await next_alert(events)
        assert (alert.rule, alert.subject) == ("camera_lost", "door")
        assert relay.alerts() == [alert]
