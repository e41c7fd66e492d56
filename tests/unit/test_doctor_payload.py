"""``relaycore doctor`` and what is inside of RTP: rules hold for what is right, and find what is not."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from relaycore.doctor.findings import Outcome
from relaycore.doctor.recording import Track, parse_packet
from relaycore.doctor.rules import RULES, payload
from relaycore.doctor.rules.payload.sound import opus_samples
from tests.support.doctor_tracks import check, described, track, with_payload

SPS = "6742c01ed900a03db011000003000100000300320f162e48"
"""Constrained baseline at level 3, 640x480 at 25 pictures in a second, of x264."""

PPS = "68cb83cb20"

MAIN_WITHOUT_END = "674d401eeca0501ed8"
"""The same of the main profile, which says nothing of how pictures are shown."""


def sets(*units: str) -> str:
    """Units in base64, as in a description."""
    return ",".join(base64.b64encode(bytes.fromhex(unit)).decode() for unit in units)


def units(header: str, *units: str) -> str:
    """Units with their sizes behind a header."""
    return header + "".join(f"{len(unit) // 2:04x}{unit}" for unit in units)


H264 = track(
    "video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    f"a=fmtp:96 packetization-mode=1;profile-level-id=42c01e;sprop-parameter-sets={sets(SPS, PPS)}",
    (units("78", SPS, PPS), 0, False),
    ("7c85aaaa", 0, False),
    ("7c05bbbb", 0, False),
    ("7c45cccc", 0, True),
    ("41aaaa", 3600, True),
    (units("78", SPS, PPS), 7200, False),
    ("65aaaa", 7200, True),
    ("41aaaa", 10800, True),
)

VPS_5, SPS_5, PPS_5 = "40010c01ffff", "42010101", "4401c172"

H265 = track(
    "video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\n"
    f"a=fmtp:96 sprop-vps={sets(VPS_5)};sprop-sps={sets(SPS_5)};sprop-pps={sets(PPS_5)}",
    (units("6001", VPS_5, SPS_5, PPS_5), 0, False),
    ("620193aaaa", 0, False),
    ("620113bbbb", 0, False),
    ("620153cccc", 0, True),
    ("0201aaaa", 3600, True),
    (units("6001", VPS_5, SPS_5, PPS_5), 7200, False),
    ("2601aaaa", 7200, True),
    ("0201aaaa", 10800, True),
)

TABLES = "00000080" + "01" * 128

JPEG = track(
    "video 0 RTP/AVP 26",
    ("0000000001ff140c" + TABLES + "aaaaaa", 0, False),
    ("0000000301ff140cbbbb", 0, False),
    ("0000000501ff140ccc", 0, True),
    ("0000000041ff140c" + "00000000" + TABLES + "aa", 3600, False),
    ("0000000141ff140c" + "00000000" + "aa", 3600, True),
    ("0000000001ff140c" + TABLES + "aa", 7200, True),
)

AAC = track(
    "audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/48000/2\n"
    "a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190",
    ("00100018aabbcc", 0, True),
    ("002000180010aabbccdddd", 1024, True),
    ("0010002000aabb", 3072, False),
    ("0010002000aabb", 3072, True),
    ("00100018aabbcc", 4096, True),
)

OPUS = track(
    "audio 0 RTP/AVP 97\na=rtpmap:97 opus/48000/2",
    ("fcaa", 0, True),
    ("fcaa", 960, False),
    ("fcaa", 9600, False),
)
PCMU = track("audio 0 RTP/AVP 0", ("ff" * 160, 0, False), ("ff" * 160, 160, False))
PCMA = track(
    "audio 0 RTP/AVP 8\na=rtpmap:8 PCMA/8000", ("ff" * 160, 2**32 - 160, False), ("ff" * 160, 0, False)
)
G722 = track("audio 0 RTP/AVP 9\na=rtpmap:9 G722/8000", ("ff" * 80, 0, False), ("ff" * 80, 80, False))
L16 = track("audio 0 RTP/AVP 11", ("ff" * 200, 0, False), ("ff" * 200, 100, False))
MPEG4 = track(
    "video 0 RTP/AVP 96\na=rtpmap:96 MP4V-ES/90000\na=fmtp:96 profile-level-id=1;config=000001b0010000012000",
    ("000001b6", 0, True),
)
LATM = track(
    "audio 0 RTP/AVP 96\na=rtpmap:96 MP4A-LATM/48000/2\na=fmtp:96 cpresent=0;config=400023203fc0",
    ("01aa", 0, True),
)
VP8 = track(
    "video 0 RTP/AVP 96\na=rtpmap:96 VP8/90000",
    ("10aaaa", 0, False),
    ("00aaaa", 0, True),
    ("10aaaa", 3600, False),
    ("01aaaa", 3600, False),
    ("11aaaa", 3600, True),
    ("10aaaa", 7200, True),
)
VP9 = track(
    "video 0 RTP/AVP 96\na=rtpmap:96 VP9/90000",
    ("08aaaa", 0, False),
    ("04aaaa", 0, True),
    ("0caaaa", 3600, True),
    ("08aaaa", 7200, True),
)
AV1 = track(
    "video 0 RTP/AVP 96\na=rtpmap:96 AV1/90000",
    ("58aaaa", 0, False),
    ("90aaaa", 0, True),
    ("10aaaa", 3600, True),
    ("10aaaa", 7200, True),
)
MPEGTS = track("video 0 RTP/AVP 33", ("47" + "00" * 187, 0, False), (("47" + "00" * 187) * 7, 900, False))

GOOD = {
    "h264": H264,
    "h265": H265,
    "jpeg": JPEG,
    "aac": AAC,
    "opus": OPUS,
    "pcmu": PCMU,
    "pcma": PCMA,
    "g722": G722,
    "l16": L16,
    "mpeg4": MPEG4,
    "latm": LATM,
    "vp8": VP8,
    "vp9": VP9,
    "av1": AV1,
    "mpegts": MPEGTS,
}


def earlier(good: Track, index: int) -> Track:
    """The track with a picture of one packet that is shown before the one before it."""
    old = good.packets[index]
    changed = replace(old, timestamp=good.packets[index - 1].timestamp - 3600 & 0xFFFFFFFF)
    return replace(good, packets=[*good.packets[:index], changed, *good.packets[index + 1 :]])


FAULTS: dict[str, list[Track]] = {
    "h264-aggregation": [
        with_payload(H264, 0, units("18", SPS, PPS)),
        with_payload(H264, 0, units("f8", SPS, PPS)),
        with_payload(H264, 0, units("78", SPS)[:-2]),
    ],
    "h264-fragments": [
        with_payload(H264, 6, "7cc5aaaa"),
        with_payload(H264, 2, "7c85bbbb"),
        with_payload(H264, 2, "7c01bbbb"),
        with_payload(H264, 2, "5c05bbbb"),
        with_payload(H264, 3, "7c05cccc"),
        with_payload(H264, 2, "61aaaa"),
        with_payload(H264, 6, "7c45aaaa"),
        with_payload(H264, 2, "7c05"),
    ],
    "h264-in-band": [
        with_payload(H264, 5, units("78", SPS, SPS)),
        with_payload(H264, 0, units("78", PPS)),
        with_payload(H264, 5, "06aa"),
    ],
    "h264-level": [
        described(H264, sets(SPS, PPS), sets(f"6742c00a{SPS[8:]}", PPS)),
        described(H264, sets(SPS, PPS), sets(f"6742c001{SPS[8:]}", PPS)),
        described(H264, sets(SPS, PPS), sets("6742")),
        with_payload(with_payload(described(H264, "sprop-", "x-"), 0, "06aa"), 5, "06aa"),
    ],
    "h264-reorder": [
        described(H264, sets(SPS, PPS), sets(MAIN_WITHOUT_END, PPS)),
        earlier(H264, 4),
        earlier(described(H264, sets(SPS, PPS), sets(SPS[:18], PPS)), 4),
    ],
    "h265-parameter-sets": [described(H265, f"sprop-{name}=", "x=") for name in ("vps", "sps", "pps")],
    "h265-order": [described(H265, "sprop-vps", "sprop-max-don-diff=2;sprop-vps")],
    "h265-start": [replace(H265, packets=H265.packets[4:])],
    "h265-units": [
        with_payload(H265, 4, "0200aaaa"),
        with_payload(H265, 4, "0201"),
        with_payload(H265, 4, "6a01aaaa"),
        with_payload(H265, 0, units("6001", VPS_5)),
        with_payload(H265, 0, units("6001", VPS_5, SPS_5) + "ff"),
        with_payload(H265, 0, units("6001", VPS_5, "6001aa")),
        with_payload(H265, 0, "60010000" + units("", VPS_5, SPS_5)),
    ],
    "h265-fragments": [
        with_payload(H265, 6, "6201d3aaaa"),
        with_payload(H265, 2, "620193bbbb"),
        with_payload(H265, 2, "620101bbbb"),
        with_payload(H265, 3, "620113cccc"),
        with_payload(H265, 6, "620153aaaa"),
        with_payload(H265, 2, "620113"),
    ],
    "h265-in-band": [with_payload(H265, 5, units("6001", VPS_5, SPS_5)), with_payload(H265, 5, "4e01aaaa")],
    "jpeg-offsets": [
        with_payload(JPEG, 1, "0000000401ff140cbbbb"),
        with_payload(JPEG, 2, "0000000001ff140ccc"),
        with_payload(JPEG, 3, "0000000141ff140c00000000aa"),
        with_payload(JPEG, 1, "000000"),
    ],
    "jpeg-tables": [
        with_payload(JPEG, 0, "0000000001ff140c00000000aaaaaa"),
        with_payload(JPEG, 0, "000000000100140caaaaaa"),
        with_payload(JPEG, 0, "000000000164140caaaaaa"),
        with_payload(JPEG, 0, "0000000001ff140c000000"),
        with_payload(JPEG, 0, "000000000180140c00000000aaaaaa"),
    ],
    "jpeg-size": [
        with_payload(JPEG, 1, "0000000301ff150cbbbb"),
        with_payload(JPEG, 1, "0000000300ff140cbbbb"),
        with_payload(JPEG, 4, "00000001c1ff140caa"),
        with_payload(JPEG, 1, "000000030132140cbbbb"),
        with_payload(with_payload(JPEG, 3, "000000000132000caa"), 4, "000000010132000caa"),
    ],
    "aac-mode": [
        described(AAC, "AAC-hbr", "AAC-lbr"),
        described(AAC, "sizelength=13", "sizelength=6"),
        described(AAC, "indexlength=3;", ""),
    ],
    "aac-config": [
        described(AAC, "config=1190", "config="),
        described(AAC, "config=1190", "config=xy"),
        described(AAC, "config=1190", "config=1210"),
        described(AAC, "config=1190", "config=1188"),
        described(AAC, "/48000/2", "/48000"),
    ],
    "aac-units": [
        with_payload(AAC, 0, "00100020aabbcc" + "dddd"),
        with_payload(AAC, 0, "00020018aabbcc"),
        with_payload(AAC, 0, "01000018aabbcc"),
        with_payload(AAC, 0, "0010"),
        with_payload(AAC, 1, "002000180018aabbccdddd"),
    ],
    "opus-clock": [described(OPUS, "opus/48000/2", "opus/48000"), described(OPUS, "48000", "24000")],
    "g711-types": [
        described(PCMA, "PCMA/8000", "PCMA/16000"),
        described(PCMA, "PCMA/8000", "PCMU/8000"),
        described(PCMA, "PCMA/8000", "PCMA/8000/2"),
    ],
    "g722-clock": [described(G722, "G722/8000", "G722/16000")],
    "sound-times": [
        with_payload(AAC, 0, "002000180010aabbccdddd"),
        with_payload(OPUS, 0, "fdaa"),
        with_payload(OPUS, 0, "ff03aa"),
        with_payload(PCMU, 0, "ff" * 320),
        with_payload(PCMA, 0, "ff" * 320),
        with_payload(G722, 0, "ff" * 160),
        with_payload(L16, 0, "ff" * 400),
    ],
    "mpeg4-config": [described(MPEG4, "00000120", "00000140"), described(MPEG4, "config=", "x=")],
    "latm-config": [described(LATM, "cpresent=0;", ""), described(LATM, "config=4", "config=x")],
    "vp8-start": [
        with_payload(VP8, 2, "00aaaa"),
        with_payload(VP8, 3, "10aaaa"),
        with_payload(VP8, 2, "11aaaa"),
        with_payload(VP8, 1, "00"),
    ],
    "vp9-edges": [with_payload(VP9, 2, "04aaaa"), with_payload(VP9, 1, "00aaaa"), with_payload(VP9, 2, "0c")],
    "av1-parts": [
        with_payload(AV1, 1, "10aaaa"),
        with_payload(AV1, 2, "90aaaa"),
        with_payload(AV1, 2, "50aaaa"),
        with_payload(AV1, 2, "10"),
    ],
    "mpegts-packets": [
        with_payload(MPEGTS, 1, "47" + "00" * 186),
        with_payload(MPEGTS, 1, "47" + "00" * 187 + "48" + "00" * 187),
    ],
}

BY_NAME = {rule.id: rule for rule in RULES}

OURS = [rule for rule in payload.RULES if rule not in payload.h264.RULES]
"""Rules that this file has faults for."""


@pytest.mark.parametrize("name", GOOD)
async def test_what_is_right_breaks_no_rule(name: str) -> None:
    findings = [await check(rule, GOOD[name]) for rule in payload.RULES]
    assert [(one.rule.id, one.why, one.shown) for one in findings if one.outcome is Outcome.FAILS] == []
    assert Outcome.HOLDS in {one.outcome for one in findings}


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        pytest.param(name, broken, id=f"{name}-{index}")
        for name, all_broken in FAULTS.items()
        for index, broken in enumerate(all_broken)
    ],
)
async def test_a_planted_fault_is_found_and_shown(name: str, broken: Track) -> None:
    finding = await check(BY_NAME[name], broken)
    assert finding.outcome is Outcome.FAILS, finding
    assert finding.why
    assert finding.shown


def test_every_rule_has_a_fault() -> None:
    assert list(FAULTS) == [rule.id for rule in OURS]


async def test_a_format_that_is_not_there_is_not_tried() -> None:
    for rule in payload.RULES:
        finding = await check(rule, MPEG4 if rule.id != "mpeg4-config" else H264)
        assert finding.outcome is Outcome.UNTRIED, finding


async def test_what_lost_packets_would_break_is_not_tried_by_udp() -> None:
    for name in ("h264-fragments", "h265-in-band", "jpeg-offsets", "sound-times", "vp8-start"):
        finding = await check(BY_NAME[name], FAULTS[name][0], reliable=False)
        assert finding.outcome is Outcome.UNTRIED, finding


async def test_a_transport_stream_has_no_markers() -> None:
    """RFC 2250 section 2: the marker says that the clock jumps, not that a picture ends."""
    assert (await check(BY_NAME["rtp-marker"], MPEGTS)).outcome is Outcome.UNTRIED
    assert (await check(BY_NAME["rtp-marker"], H264)).outcome is Outcome.HOLDS


@pytest.mark.parametrize("name", GOOD)
async def test_no_packet_upsets_a_rule(name: str) -> None:
    """Each packet cut at each of its first bytes, and each first byte inverted: a finding, never an error."""
    good = GOOD[name]
    rules = [rule for rule in payload.RULES if (await check(rule, good)).outcome is not Outcome.UNTRIED]
    assert rules
    for index, one in enumerate(good.packets):
        for at in range(min(len(one.payload), 16) + 1):
            changed = bytes([*one.payload[:at], *(byte ^ 0xFF for byte in one.payload[at : at + 1])])
            for data in (one.payload[:at], changed, changed + one.payload[at + 1 :]):
                broken = with_payload(good, index, data.hex())
                for rule in rules:
                    assert (await check(rule, broken)).outcome in Outcome


async def test_pictures_that_are_larger_have_their_size_in_the_extension() -> None:
    """ONVIF Streaming section 5.1.4: width and height are 0, the headers of the JPEG are in the extension."""
    whole = with_payload(with_payload(JPEG, 3, "000000000132000caa"), 4, "000000010132000caa")
    extended = []
    for one in whole.packets:
        data = bytes([one.data[0] | 0x10]) + one.data[1:12] + bytes.fromhex("ffd80000") + one.payload
        again = parse_packet(data)
        assert again is not None
        extended.append(again)
    finding = await check(BY_NAME["jpeg-size"], replace(whole, packets=extended))
    assert finding.outcome is Outcome.HOLDS, finding


@pytest.mark.parametrize(
    ("data", "samples"),
    [
        ("", 0),
        ("00", 480),
        ("18", 2880),
        ("61", 960),
        ("68", 960),
        ("80", 120),
        ("9b04", 3840),
        ("fc", 960),
        ("ff", 0),
    ],
)
def test_how_long_a_packet_of_opus_is_heard(data: str, samples: int) -> None:
    """RFC 6716 section 3.1, table 2."""
    assert opus_samples(bytes.fromhex(data)) == samples
