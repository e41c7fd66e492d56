"""``relaycore doctor`` finds every fault of ONVIF that is planted, and none in relaycore."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from relaycore import Relay, User
from relaycore.control.cli import main
from relaycore.control.commands import doctor
from relaycore.doctor.credentials import Credentials
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Finding, Outcome
from relaycore.doctor.onvif import client
from relaycore.doctor.report import to_json
from relaycore.doctor.rules import onvif
from relaycore.doctor.rules.onvif import events
from relaycore.doctor.target import Target, onvif_address
from relaycore.doctor.visit import Visit, excerpt
from relaycore.errors import ConfigurationError
from tests.support.faulty_onvif import Fault, Said, answering, edit, faulty_onvif
from tests.support.onvif import envelope

ANNA = User(name="anna", password="open-sesame", role="administrator")

OURS = onvif.RULES

NOTHING = envelope("<tds:GetUsersResponse/>")
NO_ACTION = envelope("<tds:RelaycoreDoctorResponse/>")
TIME = (
    "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime><tt:Date><tt:Year>2026"
    "</tt:Year></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
)


def year(said: Said) -> Said:
    """A clock of another year."""
    if "GetSystemDateAndTime" not in said.request or said.status != 200:
        return said
    body = re.sub(rb"<tt:Year>\d+<", b"<tt:Year>2001<", said.body)
    assert body != said.body or b"Fault" in said.body
    return replace(said, body=body)


def refused(said: Said) -> bool:
    """Whether a token was refused."""
    return "UsernameToken" in said.request and b"NotAuthorized" in said.body


def refusing_tokens(said: Said) -> Said:
    """Says of each token that it is wrong."""
    if "UsernameToken" not in said.request or said.status != 200:
        return said
    fault = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value>"
        "</s:Subcode></s:Code><s:Reason><s:Text xml:lang='en'>no</s:Text></s:Reason></s:Fault>"
    )
    return replace(said, status=400, body=envelope(fault).encode())


def without_picture(said: Said) -> Said:
    """There is no JPEG where there was one."""
    return replace(said, body=b"GIF89a") if "snapshot.jpg" in said.request and said.status == 200 else said


def second_of(prefix: str) -> Fault:
    """Gives the second profile the token of the first."""

    def fault(said: Said) -> Said:
        if f"{prefix}:GetProfiles" not in said.request or said.status != 200:
            return said
        assert b'"own/sub"' in said.body, said.body
        return replace(said, body=said.body.replace(b'"own/sub"', b'"own/main"'))

    return fault


FAULTS: dict[str, Fault] = {
    "onvif-before-login": answering(401, "", of="<tds:GetServices>"),
    "onvif-clock": year,
    "onvif-login": answering(200, NOTHING, of="GetUsers"),
    "onvif-digest": lambda said: replace(said, challenge="Basic realm=x"),
    "onvif-token": refusing_tokens,
    "onvif-token-once": answering(200, NOTHING, of="GetDeviceInformation", only=refused),
    "onvif-token-age": answering(200, NOTHING, of="GetDeviceInformation", only=refused),
    "onvif-wrong-password": answering(200, NOTHING, of="GetUsers", only=refused),
    "onvif-unknown-operation": answering(200, NO_ACTION, of="RelaycoreDoctor"),
    "onvif-soap": lambda said: replace(said, kind="text/xml"),
    "onvif-malformed": lambda said: said if said.request.endswith("Envelope>") else replace(said, status=200),
    "onvif-entities": answering(200, envelope(TIME), of="&asked;"),
    "onvif-information": edit("FirmwareVersion", "Firmware", of="GetDeviceInformation"),
    "onvif-addresses": edit("http://127.0.0.1:", "http://192.0.2.1:", of="GetServices"),
    "onvif-scopes": edit("onvif.org/name", "onvif.org/label", of="GetScopes"),
    "onvif-profiles": second_of("trt"),
    "onvif-sub": edit("<tt:Width>320<", "<tt:Width>640<", of="GetProfiles"),
    "onvif-options": edit("<tt:Width>640<", "<tt:Width>642<", of="GetVideoEncoderConfigurationOptions"),
    "onvif-truth": edit("<tt:Width>640<", "<tt:Width>1920<", of="GetProfiles"),
    "onvif-streams": edit("rtsp://127.0.0.1", "rtsp://0.0.0.0", of="GetStreamUri"),
    "onvif-snapshot": without_picture,
    "onvif-media2": second_of("tr2"),
    "onvif-pull-point": answering(500, "", of="Renew"),
    "onvif-ended": answering(200, NOTHING, of="PullMessages"),
    "onvif-initial-states": edit('"Initialized"', '"Changed"', of="PullMessages"),
}


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA]) as relay:
        await relay.add_camera("own", camera="pattern", size="640x480", fps=5, microphone="none")
        yield relay


def visit(relay: Relay, address: str | None = None, *, log_in: bool = True) -> Visit:
    port = relay.address[1]
    return Visit(
        Target.parse(f"rtsp://127.0.0.1:{port}/own"),
        Credentials(ANNA.name, ANNA.password) if log_in else None,
        onvif=address or f"http://127.0.0.1:{port}/onvif/device_service",
    )


async def found(looking: Visit, only: str) -> Finding:
    (finding,) = await examine(looking, [rule for rule in OURS if rule.id == only])
    return finding


async def test_relaycore_keeps_to_all_rules(relay: Relay) -> None:
    findings = await examine(visit(relay), OURS)
    assert [(one.rule.id, one.why, one.shown) for one in findings if one.outcome is not Outcome.HOLDS] == []


async def test_each_rule_has_a_fault() -> None:
    assert FAULTS.keys() == {rule.id for rule in OURS}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_found_and_shown(relay: Relay, name: str) -> None:
    async with faulty_onvif(relay.address[1], FAULTS[name]) as address:
        finding = await found(visit(relay, address), name)
    assert finding.outcome is Outcome.FAILS, finding
    assert finding.why
    assert any(line.startswith(("> POST ", "> GET ")) for line in finding.shown)
    assert any(line.startswith("< HTTP ") for line in finding.shown)
    shown = "".join(finding.shown)
    assert ANNA.password not in shown
    assert "response=" not in shown


async def test_without_a_login_what_needs_one_is_not_tried(relay: Relay) -> None:
    outcomes = {one.rule.id: one.outcome for one in await examine(visit(relay, log_in=False), OURS)}
    assert Outcome.FAILS not in outcomes.values()
    assert outcomes["onvif-before-login"] is outcomes["onvif-malformed"] is Outcome.HOLDS
    assert outcomes["onvif-token"] is outcomes["onvif-profiles"] is Outcome.UNTRIED


async def test_without_an_address_nothing_is_tried(relay: Relay) -> None:
    looking = visit(relay)
    looking.onvif = None
    assert {one.outcome for one in await examine(looking, OURS)} == {Outcome.UNTRIED}


@pytest.mark.parametrize(
    "body", [b"", b"\0" * 100, b"<a", b"<!DOCTYPE a><a/>", b"<a/>", b"x" * (client.MOST_BYTES + 1)]
)
async def test_what_is_no_answer_is_told(relay: Relay, body: bytes) -> None:
    async with faulty_onvif(relay.address[1], lambda said: replace(said, body=body)) as address:
        finding = await found(visit(relay, address), "onvif-information")
    assert finding.outcome is Outcome.FAILS
    assert len(finding.shown) < 60


async def test_subscriptions_are_ended_where_tokens_alone_log_in(relay: Relay) -> None:
    done: list[str] = []

    def without_digest(said: Said) -> Said:
        for name in ("CreatePullPointSubscription", "Unsubscribe"):
            if name in said.request and said.status == 200:
                done.append(name)
        return replace(said, challenge=None)

    async with faulty_onvif(relay.address[1], without_digest) as address:
        findings = await examine(visit(relay, address), events.RULES)
    assert {one.outcome for one in findings} == {Outcome.HOLDS}, findings
    assert done.count("Unsubscribe") == done.count("CreatePullPointSubscription") > 0


def with_picture(size: int) -> Fault:
    """Begins like a JPEG, and has so many bytes."""

    def fault(said: Said) -> Said:
        if "snapshot.jpg" not in said.request or said.status != 200:
            return said
        return replace(said, body=said.body[:4].ljust(size, b"\0"))

    return fault


@pytest.mark.parametrize(
    ("size", "outcome"),
    [(client.PICTURE_BYTES, Outcome.HOLDS), (client.PICTURE_BYTES + 1, Outcome.FAILS)],
)
async def test_a_picture_may_be_larger_than_a_document(relay: Relay, size: int, outcome: Outcome) -> None:
    async with faulty_onvif(relay.address[1], with_picture(size)) as address:
        finding = await found(visit(relay, address), "onvif-snapshot")
    assert client.PICTURE_BYTES > client.MOST_BYTES
    assert finding.outcome is outcome


LOGIN = "mallory:s3cret@"
"""A login inside of an address, which cameras tell their own by."""


@pytest.mark.parametrize(
    ("name", "of", "place"),
    [
        ("onvif-streams", "GetStreamUri", "127.0.0.1"),
        ("onvif-snapshot", "GetSnapshotUri", "127.0.0.1"),
        ("onvif-addresses", "GetServices", "127.0.0.1"),
        ("onvif-streams", "GetStreamUri", "192.0.2.1"),
        ("onvif-snapshot", "GetSnapshotUri", "192.0.2.1"),
        ("onvif-snapshot", "GetSnapshotUri", ""),
    ],
)
async def test_logins_in_addresses_are_not_shown(relay: Relay, name: str, of: str, place: str) -> None:
    async with faulty_onvif(relay.address[1], edit("://127.0.0.1", f"://{LOGIN}{place}", of=of)) as address:
        finding = await found(visit(relay, address), name)
    assert finding.outcome is (Outcome.HOLDS if place == "127.0.0.1" else Outcome.FAILS), finding
    told = to_json("http://192.0.2.1", [finding])
    assert "://***@" in told
    assert "mallory" not in told
    assert "s3cret" not in told


def test_logins_in_addresses_are_not_shown_of_rtsp_either() -> None:
    said = b"a=control:rtsp://mallory:s3@cret@192.0.2.1/a?b@c rtsp://192.0.2.1/a@b"
    assert excerpt(False, said) == ["< a=control:rtsp://***@192.0.2.1/a?b@c rtsp://192.0.2.1/a@b"]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://h", "http://h/onvif/device_service"),
        ("https://h:8443/", "https://h:8443/onvif/device_service"),
        ("http://[::1]:80/onvif/yard/device_service", "http://[::1]:80/onvif/yard/device_service"),
    ],
)
def test_addresses_of_onvif(url: str, address: str) -> None:
    assert onvif_address(url) == address


@pytest.mark.parametrize("url", ["rtsp://h/x", "http://", "http://h:99999/", "http://h/a b", "http://u:p@h/"])
def test_addresses_that_are_not_taken(url: str) -> None:
    with pytest.raises(ConfigurationError):
        onvif_address(url)


async def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command, which has a loop of its own."""
    monkeypatch.setenv(doctor.PASSWORD_VARIABLE, ANNA.password)
    return await asyncio.to_thread(main, ["doctor", *arguments, "--user", ANNA.name, "--duration", "1"])


async def test_the_command_finds_the_stream_by_onvif(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{relay.address[1]}"
    assert await run(monkeypatch, url, "--only", "rtsp-description,onvif-truth", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["url"] == url
    assert [rule["outcome"] for rule in report["rules"]] == ["holds", "holds"]


async def test_the_command_is_told_an_address_beside_the_stream(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with faulty_onvif(relay.address[1], FAULTS["onvif-scopes"]) as address:
        url = f"{relay.urls('own')[0]}"
        assert await run(monkeypatch, url, "--onvif", address, "--only", "onvif-scopes,rtsp-options") == 1
    assert "The scopes have no name." in capsys.readouterr().out


async def test_rules_of_onvif_are_checked_where_no_stream_is_told(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = answering(500, "", of="GetStreamUri")
    async with faulty_onvif(relay.address[1], fault) as address:
        assert await run(monkeypatch, address, "--only", "onvif-scopes,rtsp-options", "--json") == 0
    assert [rule["id"] for rule in json.loads(capsys.readouterr().out)["rules"]] == ["onvif-scopes"]


async def test_nobody_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    assert await run(monkeypatch, f"http://127.0.0.1:{unused_tcp_port}") == 2
    assert "is not answered" in capsys.readouterr().err
