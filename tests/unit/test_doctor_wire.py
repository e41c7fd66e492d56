"""``relaycore doctor`` and the wire of RTSP: messages, tracks, sessions and what PLAY says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from relaycore import Config, Relay, Track, User
from relaycore._relaycore import now_ns
from relaycore.doctor import client
from relaycore.doctor.credentials import Credentials
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Finding, Outcome, Rule
from relaycore.doctor.rules import RULES, rtsp_login, rtsp_messages, rtsp_play, rtsp_tracks
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit
from relaycore.settings import TlsSettings
from tests.support.faulty_server import Fault, Said, edit, faulty, plain, status
from tests.support.wire_proxy import Change, as_it_is, between

ANNA = User(name="anna", password="open-sesame")
PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")
AAC_CONFIG = bytes.fromhex("1188")


def without_query(said: Said) -> bytes | None:
    """Tracks of a URL with a question mark are not found."""
    return status(404, of="SETUP")(said) if "relaycore=doctor" in said.request else plain(said)


def ended_with_the_track(said: Said) -> bytes | None:
    """The session is gone with its first track."""
    return status(454, of="PLAY")(said)


def the_same_name() -> Fault:
    """Every session has the name of the first."""
    names: list[str] = []

    def fault(said: Said) -> bytes:
        lines = said.head.split("\r\n")
        name = next((line for line in lines if line.startswith("Session: ")), None)
        if name is not None and "SETUP" in said.request:
            names.append(name)
            lines[lines.index(name)] = names[0]
        return "\r\n".join(lines).encode() + said.body

    return fault


def hours_later(said: Said) -> bytes | None:
    """A Range of another day."""
    return edit("clock=2", "clock=1", of="PLAY")(said)


def in_another_order(said: Said) -> bytes:
    """MD5 comes first."""
    head = said.head.replace("SHA-256", "?").replace("=MD5", "=SHA-256").replace("=?", "=MD5")
    return head.encode() + said.body


def never_stale(said: Said) -> bytes:
    """Challenges are of one connection, and what is wrong with others is not told."""
    if "Authorization" not in said.request:
        return plain(said)
    lines = [line for line in said.request.split("\r\n") if line.startswith("CSeq")]
    return f'RTSP/1.0 401 No\r\n{lines[0]}\r\nWWW-Authenticate: Digest realm="r", nonce="n"\r\n\r\n'.encode()


def vague(said: Said) -> bytes | None:
    """What is wrong is not said."""
    return status(400, of="SETUP")(said)


FAULTS: dict[str, Fault] = {
    "rtsp-digest-md5": lambda said: said.head.replace("=MD5", "=SHA-512-256").encode() + said.body,
    "rtsp-digest-order": in_another_order,
    "rtsp-stale": never_stale,
    "rtsp-header-names": status(400, of="CSEQ"),
    "rtsp-folded-header": status(400, of="\r\n doctor"),
    "rtsp-body": status(400, of="CSeq: 73"),
    "rtsp-options-star": status(400, of="OPTIONS *"),
    "rtsp-query": without_query,
    "rtsp-whole-setup": status(400, of="SETUP"),
    "rtsp-track-pause": status(400, of="PAUSE"),
    "rtsp-track-teardown": ended_with_the_track,
    "rtsp-setup-again": edit("interleaved=4-5", "interleaved=0-1", of="interleaved=4-5"),
    "rtsp-two-sessions": the_same_name(),
    "rtsp-other-connection": status(454, of="TEARDOWN"),
    "rtsp-many-sessions": lambda said: plain(said) if said.head.startswith("RTSP/1.0 2") else vague(said),
    "rtsp-set-parameter": status(451, of="SET_PARAMETER"),
    "rtsp-no-unicast": status(461, of="TCP;interleaved"),
    "rtsp-no-channels": edit("interleaved=", "channels=", of="SETUP"),
    "rtsp-clear-description": edit("RTP/AVP", "RTP/SAVP", of="DESCRIBE", body=True),
    "rtsp-no-range": status(400, of="PLAY"),
    "rtsp-range-now": status(457, of="npt=now"),
    "rtsp-range-clock": status(400, of="clock="),
    "rtsp-range-unit": status(200, of="relaycore="),
    "rtsp-scale": status(400, of="Scale"),
    "rtsp-range-answer": edit("clock=", "npt=", of="PLAY"),
    "rtsp-range-true": hours_later,
}


def whole_requests() -> Change:
    """Closes where a request does not come in one piece."""
    return lambda data: data if data.endswith(b"\r\n\r\n") else None


def no_frames() -> Change:
    """Closes where a frame comes."""
    return lambda data: None if data.startswith(b"$") else data


def silent_after_much() -> Callable[[], Change]:
    """Takes in nothing more, from anybody, after the first connection that sends much."""
    took = 0

    def change(data: bytes) -> bytes:
        nonlocal took
        took += len(data)
        return b"" if took > 100_000 else data

    return lambda: change


ASKING_FAULTS: dict[str, Callable[[], Callable[[], Change]]] = {
    "rtsp-pieces": lambda: whole_requests,
    "rtsp-unknown-channel": lambda: no_frames,
    "rtsp-long-header": silent_after_much,
}

SEVERAL_TRACKS = {"rtsp-whole-setup", "rtsp-track-pause", "rtsp-track-teardown"}
"""Rules that a stream of one track leaves untried."""

OURS: list[Rule] = [*rtsp_login.RULES, *rtsp_messages.RULES, *rtsp_tracks.RULES, *rtsp_play.RULES]


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA]) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25, microphone="none")
        tracks = [Track.h264(PARAMETERS), Track.aac(AAC_CONFIG)]
        publisher = relay.publish("two", tracks, can_force_key_frames=False)
        publisher.write(1, b"sound", captured_ns=now_ns())
        publisher.write(0, PARAMETERS + b"\0\0\0\1\x65picture", captured_ns=now_ns())
        yield relay


def visit(port: int, path: str = "own", scheme: str = "rtsp") -> Visit:
    target = Target.parse(f"{scheme}://127.0.0.1:{port}/{path}")
    return Visit(target, Credentials(ANNA.name, "open-sesame"), duration=1.0, thorough=True)


async def found(port: int, name: str) -> Finding:
    path = "two" if name in SEVERAL_TRACKS else "own"
    (finding,) = await examine(visit(port, path), [rule for rule in RULES if rule.id == name])
    return finding


async def test_relaycore_keeps_to_all_rules(relay: Relay) -> None:
    port = relay.address[1]
    one = await examine(visit(port), OURS)
    several = await examine(visit(port, "two"), [rule for rule in OURS if rule.id in SEVERAL_TRACKS])
    assert [(it.rule.id, it.why, it.shown) for it in one + several if it.outcome is Outcome.FAILS] == []
    assert {it.rule.id for it in one if it.outcome is Outcome.UNTRIED} == SEVERAL_TRACKS
    assert {it.outcome for it in several} == {Outcome.HOLDS}


async def test_nothing_is_wrong_where_all_is_encrypted(tmp_path: Path) -> None:
    config = Config(port=0, state_folder=str(tmp_path), tls=TlsSettings(enabled=True), users=[ANNA])
    async with Relay(config) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25, microphone="none")
        looking = visit(relay.address[1], scheme="rtsps")
        looking.thorough = False
        findings = await examine(looking, RULES)
    outcomes = {one.rule.id: one.outcome for one in findings}
    assert Outcome.FAILS not in outcomes.values()
    assert outcomes["rtsp-udp"] is Outcome.UNTRIED
    assert outcomes["tunnel-media"] is outcomes["rtp-sequence"] is Outcome.HOLDS


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_found_and_shown(relay: Relay, name: str) -> None:
    async with faulty(relay.address[1], FAULTS[name]) as port:
        finding = await found(port, name)
    assert finding.outcome is Outcome.FAILS
    assert finding.why
    assert name == "rtsp-range-true" or any(line.startswith("> ") for line in finding.shown)
    assert "response=" not in "".join(finding.shown)


@pytest.mark.parametrize("name", ASKING_FAULTS)
async def test_a_fault_in_what_is_understood_is_found(
    relay: Relay, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 1.0)
    async with between(relay.address[1], ask=ASKING_FAULTS[name]()) as port:
        finding = await found(port, name)
    assert finding.outcome is Outcome.FAILS
    assert finding.why
    async with between(relay.address[1], ask=lambda: as_it_is) as port:
        finding = await found(port, name)
    assert finding.outcome is Outcome.HOLDS


async def test_a_header_that_is_sent_in_pieces_is_not_all_shown(relay: Relay) -> None:
    finding = await found(relay.address[1], "rtsp-long-header")
    assert sum(map(len, finding.shown)) < 10_000


def test_every_rule_has_a_fault() -> None:
    assert FAULTS.keys() | ASKING_FAULTS.keys() == {rule.id for rule in OURS}
