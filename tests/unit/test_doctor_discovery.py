"""``relaycore doctor`` looks for devices by WS-Discovery, and finds every fault that is planted there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from relaycore import Relay, User
from relaycore.doctor.credentials import Credentials
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Finding, Outcome
from relaycore.doctor.onvif import search
from relaycore.doctor.rules.onvif import discovery
from relaycore.doctor.target import Target as Examined
from relaycore.doctor.visit import Visit
from relaycore.onvif.discovery.targets import Target
from tests.support.found_device import Change, found_devices

ANNA = User(name="anna", password="open-sesame", role="administrator")


@pytest.fixture(autouse=True)
def promptly(monkeypatch: pytest.MonkeyPatch) -> None:
    """These devices all answer at once, so that nobody has to wait for a further one."""
    monkeypatch.setattr(search, "MORE_S", 0.05)


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA]) as relay:
        await relay.add_camera("own", camera="pattern", size="640x480", fps=5, microphone="none")
        yield relay


def target(relay: Relay) -> Target:
    (found,) = relay.devices.targets()
    return found


def visit(relay: Relay, discovery_port: int) -> Visit:
    port = relay.address[1]
    return Visit(
        Examined.parse(f"rtsp://127.0.0.1:{port}/own"),
        Credentials(ANNA.name, ANNA.password),
        onvif=f"http://127.0.0.1:{port}/onvif/device_service",
        discovery_port=discovery_port,
    )


def edit(old: str, new: str) -> Change:
    """Replaces what a pattern matches; says when it would plant nothing."""

    def change(data: bytes) -> bytes:
        assert re.search(old.encode(), data), data
        return re.sub(old.encode(), new.encode(), data)

    return change


FAULTS: dict[str, Change] = {
    "onvif-found": edit("tds:Device", "tds:Camera"),
    "onvif-found-relation": edit("<a:RelatesTo>urn", "<a:RelatesTo>uri"),
    "onvif-found-name": edit("<a:Address>urn:uuid:.{8}", "<a:Address>urn:uuid:00000000"),
    "onvif-found-scopes": edit("onvif.org/name/", "onvif.org/name/other"),
    "onvif-found-addresses": edit("http://127.0.0.1:", "http://192.0.2.1:"),
}
"""Changes of answers."""

QUESTIONS: dict[str, Change] = {
    "onvif-found-scope": lambda data: data.replace(b"<d:Scopes>onvif", b"<d:Scopes>urn"),
    "onvif-found-others": lambda data: re.sub(rb"<d:Scopes>[^<]*</d:Scopes>", b"", data),
    "onvif-found-resolve": lambda data: data.replace(b"<a:Address>urn", b"<a:Address>uri"),
}
"""Changes of questions, which are then answered wrongly."""


async def found(looking: Visit, only: str) -> Finding:
    (finding,) = await examine(looking, [rule for rule in discovery.RULES if rule.id == only])
    return finding


async def test_relaycore_keeps_to_all_rules(relay: Relay) -> None:
    async with found_devices([target(relay)], relay.address[1]) as port:
        findings = await examine(visit(relay, port), discovery.RULES)
    assert [(one.rule.id, one.why, one.shown) for one in findings if one.outcome is not Outcome.HOLDS] == []


async def test_each_rule_has_a_fault() -> None:
    assert FAULTS.keys() | QUESTIONS.keys() == {rule.id for rule in discovery.RULES}


@pytest.mark.parametrize("name", [*FAULTS, *QUESTIONS])
async def test_a_planted_fault_is_found_and_shown(relay: Relay, name: str) -> None:
    def same(data: bytes) -> bytes:
        return data

    async with found_devices(
        [target(relay)],
        relay.address[1],
        question=QUESTIONS.get(name, same),
        answer=FAULTS.get(name, same),
    ) as port:
        finding = await found(visit(relay, port), name)
    assert finding.outcome is Outcome.FAILS, finding
    assert finding.why
    # Of a long exchange, the middle is left out.
    shown = "\n".join(finding.shown)
    assert f"> UDP 127.0.0.1:{port}" in shown or "< <d:XAddrs>" in shown


async def test_of_several_devices_of_a_host_the_one_that_was_asked_is_meant(relay: Relay) -> None:
    own = target(relay)
    other = replace(own, urn="urn:uuid:11111111-2222-3333-4444-555555555555", scopes=own.scopes[:1])
    async with found_devices([other, own], relay.address[1]) as port:
        assert (await found(visit(relay, port), "onvif-found-scopes")).outcome is Outcome.HOLDS


async def test_where_nobody_answers_nothing_is_tried(relay: Relay, unused_udp_port: int) -> None:
    findings = await examine(visit(relay, unused_udp_port), discovery.RULES)
    assert {one.outcome for one in findings} == {Outcome.UNTRIED}


@pytest.mark.parametrize("answer", [b"", b"\0" * 100, b"<a", b"<a/>", b"x" * 60_000])
async def test_what_is_no_answer_is_no_device(relay: Relay, answer: bytes) -> None:
    async with found_devices([target(relay)], relay.address[1], answer=lambda data: answer) as port:
        finding = await found(visit(relay, port), "onvif-found")
    assert finding.outcome is Outcome.UNTRIED
    assert len(finding.shown) < 60


async def test_an_address_that_is_none_is_told(relay: Relay) -> None:
    broken = edit("http://127.0.0.1:[0-9]+", "http://[::1")
    async with found_devices([target(relay)], relay.address[1], answer=broken) as port:
        finding = await found(visit(relay, port), "onvif-found-addresses")
    assert finding.outcome is Outcome.FAILS
    assert "is no address" in str(finding.why)


def test_of_a_flood_no_more_is_kept_than_the_limit_and_nothing_of_others() -> None:
    listening = search._Listening("127.0.0.1")
    for _ in range(2 * search.MOST_DATAGRAMS):
        listening.datagram_received(b"<a/>", ("127.0.0.1", 3702))
    listening.datagram_received(b"<b/>", ("192.0.2.1", 3702))
    assert listening.datagrams == [b"<a/>"] * search.MOST_DATAGRAMS
