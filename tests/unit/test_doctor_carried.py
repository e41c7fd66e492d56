"""``relaycore doctor`` and what carries RTSP, and PAUSE, which needs a stream that goes on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from relaycore import Relay, User
from relaycore.doctor import client
from relaycore.doctor.credentials import Credentials
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Finding, Outcome, Rule
from relaycore.doctor.rules import RULES, pause, tunnel
from relaycore.doctor.target import Target
from relaycore.doctor.tunnel import KIND
from relaycore.doctor.visit import Visit
from tests.support.faulty_server import FrameFault, edit, faulty, garbage
from tests.support.wire_proxy import Change, between

ANNA = User(name="anna", password="open-sesame")


def replacing(old: bytes, new: bytes) -> Callable[[], Change]:
    """Changes a text."""
    return lambda: lambda data: data.replace(old, new)


def whole_quanta() -> Change:
    """Closes where Base64 does not come in fours."""
    return lambda data: data if data.endswith(b"\r\n\r\n") or len(data) % 4 == 0 else None


def asking_for_a_password() -> Callable[[], Change]:
    """The first answer of HTTP asks for a password."""
    asked = False

    def change(data: bytes) -> bytes:
        nonlocal asked
        if asked or not data.startswith(b"HTTP/1.0 200 OK\r\n"):
            return data
        asked = True
        challenge = b'WWW-Authenticate: Digest realm="r", nonce="n"\r\n'
        return data.replace(b"200 OK\r\n", b"401 No\r\n" + challenge)

    return lambda: change


def one_post() -> Callable[[], Change]:
    """Closes every POST but the first."""
    posts = 0

    def change(data: bytes) -> bytes | None:
        nonlocal posts
        posts += data.startswith(b"POST")
        return None if posts > 1 else data

    return lambda: change


def counting_on() -> FrameFault:
    """Numbers go on while nothing is sent."""
    last = time.monotonic()
    missed = 0

    def fault(channel: int, data: bytes) -> bytes:
        nonlocal last, missed
        if channel % 2:
            return data
        now = time.monotonic()
        missed += 20 * (now - last > 0.5)
        last = now
        sequence = int.from_bytes(data[2:4]) + missed & 0xFFFF
        return data[:2] + sequence.to_bytes(2) + data[4:]

    return fault


Faulty = Callable[[int], AbstractAsyncContextManager[int]]
"""Makes a server with a fault in front of that at a port."""

FAULTS: dict[str, Faulty] = {
    "tunnel-answer": lambda port: between(port, answer=replacing(KIND.encode(), b"text/plain")),
    "tunnel-login": lambda port: between(port, answer=asking_for_a_password()),
    "tunnel-requests": lambda port: between(
        port, back=lambda data: b"HTTP/1.0 200 OK\r\n\r\n" if data.startswith(b"POST") else b""
    ),
    "tunnel-cut": lambda port: between(port, ask=whole_quanta),
    "tunnel-post-again": lambda port: between(port, ask=one_post()),
    "tunnel-media": lambda port: between(port, answer=lambda: lambda data: data.partition(b"$")[0]),
    "rtsp-pause": lambda port: between(port, ask=replacing(b"PAUSE ", b"OPTIONS ")),
    "rtp-pause": lambda port: faulty(port, frames=counting_on()),
    "rtp-pause-info": lambda port: faulty(port, edit("seq=", "seq=1", of="PLAY")),
}

OURS: list[Rule] = [*pause.RULES, *tunnel.RULES]


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA]) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25, microphone="none")
        yield relay


def visit(port: int) -> Visit:
    target = Target.parse(f"rtsp://127.0.0.1:{port}/own?of=doctor")
    return Visit(target, Credentials(ANNA.name, "open-sesame"))


async def found(port: int, name: str) -> Finding:
    (finding,) = await examine(visit(port), [rule for rule in RULES if rule.id == name])
    return finding


async def test_relaycore_keeps_to_all_rules(relay: Relay) -> None:
    findings = await examine(visit(relay.address[1]), OURS)
    assert [(one.rule.id, one.why, one.shown) for one in findings if one.outcome is not Outcome.HOLDS] == []


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_found_and_shown(
    relay: Relay, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 1.0)
    async with FAULTS[name](relay.address[1]) as port:
        finding = await found(port, name)
    assert finding.outcome is Outcome.FAILS
    assert finding.why
    assert any(line.startswith("> ") for line in finding.shown)
    assert "response=" not in "".join(finding.shown)
    assert "of=doctor" not in "".join(finding.shown)


@pytest.mark.parametrize(
    "said", [b"RTSP/1.0 400 Bad Request\r\n\r\n", b"HTTP/1.1 404 Not Found\r\n\r\n", b""]
)
async def test_a_server_without_a_tunnel_breaks_no_rule(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relaycore.doctor.tunnel.ANSWER_S", 0.3)
    monkeypatch.setattr(client, "ANSWER_S", 0.3)
    async with garbage(said) as port:
        findings = await examine(visit(port), [rule for rule in tunnel.RULES if rule.id != "tunnel-media"])
    assert {one.outcome for one in findings} == {Outcome.UNTRIED}


async def test_a_password_of_other_pages_breaks_no_rule(relay: Relay) -> None:
    async with between(relay.address[1], answer=replacing(b"HTTP/1.0 200", b"HTTP/1.0 401")) as port:
        finding = await found(port, "tunnel-login")
    assert finding.outcome is Outcome.UNTRIED


async def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relaycore.doctor.tunnel.ANSWER_S", 1.0)
    async with garbage(b"HTTP/1.1 200 OK\r\nX-More: of this\r\n", endless=True) as port:
        finding = await found(port, "tunnel-answer")
    assert finding.outcome is Outcome.UNTRIED
    assert sum(map(len, finding.shown)) < 10_000


async def test_another_port_has_the_tunnel(relay: Relay) -> None:
    async with garbage(b"RTSP/1.0 400 Bad Request\r\n\r\n") as port:
        looking = visit(port)
        looking.http_port = relay.address[1]
        findings = await examine(looking, [rule for rule in tunnel.RULES if rule.id == "tunnel-cut"])
    assert [one.outcome for one in findings] == [Outcome.HOLDS]


def test_hosts_are_named_as_urls_name_them() -> None:
    assert Target.parse("rtsp://[::1]:8554/x?y=1").at(80) == "[::1]:80"
    target = Target.parse("rtsp://camera/x?y=1")
    assert (target.at(80), target.path, target.root) == ("camera:80", "/x?y=1", "rtsp://camera:554")
    assert Target.parse("rtsp://camera").path == "/"


def test_every_rule_has_a_fault() -> None:
    assert FAULTS.keys() == {rule.id for rule in OURS}
