"""Fragments of NAL units, which H.264 and H.265 number alike: begin, go on, end."""

from __future__ import annotations

from relaycore.doctor.recording import Packet, Track
from relaycore.doctor.rules.payload.looking import misbuilt
from relaycore.doctor.visit import Visit

__all__ = ["check_fragments"]


def check_fragments(visit: Visit, track: Track, kind: int, header: int) -> None:
    """Every unit of fragments has a beginning, an end and at least two packets of one time and type.

    ``kind`` is the type of a packet with a fragment, ``header`` the bytes before its own.
    """
    begun: Packet | None = None
    for index, packet in enumerate(track.packets):
        data = packet.payload
        if not data or _type(data, header) != kind:
            if begun is not None:
                raise misbuilt(visit, begun, packet)
            continue
        if len(data) < header + 2:
            raise misbuilt(visit, packet)
        starts, ends = bool(data[header] & 0x80), bool(data[header] & 0x40)
        if starts and (ends or begun is not None):
            raise misbuilt(visit, packet)
        if not starts and begun is None:
            # A server that lets readers in anywhere begins in the middle: `*-start` tells of that.
            if index == 0 or track.packets[index - 1].timestamp == track.packets[0].timestamp:
                continue
            raise misbuilt(visit, track.packets[index - 1], packet)
        if begun is not None and (_same(begun, header) != _same(packet, header)):
            raise misbuilt(visit, begun, packet)
        begun = None if ends else packet


def _type(data: bytes, header: int) -> int:
    return data[0] & 0x1F if header == 1 else data[0] >> 1 & 0x3F


def _same(packet: Packet, header: int) -> tuple[int, bytes, int]:
    """What all fragments of a unit share: time, header and type."""
    bits = 0x1F if header == 1 else 0x3F
    return packet.timestamp, packet.payload[:header], packet.payload[header] & bits
