"""``relaycore doctor`` and RTSP in WebSockets: of relaycore, and of a bridge in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from relaycore import Relay, User
from relaycore.doctor import client
from relaycore.doctor.credentials import Credentials
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Finding, Outcome
from relaycore.doctor.rules import websocket
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit
from tests.support.faulty_server import garbage
from tests.support.rtsp_websocket import Bridge, bridge

ANNA = User(name="anna", password="open-sesame")

FAULTS: dict[str, Bridge] = {
    "websocket-handshake": Bridge(protocols=()),
    "websocket-binary": Bridge(text=True),
    "websocket-pieces": Bridge(whole=True),
    "websocket-ping": Bridge(pongs=False),
    "websocket-media": Bridge(answer=lambda data: data.partition(b"$")[0]),
}


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA]) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25, microphone="none")
        yield relay


async def found(port: int, http_port: int | None = None, only: str = "") -> list[Finding]:
    target = Target.parse(f"rtsp://127.0.0.1:{port}/own")
    visit = Visit(target, Credentials(ANNA.name, "open-sesame"))
    visit.http_port, visit.websocket_path = http_port, "/websocket"
    return await examine(visit, [rule for rule in websocket.RULES if only in rule.id])


async def test_a_bridge_keeps_to_all_rules(relay: Relay) -> None:
    port = relay.address[1]
    async with bridge(port, Bridge()) as http_port:
        findings = await found(port, http_port)
    assert [(one.rule.id, one.why, one.shown) for one in findings if one.outcome is not Outcome.HOLDS] == []


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_found_and_shown(
    relay: Relay, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 1.0)
    port = relay.address[1]
    async with bridge(port, FAULTS[name]) as http_port:
        (finding,) = await found(port, http_port, name)
    assert finding.outcome is Outcome.FAILS
    assert finding.why
    assert any(line.startswith("> ") for line in finding.shown)
    assert "response=" not in "".join(finding.shown)


@pytest.mark.parametrize("status", [200, 401, 404])
async def test_a_server_of_something_else_breaks_no_rule(relay: Relay, status: int) -> None:
    async with bridge(relay.address[1], Bridge(status=status)) as http_port:
        findings = await found(relay.address[1], http_port)
    assert {one.outcome for one in findings} == {Outcome.UNTRIED}


async def test_relaycore_keeps_to_all_rules(relay: Relay) -> None:
    findings = await found(relay.address[1])
    assert [(one.rule.id, one.why, one.shown) for one in findings if one.outcome is not Outcome.HOLDS] == []


@pytest.mark.parametrize(
    "frame",
    [
        b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xff",
        b"\x88\x00",
        b"\x82\x10short",
        b"\x82\x04\x00\xff\x00\xff",
        b"\x89\x00" * 100,
    ],
)
async def test_frames_that_are_none_are_told(frame: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 0.3)
    async with garbage(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + frame) as port:
        (finding,) = await found(port, only="binary")
    assert finding.outcome is Outcome.FAILS
    assert finding.why


def test_every_rule_has_a_fault() -> None:
    assert FAULTS.keys() == {rule.id for rule in websocket.RULES}
