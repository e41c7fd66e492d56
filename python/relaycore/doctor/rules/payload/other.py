"""Rules of other formats: MPEG-4 part 2, LATM, VP8, VP9, AV1 and MPEG transport streams."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from relaycore.doctor.recording import Track
from relaycore.doctor.rules.payload.looking import misbuilt, not_described, pictures, rule_of
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

CELL: Final = 188
"""Bytes of a packet of a transport stream, which begins with 0x47 (ISO/IEC 13818-1 section 2.4.3.2)."""


def mpeg4(visit: Visit, track: Track) -> None:
    """The configuration has the layer of the picture, ``00 00 01 20`` to ``2f``."""
    config = _hex(track.parameters.get("config", ""))
    if re.search(rb"\x00\x00\x01[\x20-\x2f]", config) is None:
        raise not_described(visit, track, "config")


def latm(visit: Visit, track: Track) -> None:
    """The configuration is in the description, since it is not in the packets."""
    if track.parameters.get("cpresent") != "0":
        raise not_described(visit, track, "cpresent=0")
    if not _hex(track.parameters.get("config", "")):
        raise not_described(visit, track, "config")


def vp8(visit: Visit, track: Track) -> None:
    """The first packet of a picture, and it alone, starts partition 0."""
    _check_edges(visit, track, lambda data: data[0] & 0x17 == 0x10)


def vp9(visit: Visit, track: Track) -> None:
    """B is set in the first packet of a picture and E in the last."""
    _check_edges(visit, track, lambda data: bool(data[0] & 8), lambda data: bool(data[0] & 4), alone=False)


def av1(visit: Visit, track: Track) -> None:
    """Z says that the first OBU goes on, Y that the last will; no temporal unit begins or ends in an OBU."""
    _check_edges(visit, track, lambda data: not data[0] & 0x80, lambda data: not data[0] & 0x40, alone=False)
    for packets in pictures(track):
        for before, packet in pairwise(packets):
            if bool(before.payload[0] & 0x40) != bool(packet.payload[0] & 0x80):
                raise misbuilt(visit, before, packet)


def transport_stream(visit: Visit, track: Track) -> None:
    """Packets are whole packets of the transport stream."""
    for packet in track.packets:
        data = packet.payload
        if not data or len(data) % CELL or any(data[at] != 0x47 for at in range(0, len(data), CELL)):
            raise misbuilt(visit, packet)


def _check_edges(
    visit: Visit,
    track: Track,
    begins: Callable[[bytes], bool],
    ends: Callable[[bytes], bool] = bool,
    *,
    alone: bool = True,
) -> None:
    """The first packet of a picture ``begins`` it, ``alone`` when no other may, and the last ``ends`` it."""
    for index, packets in enumerate(pictures(track)):
        for packet in packets:
            if len(packet.payload) < 2:
                raise misbuilt(visit, packet)
        # A server that lets readers in anywhere begins in the middle of a picture.
        if not begins(packets[0].payload) and index > 0:
            raise misbuilt(visit, packets[0])
        if not ends(packets[-1].payload):
            raise misbuilt(visit, packets[-1])
        if alone and any(begins(packet.payload) for packet in packets[1:]):
            raise misbuilt(visit, *packets[:4])


def _hex(text: str) -> bytes:
    try:
        return binascii.unhexlify(text.strip('"'))
    except ValueError:
        return b""


RULES: Final = (
    rule_of(
        ("MP4V-ES",),
        "mpeg4-config",
        Message("config of MPEG-4 Visual has the video object layer."),
        "RFC 6416 §7.1",
        mpeg4,
    ),
    rule_of(
        ("MP4A-LATM",),
        "latm-config",
        Message("LATM is described with cpresent=0 and its config."),
        "RFC 6416 §7.3",
        latm,
    ),
    rule_of(
        ("VP8",),
        "vp8-start",
        Message("The first packet of a picture of VP8, and no other, says that it starts it."),
        "RFC 7741 §4.2",
        vp8,
        whole=True,
    ),
    rule_of(
        ("VP9",),
        "vp9-edges",
        Message("The first packet of a picture of VP9 says that it starts, the last that it ends."),
        "RFC 9628 §4.2",
        vp9,
        whole=True,
    ),
    rule_of(
        ("AV1",),
        "av1-parts",
        Message("What one packet of AV1 leaves open, the next one of the picture goes on with."),
        "RTP Payload Format For AV1 §4.4",
        av1,
        whole=True,
    ),
    rule_of(
        ("MP2T",),
        "mpegts-packets",
        Message("Packets have whole packets of the transport stream."),
        "RFC 2250 §2",
        transport_stream,
    ),
)
