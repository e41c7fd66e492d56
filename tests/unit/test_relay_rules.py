"""Rules of access in a running relay, over RTSP and over HTTP."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import aiohttp
import pytest

from relaycore import AccessRule, AccessSettings, Config, Relay, User
from relaycore.access import decisions
from relaycore.events import SessionEnded
from tests.support.events import of_kind
from tests.support.rtsp import Client

ANNA = User(name="anna", password="open sesame")

MORNING = datetime(2026, 6, 1, 8, 0, tzinfo=UTC).timestamp()
MINUTE = 60.0


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(MORNING)
    monkeypatch.setattr(decisions, "wallclock", clock)
    return clock


def access(*rules: AccessRule) -> AccessSettings:
    return AccessSettings(time_zone="UTC", rules=list(rules))


async def closed(client: Client) -> None:
    """Wait until the server has closed the connection, whatever comes before."""
    with contextlib.suppress(EOFError):
        while True:
            await client.packet()


async def watched(relay: Relay) -> None:
    await relay.add_camera("cam", camera="pattern", size="320x240", fps=30, microphone="none")


async def test_sessions_end_when_the_hours_of_a_rule_do(clock: Clock) -> None:
    open_hours = AccessRule(effect="allow", actions=["read"], hours=["08:00-08:10"])
    deny = AccessRule(name="closed", effect="deny", actions=["read"])
    async with Relay(port=0, access=access(open_hours, deny)) as relay:
        await watched(relay)
        events = relay.events()
        async with await Client.connect(relay.urls("cam")[0]) as client:
            await client.start(udp=False)
            await client.packet()
            clock.now += 10 * MINUTE
            await of_kind(events, SessionEnded)
            await closed(client)
        async with await Client.connect(relay.urls("cam")[0]) as client:
            refused = await client.request("DESCRIBE", headers={"Accept": "application/sdp"})
            assert (refused.status, refused.reason) == (403, "Not allowed")


async def test_what_a_connection_was_allowed_ends_with_the_hours_too(clock: Clock) -> None:
    """The engine remembers decisions for each connection."""
    closed = AccessRule(effect="deny", actions=["read"], hours=["08:10-09:00"])
    async with Relay(port=0, access=access(closed)) as relay:
        await watched(relay)
        events = relay.events()
        async with (
            await Client.connect(relay.urls("cam")[0]) as playing,
            await Client.connect(relay.urls("cam")[0]) as asking,
        ):
            await playing.start(udp=True)
            await asking.describe()
            clock.now += 10 * MINUTE
            await of_kind(events, SessionEnded)
            assert (await asking.request("DESCRIBE")).status == 403


async def test_a_reload_changes_the_rules_and_ends_what_they_deny() -> None:
    deny = AccessRule(name="closed", effect="deny", actions=["read"], paths=["c*"])
    async with Relay(port=0) as relay:
        await watched(relay)
        events = relay.events()
        async with await Client.connect(relay.urls("cam")[0]) as client:
            await client.start(udp=False)
            plan = await relay.reload(Config(port=0, access=access(deny)), dry_run=True)
            assert [str(change) for change in plan.changes] == ["access changed"]
            assert [ending.reason for ending in plan.sessions] == ["the rule 'closed' denies it."]
            await relay.reload(Config(port=0, access=access(deny)))
            await of_kind(events, SessionEnded)


async def test_rules_hold_over_http_and_strangers_hear_no_reason() -> None:
    rules = access(
        AccessRule(name="secret", effect="deny", actions=["look"], paths=["cam"]),
        AccessRule(effect="allow", actions=["look"], networks=["127.0.0.0/8"]),
    )
    async with Relay(port=0, users=[ANNA], access=rules) as relay, aiohttp.ClientSession() as http:
        await watched(relay)
        host, port = relay.address
        for path, expected in [("paths", 200), ("paths/cam", 403), ("paths/other", 404)]:
            async with http.get(f"http://{host}:{port}/api/v1/{path}") as answer:
                assert answer.status == expected, path
                assert "secret" not in await answer.text()
