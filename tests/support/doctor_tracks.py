"""Tracks as the doctor keeps them, made by hand: a media section and the payloads of its packets."""

from __future__ import annotations

from dataclasses import replace

from relaycore.doctor.client import Answer
from relaycore.doctor.description import Description, Media
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Finding, Rule
from relaycore.doctor.recording import Packet, Recording, Track, parse_packet
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit

__all__ = ["check", "check_text", "described", "packet", "track", "with_payload"]


def packet(
    payload: bytes, timestamp: int, *, marker: bool = False, sequence: int = 0, number: int = 96
) -> Packet:
    """A packet of RTP."""
    head = bytes([0x80, 0x80 * marker + number]) + (sequence & 0xFFFF).to_bytes(2)
    parsed = parse_packet(head + (timestamp & 0xFFFFFFFF).to_bytes(4) + b"\x01\x02\x03\x04" + payload)
    assert parsed is not None
    return parsed


def track(lines: str, *packets: tuple[str, int, bool]) -> Track:
    """A track of a media section, its packets as payload in hex, timestamp and marker."""
    first, *rest = lines.split("\n")
    made = Track(Media(first, (f"m={first}", *rest), "rtsp://127.0.0.1/x"))
    number = int(first.split(" ")[3])
    for index, (payload, timestamp, marker) in enumerate(packets):
        data = bytes.fromhex(payload)
        made.packets.append(packet(data, timestamp, marker=marker, sequence=index, number=number))
    return made


def with_payload(good: Track, index: int, payload: str) -> Track:
    """The track with another payload in one packet."""
    old = good.packets[index]
    changed = replace(old, payload=bytes.fromhex(payload), data=old.data[:12] + bytes.fromhex(payload))
    return replace(good, packets=[*good.packets[:index], changed, *good.packets[index + 1 :]])


def described(good: Track, old: str, new: str) -> Track:
    """The track with another text in its media section. The text has to be there."""
    lines = tuple(line.replace(old, new) for line in good.media.lines)
    assert lines != good.media.lines
    return replace(good, media=replace(good.media, line=lines[0][2:], lines=lines))


async def check(rule: Rule, *tracks: Track, reliable: bool = True) -> Finding:
    """What the rule finds in these tracks."""

    class Recorded(Visit):
        async def recording(self) -> Recording:
            return Recording(Answer("RTSP/1.0", 200, (), b"", b""), tracks, reliable)

        async def connect(self) -> None:  # type: ignore[override]
            """Nobody is asked."""

    (finding,) = await examine(Recorded(Target.parse("rtsp://127.0.0.1/x")), [rule])
    return finding


async def check_text(rule: Rule, text: str) -> Finding:
    """What the rule finds in this description."""
    answer = Answer("RTSP/1.0", 200, (), b"", text.encode())

    class Described(Visit):
        async def describe(self, client: object = None) -> tuple[Answer, Description]:
            return answer, Description.parse(text, self.url)

        async def connect(self) -> None:  # type: ignore[override]
            """Nobody is asked."""

    (finding,) = await examine(Described(Target.parse("rtsp://127.0.0.1/x")), [rule])
    return finding
