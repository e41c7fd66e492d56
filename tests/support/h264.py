"""H.264 out of RTP packets, written from RFC 6184 alone, to check what our packetiser made."""

from __future__ import annotations

from tests.support.rtsp import RtpPacket

__all__ = ["IDR", "SPS", "Depacketiser", "nal_type"]

IDR = 5
"""Type of a NAL unit of a picture that needs no other (H.264, table 7-1)."""

SPS = 7

STAP_A = 24
FU_A = 28


def nal_type(nal: bytes) -> int:
    """The type of a NAL unit (H.264, section 7.3.1)."""
    return nal[0] & 0x1F


class Depacketiser:
    """Puts the packets of one track together, in the order of their sequence numbers and without a gap."""

    def __init__(self) -> None:
        self._nals: list[bytes] = []
        self._fragments: list[bytes] = []

    def push(self, packet: RtpPacket) -> list[bytes] | None:
        """The NAL units of an access unit, once its last packet is there.

        ValueError for a malformed payload.
        """
        payload = packet.payload
        kind = nal_type(payload)
        if kind == STAP_A:
            self._nals += _aggregated(payload)
        elif kind == FU_A:
            self._take_fragment(payload)
        elif 1 <= kind <= 23:
            self._nals.append(payload)
        else:
            raise ValueError(f"a payload of type {kind}")
        if not packet.marker:
            return None
        if self._fragments:
            raise ValueError("the marker is on a fragment that is not the last one")
        nals, self._nals = self._nals, []
        return nals

    def _take_fragment(self, payload: bytes) -> None:
        """RFC 6184, section 5.8: indicator F NRI type, header S E R type."""
        indicator, header = payload[0], payload[1]
        start, end = bool(header & 0x80), bool(header & 0x40)
        if start == bool(self._fragments) or (start and end):
            raise ValueError("a fragment out of its order")
        if start:
            self._fragments = [bytes([indicator & 0xE0 | header & 0x1F])]
        self._fragments.append(payload[2:])
        if end:
            self._nals.append(b"".join(self._fragments))
            self._fragments = []


def _aggregated(payload: bytes) -> list[bytes]:
    """RFC 6184, section 5.7.1: each NAL unit after its size in 16 bits."""
    nals, at = [], 1
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        nal = payload[at + 2 : at + 2 + size]
        if size == 0 or len(nal) != size:
            raise ValueError("an aggregated NAL unit is cut")
        nals.append(nal)
        at += 2 + size
    return nals
