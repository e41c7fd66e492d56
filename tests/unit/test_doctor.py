"""``relaycore doctor`` finds every fault that is planted, and none in relaycore."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from relaycore import Relay, User
from relaycore.control.cli import main
from relaycore.control.commands import doctor
from relaycore.doctor import client
from relaycore.doctor.credentials import Credentials
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Finding, Outcome, Rule
from relaycore.doctor.recording import BYE, parse_reports
from relaycore.doctor.rules import RULES, payload, rtsp, rtsp_sessions
from relaycore.doctor.rules import rtp as rtp_rules
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit, excerpt
from relaycore.errors import ConfigurationError, SourceError
from relaycore.language import Message
from tests.support.faulty_server import Fault, FrameFault, Said, cut, edit, faulty, garbage, plain, status

ANNA = User(name="anna", password="open-sesame")


def closing(said: Said) -> bytes | None:
    """The first refusal is sent, the second closes the connection."""
    return None if "Require" in said.request else plain(said)


def dropping_the_second(said: Said) -> bytes | None:
    return b"" if "CSeq: 72" in said.request else plain(said)


def without_challenge(said: Said) -> bytes | None:
    return cut("WWW-Authenticate", of="relaycore-doctor")(said) if "Digest" in said.request else plain(said)


FAULTS: dict[str, Fault] = {
    "rtsp-options": edit(", TEARDOWN", "", of="OPTIONS"),
    "rtsp-cseq": edit("CSeq: 2", "CSeq: 1", of="CSeq: 2\r\n"),
    "rtsp-pipelined": dropping_the_second,
    "rtsp-unknown-method": status(400, of="RELAYCORE"),
    "rtsp-version": status(400, of="RTSP/2.0"),
    "rtsp-require": cut("Unsupported", of="Require"),
    "rtsp-back-channel": status(400, of="backchannel"),
    "rtsp-not-found": status(400, of="DESCRIBE"),
    "rtsp-connection-kept": closing,
    "rtsp-challenge": without_challenge,
    "rtsp-digest": lambda said: said.head.replace("Digest", "Basic").encode() + said.body,
    "rtsp-description": edit("application/sdp", "text/plain", of="DESCRIBE"),
    "rtsp-content-base": cut("Content-Base", of="DESCRIBE"),
    "h264-mode": edit("packetization-mode=1", "packetization-mode=0", of="DESCRIBE", body=True),
    "h264-parameter-sets": edit("sprop-parameter-sets=", "x=", of="DESCRIBE", body=True),
    "h264-profile": edit("profile-level-id=4", "profile-level-id=5", of="DESCRIBE", body=True),
    "rtsp-unknown-session": status(400, of="PLAY"),
    "rtsp-state": status(200, of="PLAY"),
    "rtsp-unknown-transport": status(400, of="SETUP"),
    "rtsp-secure-in-clear": status(200, of="SAVP"),
    "rtsp-transport-list": status(461, of="RTP/RELAYCORE"),
    "rtsp-mode": status(461, of='mode="PLAY"'),
    "rtsp-channels": edit("interleaved=6-7", "interleaved=0-1", of="SETUP"),
    "rtsp-udp": status(461, of="client_port"),
    "rtsp-udp-source": edit("source=", "from=", of="SETUP"),
    "rtsp-timeout": edit(";timeout", ";time", of="SETUP"),
    "rtsp-echoed-session": status(454, of=";timeout"),
    "rtsp-sign-of-life": status(451, of="GET_PARAMETER"),
    "rtsp-range": cut("Range", of="PLAY"),
    "rtsp-rtp-info": edit("rtptime=", "time=", of="PLAY"),
    "rtsp-teardown": status(200, of="PLAY"),
    "rtsp-lone-track": lambda said: (
        status(460, of="PLAY")(said) if re.match(r"PLAY \S+[^/] ", said.request) else plain(said)
    ),
    "rtsp-slash": lambda said: (
        status(404, of="PLAY")(said) if re.match(r"PLAY \S+[^/] ", said.request) else plain(said)
    ),
}


def rtp(change: Callable[[bytes], bytes], every: int = 1) -> FrameFault:
    """Changes every so many packets of RTP."""
    return lambda channel, data: data if channel % 2 or int.from_bytes(data[2:4]) % every else change(data)


def rtcp(change: Callable[[bytes], bytes]) -> FrameFault:
    """Changes every compound of RTCP."""
    return lambda channel, data: change(data) if channel % 2 else data


def length(data: bytes) -> int:
    """Bytes of the first packet of a compound."""
    return 4 * (int.from_bytes(data[2:4]) + 1)


def without_goodbye(data: bytes) -> bytes:
    """No compound that has a BYE in it."""
    return b"" if any(report.kind == BYE for report in parse_reports(data)) else data


def later(data: bytes) -> bytes:
    """A report whose clock goes at half its speed."""
    return data[:16] + (int.from_bytes(data[16:20]) // 2).to_bytes(4) + data[20:] if data[1] == 200 else data


def no_key(data: bytes) -> bytes:
    """Calls every NAL unit of a packet a part of a picture that is no key frame."""
    if data[12] & 0x1F == 28:
        return data[:13] + bytes([data[13] & 0xE0 | 1]) + data[14:]
    return data[:12] + b"\x61" + data[13:]


FRAME_FAULTS: dict[str, FrameFault] = {
    "h264-start": rtp(no_key),
    "h264-units": rtp(lambda data: data[:12] + b"\x7a" + data[13:], every=8),
    "rtp-packets": rtp(lambda data: data[:1] + bytes([data[1] ^ 1]) + data[2:]),
    "rtp-sequence": rtp(lambda data: b"", every=8),
    "rtp-source": rtp(lambda data: data[:11] + bytes([data[11] ^ 1]) + data[12:], every=8),
    "rtp-marker": rtp(lambda data: data[:1] + bytes([data[1] & 0x7F]) + data[2:]),
    "rtp-first-packet": rtp(lambda data: data[:7] + bytes([data[7] ^ 1]) + data[8:]),
    "rtcp-report": rtcp(lambda data: data[: length(data)]),
    "rtcp-compound": rtcp(lambda data: data[length(data) :] if data[1] == 200 else data),
    "rtcp-clock": rtcp(later),
    "rtcp-bye": rtcp(without_goodbye),
}


OURS: list[Rule] = [*rtsp.RULES, *rtsp_sessions.RULES, *rtp_rules.RULES, *payload.h264.RULES]
"""Rules that this file has faults for; each other file of their tests says so as well."""


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA]) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25, microphone="none")
        yield relay


def visit(port: int, *, log_in: bool = True) -> Visit:
    credentials = Credentials(ANNA.name, ANNA.password) if log_in else None
    return Visit(Target.parse(f"rtsp://127.0.0.1:{port}/own"), credentials, duration=1.5)


async def found(port: int, only: str) -> Finding:
    (finding,) = await examine(visit(port), [rule for rule in RULES if rule.id == only])
    return finding


async def test_relaycore_keeps_to_all_rules(relay: Relay) -> None:
    findings = await examine(visit(relay.address[1]), [*OURS, *payload.h264_packets.RULES])
    assert [(one.rule.id, one.why, one.shown) for one in findings if one.outcome is not Outcome.HOLDS] == []


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_found_and_shown(
    relay: Relay, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "rtsp-pipelined":
        monkeypatch.setattr(client, "ANSWER_S", 1.0)
    async with faulty(relay.address[1], FAULTS[name]) as port:
        finding = await found(port, name)
    assert finding.outcome is Outcome.FAILS
    closes = name == "rtsp-connection-kept"
    assert (finding.why == "The connection was closed.") == closes, finding
    assert any(line.startswith("> ") for line in finding.shown)
    assert any(line.startswith("< RTSP/") for line in finding.shown)
    assert "response=" not in "".join(finding.shown)


@pytest.mark.parametrize("name", FRAME_FAULTS)
async def test_a_fault_in_packets_is_found_and_shown(relay: Relay, name: str) -> None:
    async with faulty(relay.address[1], frames=FRAME_FAULTS[name]) as port:
        finding = await found(port, name)
    assert finding.outcome is Outcome.FAILS
    assert finding.why
    assert re.fullmatch(r"< ([0-9a-f]{2} )+\.\.\. \d+ bytes|< ([0-9a-f]{2} ?)+", finding.shown[-1]), finding


async def test_media_come_by_udp_too(relay: Relay) -> None:
    looking = visit(relay.address[1])
    looking.transport = "udp"
    findings = await examine(looking, [rule for rule in OURS if not rule.id.startswith("rtsp")])
    assert {one.rule.id for one in findings if one.outcome is Outcome.UNTRIED} == {
        "rtp-sequence",
        "rtp-marker",
    }
    assert [one for one in findings if one.outcome is Outcome.FAILS] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--transport", "x"),
        ("--duration", "0"),
        ("--duration", "61"),
        ("--duration", "nan"),
        ("--duration", "x"),
        ("--http-port", "0"),
        ("--http-port", "65536"),
        ("--http-port", "http"),
        ("--websocket-path", "websocket"),
        ("--websocket-path", "/a b"),
        ("--websocket-path", "/\r\nX: y"),
    ],
)
def test_options_that_are_wrong(arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "rtsp://127.0.0.1:1/x", *arguments]) == 2
    assert arguments[0] in capsys.readouterr().err


SILENT = Message("There was no answer in time.")
CLOSED = Message("The connection was closed.")
NO_ANSWER = Message("What came is no answer of RTSP.")
ENDLESS = Message("The answer has no end.")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", SILENT),
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n", SILENT),
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 10\r\n\r\nshort", SILENT),
        (b"$\x00\xff\xff", SILENT),
        (b"\x00\xff" * 100 + b"\r\n\r\n", NO_ANSWER),
        (b"HTTP/1.1 200 OK\r\n\r\n", NO_ANSWER),
        (b"RTSP/1.0 20 OK\r\n\r\n", NO_ANSWER),
        (b"RTSP/1.0 200 OK\r\nno colon\r\n\r\n", NO_ANSWER),
        (b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", NO_ANSWER),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 999999999\r\n\r\n", ENDLESS),
    ],
)
async def test_bad_answers_are_told(monkeypatch: pytest.MonkeyPatch, said: bytes, why: str) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 0.2)
    async with garbage(said) as port:
        finding = await found(port, "rtsp-options")
    assert (finding.outcome, finding.why) == (Outcome.FAILS, why)


@pytest.mark.parametrize("said", [b"X-More: of this\r\n", b"$\x00\x00\x01x", b"\x00" * 1000])
async def test_answers_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 0.5)
    async with garbage(said, endless=True) as port:
        finding = await found(port, "rtsp-options")
    assert finding.outcome is Outcome.FAILS
    assert finding.why in (ENDLESS, SILENT)
    assert len(finding.shown) < 50


async def test_a_connection_that_is_closed_is_told() -> None:
    async with garbage(b"RTSP/1.0 200", close=True) as port:
        finding = await found(port, "rtsp-options")
    assert (finding.outcome, finding.why) == (Outcome.FAILS, CLOSED)
    assert finding.shown[-1] == "< RTSP/1.0 200"


async def test_a_server_that_is_slow_costs_a_bounded_time_for_each_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each answer comes in time; the rule asks more often than it may take."""
    monkeypatch.setattr("relaycore.doctor.examine.RULE_S", -1.3)
    async with garbage(b"") as port:
        finding = await found(port, "rtsp-options")
    assert (finding.outcome, finding.why) == (Outcome.FAILS, SILENT)


async def test_rules_that_need_a_password_are_not_tried_without_one(relay: Relay) -> None:
    findings = await examine(visit(relay.address[1], log_in=False), RULES)
    outcomes = {one.rule.id: one.outcome for one in findings}
    assert outcomes["rtsp-challenge"] is outcomes["rtsp-digest"] is Outcome.HOLDS
    assert outcomes["rtsp-options"] is Outcome.HOLDS
    assert outcomes["rtsp-range"] is outcomes["rtsp-not-found"] is Outcome.UNTRIED
    assert Outcome.FAILS not in outcomes.values()


async def test_nobody_there_is_an_error_and_no_finding(unused_tcp_port: int) -> None:
    with pytest.raises(SourceError, match="cannot be reached"):
        await examine(visit(unused_tcp_port), RULES)


def test_what_is_shown_has_no_secret_and_no_escape() -> None:
    lines = excerpt(
        True, b"GET /?t=key RTSP/1.0\r\nauthorization: Digest x\r\nX: \x1b[2J\xff secret\r\n\r\n", ("secret",)
    )
    assert lines == ["> GET /?t=key RTSP/1.0", "> authorization: ***", "> X: \\x1b[2J\\xff ***"]
    assert len(excerpt(False, b"x" * 1000)[0]) < 250


def test_a_challenge_is_answered() -> None:
    """Without ``qop`` as in RFC 2069 section 2.4, with its errata; with ``qop`` there is chance in it."""
    asked = Credentials("Mufasa", "Circle of Life")
    assert asked.header("GET", "/dir/index.html") is None
    assert not asked.take(["Basic realm=r", 'Digest realm="r", nonce="n", algorithm=MD5-sess'])
    assert asked.take(['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'])
    value = asked.header("GET", "/dir/index.html")
    assert value is not None
    assert 'response="2951cdbad33b2271fcb6b8e7b8feac23"' in value
    assert asked.take(['Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256, opaque="o"'])
    value = asked.header("GET", "/")
    assert value is not None
    for part in ("qop=auth", "nc=00000001", "algorithm=SHA-256", 'opaque="o"'):
        assert part in value


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/x",
        "http://u:secret@h/",
        "rtsp://",
        "rtsp://h:99999/x",
        "rtsp://h/a b",
        "rtsp://h/\r\nX: y",
        "rtsp://u:secret@h/x",
    ],
)
def test_urls_that_are_not_taken(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", url]) == 2
    assert "secret" not in capsys.readouterr().err


async def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command, which has a loop of its own."""
    monkeypatch.setenv(doctor.PASSWORD_VARIABLE, ANNA.password)
    return await asyncio.to_thread(main, ["doctor", *arguments, "--user", ANNA.name, "--duration", "1.5"])


async def test_the_command_says_what_it_found(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = relay.urls("own")[0]
    assert await run(monkeypatch, url, "--skip", "rtsp-udp,rtsp-mode") == 0
    printed = capsys.readouterr().out
    assert "rtsp-options" in printed
    assert "rtsp-udp " not in printed
    async with faulty(relay.address[1], FAULTS["rtsp-range"]) as port:
        broken = f"rtsp://127.0.0.1:{port}/own?token=hidden"
        assert await run(monkeypatch, broken, "--only", "rtsp-range") == 1
        printed = capsys.readouterr().out
        assert await run(monkeypatch, broken, "--only", "rtsp-range", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert [rule["outcome"] for rule in report["rules"]] == ["fails"]
    for text in (printed, json.dumps(report)):
        assert "> PLAY rtsp://127.0.0.1" in text
        assert "< RTSP/1.0 200 OK" in text
        assert "The answer has no Range." in text
        assert ANNA.password not in text
        assert "hidden" not in text
        assert "response=" not in text


async def test_rules_that_are_not_tried_are_told_by_their_reason(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--only", "h265-start,h265-order,opus-clock")
    assert await run(monkeypatch, relay.urls("own")[0], *asked) == 0
    printed = capsys.readouterr().out
    assert "h265-order, h265-start: The stream has no H265." in printed
    assert "opus-clock: The stream has no OPUS." in printed


@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_a_rule_that_is_not_there_is_told(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "rtsp://127.0.0.1:1/x", option, "rtsp-option"]) == 2
    assert "rtsp-options" in capsys.readouterr().err


def test_a_password_is_asked_for_or_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.credentials_for(None, {}) is None
    asked = doctor.credentials_for("anna", {}, lambda prompt: "typed")
    assert asked is not None
    assert asked.password == "typed"
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigurationError, match=doctor.PASSWORD_VARIABLE):
        doctor.credentials_for("anna", {})
    with pytest.raises(ConfigurationError, match="one line"):
        doctor.credentials_for("anna", {doctor.PASSWORD_VARIABLE: "two\nlines"})


def test_the_page_lists_every_rule() -> None:
    page = (Path(__file__).parents[2] / "docs/doctor.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \| (.+) \|$", page, flags=re.MULTILINE)
    assert listed == [(rule.id, str(rule.text), rule.source) for rule in RULES]
    assert FAULTS.keys() | FRAME_FAULTS.keys() == {rule.id for rule in OURS}
