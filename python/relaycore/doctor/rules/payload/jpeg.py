"""Rules of JPEG in RTP (RFC 2435)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relaycore.doctor.recording import Packet, Track
from relaycore.doctor.rules.payload.looking import misbuilt, pictures, rule_of
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

RESTARTS: Final = 64
"""Types from here on have restart intervals, and a header of them (section 3.1.3)."""

OWN_TABLES: Final = 128
"""Values of Q from here on come with their quantisation tables (section 3.1.4)."""

EXTENSION: Final = 0x10
"""The bit of an RTP header with an extension, where ONVIF puts the size of larger pictures."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What the headers of a packet say, and how many bytes of the picture are in it."""

    offset: int
    kind: int
    quality: int
    size: tuple[int, int]
    tables: int
    length: int


def offsets(visit: Visit, track: Track) -> None:
    """Offsets begin at 0 and go on where the packet before ended."""
    for index, packets in enumerate(pictures(track)):
        expected = 0
        for packet in packets:
            part = _part(packet)
            if part is None or part.offset != expected:
                if index == 0 and part is not None and packet is packets[0]:
                    break
                raise misbuilt(visit, packet)
            expected += part.length


def tables(visit: Visit, track: Track) -> None:
    """The first packet has the tables where Q says so, and Q is no reserved value."""
    for packet in track.packets:
        part = _part(packet)
        if part is None or part.quality == 0 or 100 <= part.quality < OWN_TABLES:
            raise misbuilt(visit, packet)
        # Tables of Q 128 to 254 may be left out once a receiver has them; those of 255 may not.
        needed = part.quality == 255 or (part.quality >= OWN_TABLES and packet is track.packets[0])
        if part.offset == 0 and needed and part.tables == 0:
            raise misbuilt(visit, packet)


def size(visit: Visit, track: Track) -> None:
    """Type and size are those that there are, and the same in all packets of a picture."""
    for packets in pictures(track):
        first = _part(packets[0])
        for packet in packets:
            part = _part(packet)
            if part is None or first is None or part.kind & ~RESTARTS not in (0, 1):
                raise misbuilt(visit, packet)
            if (part.kind, part.quality, part.size) != (first.kind, first.quality, first.size):
                raise misbuilt(visit, packets[0], packet)
            if 0 in part.size and not packets[0].data[0] & EXTENSION:
                raise misbuilt(visit, packet)


def _part(packet: Packet) -> _Part | None:
    """The headers of a packet; ``None`` when it is shorter than they are."""
    data = packet.payload
    if len(data) < 8:
        return None
    offset, kind, quality = int.from_bytes(data[1:4]), data[4], data[5]
    at = 12 if RESTARTS <= kind < 2 * RESTARTS else 8
    tables = 0
    if quality >= OWN_TABLES and offset == 0:
        if len(data) < at + 4:
            return None
        tables = int.from_bytes(data[at + 2 : at + 4])
        at += 4 + tables
    if len(data) <= at:
        return None
    return _Part(offset, kind, quality, (data[6], data[7]), tables, len(data) - at)


JPEG: Final = ("JPEG",)

RULES: Final = (
    rule_of(
        JPEG,
        "jpeg-offsets",
        Message("The parts of a picture begin at 0 and follow each other."),
        "RFC 2435 §3.1.2",
        offsets,
        whole=True,
    ),
    rule_of(
        JPEG,
        "jpeg-tables",
        Message("Quantisation tables come with the first part of a picture where Q says so."),
        "RFC 2435 §3.1.4, §3.1.8",
        tables,
    ),
    rule_of(
        JPEG,
        "jpeg-size",
        Message("All parts of a picture say the same type and size, which are known ones."),
        "RFC 2435 §3.1.3, §3.1.5, §3.1.6",
        size,
    ),
)
