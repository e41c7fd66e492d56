"""What a server sends while it plays, packet by packet (RFC 3550 sections 5.1, 6.4.1, 12.1)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from relaycore.doctor.client import Answer
from relaycore.doctor.description import Media

__all__ = ["Packet", "Recording", "Report", "Track", "hex_line", "parse_packet", "parse_reports"]

SENDER_REPORT, SOURCE_DESCRIPTION, BYE = 200, 202, 203

SHOWN_BYTES: Final = 32
"""Bytes of a packet that are shown."""

NTP_UNIX_S: Final = 2_208_988_800
"""Seconds from 1900 to 1970."""


@dataclass(frozen=True, slots=True)
class Packet:
    """An RTP packet. ``data`` is all of it; ``payload`` is without extension and padding."""

    version: int
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """An RTCP packet of a compound. ``ntp_s`` is in seconds since 1970; both times are of sender reports."""

    kind: int
    ssrc: int
    ntp_s: float
    timestamp: int
    cname: str
    data: bytes


@dataclass
class Track:
    """What came of one track. ``arrived`` has the seconds since SETUP of every compound of RTCP."""

    media: Media
    packets: list[Packet] = field(default_factory=list)
    broken: list[bytes] = field(default_factory=list)
    """What came on the channel of RTP and is none."""

    compounds: list[list[Report]] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """The same of every packet."""

    seen: list[int] = field(default_factory=list)
    """How many packets had come before each compound."""

    @property
    def encoding(self) -> str:
        """The name of the format in capitals, like ``H264``; empty for static payload types."""
        found = self._attribute("rtpmap")
        return found.partition("/")[0].upper()

    @property
    def clock_rate(self) -> int:
        """Ticks per second; 90000 where nothing is said."""
        found = re.match(r"[^/]+/(\d{1,9})", self._attribute("rtpmap"))
        return int(found[1]) or 90_000 if found else 90_000

    @property
    def payload_types(self) -> set[int]:
        """The payload types of the ``m=`` line."""
        return {int(word) for word in self.media.line.split(" ")[3:] if word.isdigit()}

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of ``a=fmtp``, names in lower case."""
        pairs = (part.strip().partition("=") for part in self._attribute("fmtp").split(";"))
        return {name.lower(): value for name, _, value in pairs if name}

    @property
    def reports(self) -> list[Report]:
        """Every packet of RTCP."""
        return [report for compound in self.compounds for report in compound]

    def _attribute(self, name: str) -> str:
        start = f"a={name}:"
        line = next((line for line in self.media.lines if line.startswith(start)), "")
        return line.partition(" ")[2].strip()


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything that came between PLAY and the end of the session."""

    play: Answer
    tracks: tuple[Track, ...]
    reliable: bool
    """Whether nothing can be lost on the way."""


def parse_packet(data: bytes) -> Packet | None:
    """The parts of an RTP packet; ``None`` when it is shorter than it says, or its padding has no length."""
    if len(data) < 12:
        return None
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    begin, end = 12 + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if len(data) < begin + 4:
            return None
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4])
    if first & 0x20:
        if data[-1] == 0:
            return None
        end -= data[-1]
    if begin > end:
        return None
    payload = data[begin:end]
    return Packet(first >> 6, second & 0x7F, second >= 0x80, sequence, timestamp, ssrc, payload, data)


def parse_reports(data: bytes) -> list[Report]:
    """The packets of a compound, as far as it can be read."""
    return list(_reports(data))


def _reports(data: bytes) -> Iterator[Report]:
    at = 0
    while at + 8 <= len(data):
        kind, words = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        one = data[at : at + 4 * (words + 1)]
        at += 4 * (words + 1)
        if len(one) < 8:
            continue
        ssrc = int.from_bytes(one[4:8])
        ntp_s, timestamp, cname = 0.0, 0, ""
        if kind == SENDER_REPORT and len(one) >= 28:
            seconds, fraction, timestamp = struct.unpack_from("!III", one, 8)
            ntp_s = seconds - NTP_UNIX_S + fraction / 2**32
        elif kind == SOURCE_DESCRIPTION and len(one) >= 10 and one[8] == 1:
            cname = one[10 : 10 + one[9]].decode("utf-8", "replace")
        yield Report(kind, ssrc, ntp_s, timestamp, cname, one)


def hex_line(data: bytes) -> bytes:
    """The beginning of a packet, to be shown."""
    more = f" ... {len(data)} bytes" if len(data) > SHOWN_BYTES else ""
    return f"{data[:SHOWN_BYTES].hex(' ')}{more}".encode()
