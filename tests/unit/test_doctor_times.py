"""``relaycore doctor`` and times, counts and names of RTP and RTCP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relaycore import Relay
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Outcome
from relaycore.doctor.recording import NTP_UNIX_S, Track, parse_packet, parse_reports
from relaycore.doctor.rules import times
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit
from tests.support.doctor_tracks import check, packet, track

RULE = {rule.id: rule for rule in times.RULES}

STEP_S = 0.04


def compound(ssrc: int, seconds: float, timestamp: int, count: int, name: str) -> bytes:
    """A sender report and a name."""
    whole = int(seconds)
    ntp = (whole + NTP_UNIX_S).to_bytes(4) + int((seconds - whole) * 2**32).to_bytes(4)
    sender = ntp + (timestamp % 2**32).to_bytes(4) + count.to_bytes(4) + (count * 100).to_bytes(4)
    chunk = ssrc.to_bytes(4) + b"\x01" + bytes([len(name)]) + name.encode() + b"\0"
    chunk += bytes(-len(chunk) % 4)
    return (
        b"\x80\xc8\x00\x06" + ssrc.to_bytes(4) + sender + b"\x81\xca" + (len(chunk) // 4).to_bytes(2) + chunk
    )


def playing(
    lines: str,
    rate: int,
    *,
    speed: float = 1.0,
    late: float = 0.0,
    counted: float = 1.0,
    ssrc: int = 0x01020304,
    name: str = "camera",
    every: int = 100,
    steps: int = 250,
) -> Track:
    """A track of ten seconds, with a report every ``every`` steps of 40 ms."""
    made = track(lines)
    for index in range(steps):
        at = index * STEP_S
        timestamp = 2**32 - 1000 + int(at * rate * speed)
        if index % every == 0:
            made.compounds.append(
                parse_reports(compound(ssrc, 1000 + at + late, timestamp, int(index * counted), name))
            )
            made.arrived.append(at)
            made.seen.append(len(made.packets))
        made.packets.append(packet(b"\x41\xaa", timestamp, marker=True, sequence=index))
        made.times.append(at)
    return made


VIDEO = "video 0 RTP/AVP 96\na=rtpmap:96 H264/90000"
AUDIO = "audio 0 RTP/AVP 0"

GOOD = (playing(VIDEO, 90_000), playing(AUDIO, 8_000))

FAULTS = {
    "rtp-clock": (playing(VIDEO, 90_000), playing(AUDIO, 8_000, speed=2.0)),
    "rtcp-source": (playing(VIDEO, 90_000, ssrc=5), playing(AUDIO, 8_000)),
    "rtcp-name": (playing(VIDEO, 90_000), playing(AUDIO, 8_000, name="sound")),
    "rtcp-counts": (playing(VIDEO, 90_000, counted=0.0), playing(AUDIO, 8_000)),
    "rtcp-together": (playing(VIDEO, 90_000, late=1.5), playing(AUDIO, 8_000)),
    "rtcp-interval": (playing(VIDEO, 90_000, every=300), playing(AUDIO, 8_000)),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_found_and_shown(name: str) -> None:
    good = await check(RULE[name], *GOOD)
    assert good.outcome is Outcome.HOLDS, good
    finding = await check(RULE[name], *FAULTS[name])
    assert finding.outcome is Outcome.FAILS
    assert finding.why
    assert finding.shown


async def test_packets_by_udp_that_are_too_large_are_found() -> None:
    large = replace(GOOD[0], packets=[*GOOD[0].packets, packet(bytes(1461), 0)])
    assert (await check(RULE["rtp-size"], GOOD[0], reliable=False)).outcome is Outcome.HOLDS
    assert (await check(RULE["rtp-size"], large, reliable=False)).outcome is Outcome.FAILS
    assert (await check(RULE["rtp-size"], large)).outcome is Outcome.UNTRIED


def test_every_rule_has_a_fault() -> None:
    assert FAULTS.keys() | {"rtp-size"} == RULE.keys()


async def test_what_cannot_be_judged_is_not_tried() -> None:
    """Too short, one track alone, no report, nothing at all, by UDP."""
    short = playing(VIDEO, 90_000, speed=9.0, steps=20)
    for name in RULE.keys() - {"rtcp-source", "rtp-size"}:
        assert (await check(RULE[name], short)).outcome is Outcome.UNTRIED, name
    silent = replace(GOOD[0], compounds=[], arrived=[], seen=[])
    for name in RULE.keys() - {"rtp-clock", "rtp-size"}:
        assert (await check(RULE[name], silent, silent)).outcome is Outcome.UNTRIED, name
    for name in RULE:
        assert (await check(RULE[name], track(VIDEO))).outcome is Outcome.UNTRIED, name
    found = await check(RULE["rtcp-counts"], *FAULTS["rtcp-counts"], reliable=False)
    assert found.outcome is Outcome.UNTRIED


def test_padding_and_extension_have_to_be_true() -> None:
    """RFC 3550 section 5.1: the last byte counts the padding, itself included, and is never 0."""
    head = bytes.fromhex("0060000100000002" + "00000003")
    extension = bytes.fromhex("abac0001" + "00000000")
    whole = parse_packet(b"\xb0" + head[1:] + extension + b"media\x00\x02")
    assert whole is not None
    assert whole.payload == b"media"
    for broken in (
        b"\xa0" + head[1:] + b"media\x00",
        b"\xa0" + head[1:] + b"media\x07",
        b"\xa0" + head[1:],
        b"\x90" + head[1:] + extension[:3],
        b"\x90" + head[1:] + extension[:7],
        b"\x8f" + head[1:] + b"media",
        head[:11],
    ):
        assert parse_packet(broken) is None, broken


async def test_a_report_that_is_cut_upsets_no_rule() -> None:
    whole = compound(0x01020304, 1000, 0, 1, "camera")
    for length in range(len(whole)):
        cut = replace(
            GOOD[0], compounds=[parse_reports(whole[:length])] * 3, arrived=[0, 4, 8], seen=[1, 2, 3]
        )
        for rule in times.RULES:
            assert (await check(rule, cut, GOOD[1])).outcome in Outcome


async def test_relaycore_keeps_to_all_rules() -> None:
    async with Relay(port=0) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25)
        looking = Visit(Target.parse(relay.urls("own")[0]), duration=3.5)
        findings = await examine(looking, times.RULES)
        looking = Visit(Target.parse(relay.urls("own")[0]), None, "udp", duration=1.0)
        findings += await examine(looking, [RULE["rtp-size"]])
    assert [(one.rule.id, one.why, one.shown) for one in findings if one.outcome is Outcome.FAILS] == []
    held = {one.rule.id for one in findings if one.outcome is Outcome.HOLDS}
    assert held >= {"rtp-clock", "rtp-size", "rtcp-source", "rtcp-name", "rtcp-together"}
