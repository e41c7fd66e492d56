"""Rules of H.265 in RTP (RFC 7798)."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.findings import Broken
from relaycore.doctor.recording import Packet, Track
from relaycore.doctor.rules.payload.fragments import check_fragments
from relaycore.doctor.rules.payload.looking import misbuilt, not_described, pictures, rule_of
from relaycore.doctor.rules.rtp import show
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

VPS, SPS, PPS, AGGREGATION, FRAGMENT, CONTENT_INFORMATION = 32, 33, 34, 48, 49, 50

KEY_FRAMES: Final = range(16, 24)
"""Types of pictures that decoding can begin at (ITU-T H.265 table 7-1)."""


def parameter_sets(visit: Visit, track: Track) -> None:
    """All three parameter sets are in the description."""
    for name in ("sprop-vps", "sprop-sps", "sprop-pps"):
        if not track.parameters.get(name):
            raise not_described(visit, track, name)


def units(visit: Visit, track: Track) -> None:
    """Each packet is a unit, several of them, or a fragment, of the lowest layers there are (section 4.4)."""
    for packet in track.packets:
        if not _units(packet):
            raise misbuilt(visit, packet)


def fragments(visit: Visit, track: Track) -> None:
    """Fragments have a beginning, an end and no lone packet (section 4.4.3)."""
    check_fragments(visit, track, FRAGMENT, 2)


def start(visit: Visit, track: Track) -> None:
    """The first picture can be decoded."""
    first = [one for one in track.packets if one.timestamp == track.packets[0].timestamp]
    if not any(kind in KEY_FRAMES for packet in first for kind in _units(packet)):
        raise show(visit, [one.data for one in first[:4]], Message("The first picture is no key frame."))


def in_band(visit: Visit, track: Track) -> None:
    """All parameter sets come in the picture of each key frame, before it."""
    for packets in pictures(track):
        seen: set[int] = set()
        for packet in packets:
            for kind in _units(packet):
                if kind in KEY_FRAMES and not {VPS, SPS, PPS} <= seen:
                    raise show(
                        visit,
                        [one.data for one in packets[:4]],
                        Message("A key frame comes without its parameter sets."),
                    )
                seen.add(kind)


def order(visit: Visit, track: Track) -> None:
    """Numbers for another order, which few players know, are not asked for (section 7.1)."""
    if track.parameters.get("sprop-max-don-diff", "0") != "0":
        visit.said.extend((False, line.encode()) for line in track.media.lines)
        raise Broken(Message("The packets are out of the order of decoding."))


def _units(packet: Packet) -> list[int]:
    """The types of the units in a packet, of a fragment that of its unit. Empty where it is misbuilt."""
    data = packet.payload
    if len(data) < 3 or not data[1] & 7:
        return []
    kind = _type(data)
    if kind == FRAGMENT:
        return [data[2] & 0x3F]
    if kind != AGGREGATION:
        return [kind] if kind < AGGREGATION or kind == CONTENT_INFORMATION else []
    found, at = [], 2
    while at + 2 < len(data):
        size = int.from_bytes(data[at : at + 2])
        unit = data[at + 2 : at + 2 + size]
        if len(unit) < 2 or _type(unit) >= AGGREGATION:
            return []
        found.append(_type(unit))
        at += 2 + size
    return found if at == len(data) and len(found) > 1 else []


def _type(unit: bytes) -> int:
    return unit[0] >> 1 & 0x3F


H265: Final = ("H265",)

RULES: Final = (
    rule_of(
        H265,
        "h265-parameter-sets",
        Message("The description of H.265 has all three parameter sets."),
        "RFC 7798 §7.1",
        parameter_sets,
    ),
    rule_of(
        H265,
        "h265-order",
        Message("Packets come in the order of decoding, without numbers for another one."),
        "RFC 7798 §7.1",
        order,
    ),
    rule_of(
        H265,
        "h265-start",
        Message("The first picture of H.265 can be decoded."),
        "ITU-T H.265 §7.4.2.2",
        start,
    ),
    rule_of(
        H265,
        "h265-units",
        Message("Packets have a unit, a fragment, or two units or more."),
        "RFC 7798 §4.4",
        units,
    ),
    rule_of(
        H265,
        "h265-fragments",
        Message("A unit in fragments has a first and a last one, of one time and type, and at least two."),
        "RFC 7798 §4.4.3",
        fragments,
        whole=True,
    ),
    rule_of(
        H265,
        "h265-in-band",
        Message("All three parameter sets come before each key frame."),
        "RFC 7798 §7.1, ITU-T H.265 §7.4.2.4.4",
        in_band,
        whole=True,
    ),
)
