"""Rules of AAC in RTP (RFC 3640 section 3.3.6, high bit rate)."""

from __future__ import annotations

import binascii
from typing import Final

from relaycore.doctor.recording import Packet, Track
from relaycore.doctor.rules.payload.looking import channels, clock_rate, misbuilt, not_described, rule_of
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES", "unit_sizes"]

RATES: Final = (
    96_000,
    88_200,
    64_000,
    48_000,
    44_100,
    32_000,
    24_000,
    22_050,
    16_000,
    12_000,
    11_025,
    8_000,
    7_350,
)
"""Sampling rates by their index (ISO/IEC 14496-3 table 1.18)."""

REPLICATED: Final = (5, 29)
"""Object types whose sound is twice as fast as its core, or has more channels (section 1.6.2.1)."""

LAYOUT: Final = {"sizelength": "13", "indexlength": "3", "indexdeltalength": "3"}


def description(visit: Visit, track: Track) -> None:
    """Mode and lengths are those of high bit rate."""
    if track.parameters.get("mode", "").lower() != "aac-hbr":
        raise not_described(visit, track, "mode=AAC-hbr")
    for name, value in LAYOUT.items():
        if track.parameters.get(name) != value:
            raise not_described(visit, track, f"{name}={value}")


def configuration(visit: Visit, track: Track) -> None:
    """The configuration is there, and has rate and channels of the ``a=rtpmap``."""
    try:
        config = binascii.unhexlify(track.parameters.get("config", "").strip('"'))
    except ValueError:
        config = b""
    if len(config) < 2:
        raise not_described(visit, track, "config")
    bits = int.from_bytes(config[:2])
    kind, index, layout = bits >> 11, bits >> 7 & 15, bits >> 3 & 15
    if kind in REPLICATED or kind == 31 or index == 15:
        return
    rate = RATES[index] if index < len(RATES) else 0
    count = 8 if layout == 7 else layout
    if rate != clock_rate(track) or count not in (0, channels(track)):
        raise not_described(visit, track, f"{rate}/{count}")


def units(visit: Visit, track: Track) -> None:
    """The headers of the units say the sizes that there are."""
    for packet in track.packets:
        if not unit_sizes(packet):
            raise misbuilt(visit, packet)


def unit_sizes(packet: Packet) -> list[int]:
    """The sizes of the units in a packet, or of the one that it has a part of. Empty where it is misbuilt."""
    data = packet.payload
    if len(data) < 5:
        return []
    length = int.from_bytes(data[:2])
    if not length or length % 16 or len(data) <= 2 + length // 8:
        return []
    sizes = [int.from_bytes(data[at : at + 2]) >> 3 for at in range(2, 2 + length // 8, 2)]
    left = len(data) - 2 - length // 8
    whole = all(sizes) and sum(sizes) == left
    part = len(sizes) == 1 and sizes[0] > left
    return sizes if whole or part else []


AAC: Final = ("MPEG4-GENERIC",)

RULES: Final = (
    rule_of(
        AAC,
        "aac-mode",
        Message("The description of AAC says mode=AAC-hbr and its lengths."),
        "RFC 3640 §3.3.6, §4.1",
        description,
    ),
    rule_of(
        AAC,
        "aac-config",
        Message("config of AAC is there, and has the rate and the channels of rtpmap."),
        "RFC 3640 §4.1, ISO/IEC 14496-3 §1.6.2.1",
        configuration,
    ),
    rule_of(
        AAC,
        "aac-units",
        Message("The headers in a packet of AAC say the sizes of its units."),
        "RFC 3640 §3.2.1",
        units,
    ),
)
