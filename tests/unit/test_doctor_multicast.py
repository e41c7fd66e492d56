"""``relaycore doctor`` and multicast, on the loopback interface."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from relaycore import MulticastSettings, PathSettings, Relay
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Broken, Finding, Outcome
from relaycore.doctor.rules import multicast
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit
from tests.support.faulty_server import edit, faulty
from tests.support.wire_proxy import Change, between

GROUP = "239.255.42.7"


def one_that_plays() -> Callable[[], Change]:
    """The second session never plays: it hears the first."""
    plays = 0

    def change(data: bytes) -> bytes:
        nonlocal plays
        plays += data.startswith(b"PLAY ")
        return data.replace(b"PLAY ", b"OPTIONS ") if plays > 1 else data

    return lambda: change


FAULTS: dict[str, Callable[[int], AbstractAsyncContextManager[int]]] = {
    "multicast-transport": lambda port: faulty(port, edit("ttl=", "hops=", of="SETUP")),
    "multicast-group": lambda port: faulty(port, edit(GROUP, "239.255.42.8", of="DESCRIBE", body=True)),
    "multicast-shared": lambda port: between(port, ask=one_that_plays()),
}


@pytest.fixture
async def relay(unused_udp_port_factory: Callable[[], int]) -> AsyncIterator[Relay]:
    port = next(port for port in iter(unused_udp_port_factory, None) if port % 2 == 0)
    group = MulticastSettings(group=GROUP, port=port, interface="127.0.0.1")
    async with Relay(port=0, paths={"own": PathSettings(multicast=group)}) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25, microphone="none")
        await relay.add_camera("other", camera="pattern", size="160x120", fps=25, microphone="none")
        yield relay


async def found(port: int, path: str = "own?multicast") -> dict[str, Finding]:
    visit = Visit(Target.parse(f"rtsp://127.0.0.1:{port}/{path}"))
    return {one.rule.id: one for one in await examine(visit, multicast.RULES)}


async def test_relaycore_keeps_to_all_rules(relay: Relay) -> None:
    findings = await found(relay.address[1])
    assert {(one.outcome, one.why) for one in findings.values()} == {(Outcome.HOLDS, "")}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_found_and_shown(
    relay: Relay, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multicast, "ANSWER_S", 1.0)
    async with FAULTS[name](relay.address[1]) as port:
        findings = await found(port)
    assert [one for one, finding in findings.items() if finding.outcome is Outcome.FAILS] == [name]
    assert any(line.startswith("> ") for line in findings[name].shown)


async def test_a_server_without_multicast_breaks_no_rule(relay: Relay) -> None:
    findings = await found(relay.address[1], "other")
    assert {one.outcome for one in findings.values()} == {Outcome.UNTRIED}


@pytest.mark.parametrize(
    "value", ["destination=239.1.1.1;port=99999", "destination=10.0.0.1;port=5", "port=5", ""]
)
def test_groups_that_are_none(value: str) -> None:
    with pytest.raises(Broken):
        multicast._group(f"RTP/AVP;multicast;{value}")
    assert multicast._group("RTP/AVP;multicast;destination=239.1.1.1;port=5000-5001;ttl=1") == (
        ipaddress.ip_address("239.1.1.1"),
        5000,
    )


def test_every_rule_has_a_fault() -> None:
    assert FAULTS.keys() == {rule.id for rule in multicast.RULES}
