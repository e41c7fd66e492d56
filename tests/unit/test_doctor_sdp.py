"""``relaycore doctor`` and session descriptions: rules hold for what is right, and find what is not."""

from __future__ import annotations

import pytest

from relaycore import Relay
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Outcome
from relaycore.doctor.rules import sdp
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit
from tests.support.doctor_tracks import check_text

GOOD = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=Camera
i=of the yard
c=IN IP4 0.0.0.0
b=AS:100
t=0 0
r=1 2 3
a=control:*
a=range:npt=now-
m=video 0 RTP/AVP 96 26
i=picture
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1
a=control:trackID=0
m=audio 0 RTP/AVP 0
c=IN IP4 239.255.0.1/16
a=control:trackID=1
m=application 0 TCP/X 99 what
a=control:trackID=2
"""

FAULTS = {
    "sdp-lines": [
        ("v=0\n", ""),
        ("v=0", "v=1"),
        ("o=- 1 2 IN IP4 127.0.0.1\n", ""),
        ("o=- 1 2 IN", "o=- x 2 IN"),
        ("s=Camera\n", ""),
        ("s=Camera", "s="),
        ("t=0 0\n", ""),
        ("t=0 0", "t=now"),
        ("s=Camera\ni=of the yard", "i=of the yard\ns=Camera"),
        ("a=control:trackID=0", "control:trackID=0"),
        ("a=control:trackID=0", "y=1"),
        ("c=IN IP4 239.255.0.1/16\na=control:trackID=1", "a=control:trackID=1\nc=IN IP4 239.255.0.1/16"),
    ],
    "sdp-connection": [
        ("c=IN IP4 0.0.0.0\n", ""),
        ("c=IN IP4 0.0.0.0", "c=IP4 0.0.0.0"),
        ("c=IN IP4 0.0.0.0", "c=IN IP6 0.0.0.0"),
        ("239.255.0.1/16", "239.255.0.1"),
    ],
    "sdp-control": [("a=control:trackID=1\n", ""), ("trackID=1", "trackID=0")],
    "sdp-types": [
        ("a=rtpmap:96 H264/90000\n", ""),
        ("rtpmap:96", "rtpmap:97"),
        ("fmtp:96", "fmtp:97"),
        ("H264/90000", "H264"),
        ("rtpmap:96 H264", "rtpmap:H264"),
    ],
    "sdp-range": [("npt=now-", "now"), ("npt=now-", "npt=now")],
}

BY_NAME = {rule.id: rule for rule in sdp.RULES}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_found(name: str) -> None:
    assert (await check_text(BY_NAME[name], GOOD)).outcome is Outcome.HOLDS
    assert (await check_text(BY_NAME[name], GOOD.replace("\n", "\r\n"))).outcome is Outcome.HOLDS
    for old, new in FAULTS[name]:
        assert GOOD.count(old) == 1, old
        finding = await check_text(BY_NAME[name], GOOD.replace(old, new))
        assert finding.outcome is Outcome.FAILS, (old, new)
        assert finding.why


def test_every_rule_has_a_fault() -> None:
    assert list(FAULTS) == [rule.id for rule in sdp.RULES]


async def test_what_may_be_otherwise_breaks_no_rule() -> None:
    """Addresses by name or of IPv6, addresses of media alone, clocks, and a lone media without control."""
    for old, new in (
        ("c=IN IP4 0.0.0.0", "c=IN IP4 camera.example"),
        ("c=IN IP4 0.0.0.0", "c=IN IP6 ff15::1/3"),
        ("npt=now-", "clock=20260101T000000Z-"),
        ("npt=now-", "npt=0-12.5"),
    ):
        for rule in sdp.RULES:
            assert (await check_text(rule, GOOD.replace(old, new))).outcome is Outcome.HOLDS, (old, rule.id)
    alone = "v=0\no=- 1 2 IN IP4 h\ns= \nt=0 0\nm=video 0 RTP/AVP 26\nc=IN IP4 0.0.0.0\n"
    outcomes = {rule.id: (await check_text(rule, alone)).outcome for rule in sdp.RULES}
    assert outcomes.pop("sdp-range") is Outcome.UNTRIED
    assert set(outcomes.values()) == {Outcome.HOLDS}


@pytest.mark.parametrize(
    "text", ["", "\x00", "v", "=\n" * 100, "m=\n", "m=video 0 RTP/AVP \u0665 99999\na=rtpmap\n"]
)
async def test_no_text_upsets_a_rule(text: str) -> None:
    for rule in sdp.RULES:
        assert (await check_text(rule, text)).outcome in Outcome


async def test_relaycore_keeps_to_all_rules() -> None:
    async with Relay(port=0) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25)
        findings = await examine(Visit(Target.parse(relay.urls("own")[0])), sdp.RULES)
    assert [(one.rule.id, one.why) for one in findings if one.outcome is not Outcome.HOLDS] == []
