"""Rules of what is inside of RTP: H.264 (RFC 6184)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.recording import Packet, Track, hex_line
from relaycore.doctor.rules.rtp import need_packets
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["FU_A", "IDR", "PPS", "RULES", "SPS", "STAP_A", "described_sets", "units_of"]

IDR, SEI, SPS, PPS, STAP_A, FU_A = 5, 6, 7, 8, 24, 28


async def mode(visit: Visit) -> None:
    """Pictures in pieces need mode 1."""
    for track in await _tracks(visit):
        if track.parameters.get("packetization-mode") != "1":
            raise _described(visit, track, "packetization-mode=1")


async def parameter_sets(visit: Visit) -> None:
    """Both parameter sets are in the description."""
    for track in await _tracks(visit):
        if not {SPS, PPS} <= {unit[0] & 0x1F for unit in described_sets(track)}:
            raise _described(visit, track, "sprop-parameter-sets")


async def profile(visit: Visit) -> None:
    """The profile is that of the parameter set (section 8.1)."""
    for track in await _tracks(visit):
        sets = [unit for unit in described_sets(track) if unit[0] & 0x1F == SPS and len(unit) > 3]
        if not sets:
            raise Untried(Message("The description has no {values}.", values="sprop-parameter-sets"))
        if track.parameters.get("profile-level-id", "").lower() != sets[0][1:4].hex():
            raise _described(visit, track, f"profile-level-id={sets[0][1:4].hex()}")


async def start(visit: Visit) -> None:
    """The first picture can be decoded, since not all players wait for one that can."""
    for track in await _tracks(visit):
        first = [one for one in track.packets if one.timestamp == track.packets[0].timestamp]
        if not any(_is_start(unit) for packet in first for unit in units_of(packet)):
            visit.said.extend((False, hex_line(packet.data)) for packet in first[:4])
            raise Broken(Message("The first picture is no key frame."))


async def units(visit: Visit) -> None:
    """Only what mode 1 allows (section 6.3)."""
    for track in await _tracks(visit):
        for packet in track.packets:
            found = units_of(packet)
            if not found or not all(1 <= unit[0] & 0x1F <= 23 for unit in found):
                visit.said.append((False, hex_line(packet.data)))
                raise Broken(Message("A packet has a content that mode 1 does not have."))


async def _tracks(visit: Visit) -> list[Track]:
    found = [track for track in await need_packets(visit) if track.encoding == "H264"]
    if not found:
        raise Untried(Message("The stream has no H.264."))
    return found


def _described(visit: Visit, track: Track, values: str) -> Broken:
    visit.said.extend((False, line.encode()) for line in track.media.lines)
    return Broken(Message("The description has no {values}.", values=values))


def described_sets(track: Track) -> list[bytes]:
    """The NAL units of ``sprop-parameter-sets``, those that can be read."""
    found = []
    for text in track.parameters.get("sprop-parameter-sets", "").split(","):
        try:
            found.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            continue
    return [unit for unit in found if unit]


def units_of(packet: Packet) -> list[bytes]:
    """The NAL units in a packet, a fragment with its type in front. Empty where there are none."""
    data = packet.payload
    kind = data[0] & 0x1F if data else 0
    if kind == FU_A:
        return [data[1:]] if len(data) > 2 else []
    if kind != STAP_A:
        return [data] if data else []
    found, at = [], 1
    while at + 2 < len(data):
        size = int.from_bytes(data[at : at + 2])
        found.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    return found if at == len(data) and all(found) else []


def _is_start(unit: bytes) -> bool:
    """Whether decoding can begin here: a key frame, or a recovery point (ITU-T H.264 section D.1.8)."""
    return unit[0] & 0x1F == IDR or (unit[0] & 0x1F == SEI and unit[1:2] == b"\x06")


RULES: Final = (
    Rule(
        "h264-mode",
        Message("The description of H.264 says packetization-mode=1."),
        "RFC 6184 §6.3, §8.1",
        mode,
    ),
    Rule(
        "h264-parameter-sets",
        Message("The description of H.264 has both parameter sets."),
        "RFC 6184 §8.1",
        parameter_sets,
    ),
    Rule("h264-profile", Message("profile-level-id is that of the parameter set."), "RFC 6184 §8.1", profile),
    Rule("h264-start", Message("The first picture can be decoded."), "ITU-T H.264 §7.4.1.2.1", start),
    Rule("h264-units", Message("Packets have only what mode 1 has."), "RFC 6184 §5.2, §6.3", units),
)
