"""What the rules of payloads look at: the tracks of a format, and the packets of each picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from itertools import groupby
from typing import Final

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.recording import Packet, Track
from relaycore.doctor.rules.rtp import need_packets, show
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = [
    "MISBUILT",
    "Check",
    "channels",
    "clock_rate",
    "described",
    "encoding",
    "misbuilt",
    "not_described",
    "pictures",
    "rule_of",
]

STATIC: Final = {
    0: ("PCMU", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    14: ("MPA", 90_000, 1),
    26: ("JPEG", 90_000, 1),
    32: ("MPV", 90_000, 1),
    33: ("MP2T", 90_000, 1),
}
"""Name, clock rate and channels of payload types that need no ``a=rtpmap`` (RFC 3551 section 6)."""

MISBUILT: Final = Message("A packet is not built as its format demands.")

Check = Callable[[Visit, Track], None]
"""Raises ``Broken`` where the rule does not hold for a track."""


def encoding(track: Track) -> str:
    """The name of the format in capitals, of static payload types too; empty where it is not said."""
    return track.encoding or _static(track)[0]


def clock_rate(track: Track) -> int:
    """Ticks per second, of static payload types too."""
    return track.clock_rate if track.encoding else _static(track)[1]


def channels(track: Track) -> int:
    """The channels of sound; 1 where nothing is said (RFC 4566 section 6)."""
    if not track.encoding:
        return _static(track)[2]
    line = described(track, "rtpmap")
    found = re.fullmatch(r"[^/]+/\d+/(\d{1,3})", line.partition(" ")[2].strip())
    return int(found[1]) if found else 1


def described(track: Track, name: str) -> str:
    """The value of an attribute of the track; empty without it."""
    start = f"a={name}:"
    return next((line[len(start) :] for line in track.media.lines if line.startswith(start)), "")


def pictures(track: Track) -> Iterator[list[Packet]]:
    """The packets of each picture that came whole: neighbours with one timestamp. The last is left out."""
    waiting: list[Packet] = []
    for _, group in groupby(track.packets, key=lambda packet: packet.timestamp):
        if waiting:
            yield waiting
        waiting = list(group)


def misbuilt(visit: Visit, *packets: Packet) -> Broken:
    """The fault of packets that no receiver takes apart."""
    return show(visit, [packet.data for packet in packets], MISBUILT)


def not_described(visit: Visit, track: Track, values: str) -> Broken:
    """The fault of a description that lacks ``values``."""
    visit.said.extend((False, line.encode()) for line in track.media.lines)
    return Broken(Message("The description has no {values}.", values=values))


def rule_of(
    formats: Collection[str], name: str, text: str, source: str, check: Check, *, whole: bool = False
) -> Rule:
    """A rule that is checked on every track of these formats, untried where there is none.

    ``whole`` is for rules that packets which are lost on the way would break.
    """

    async def checked(visit: Visit) -> None:
        tracks = [track for track in await need_packets(visit) if encoding(track) in formats]
        if not tracks:
            raise Untried(Message("The stream has no {format}.", format="/".join(sorted(formats))))
        if whole and not (await visit.recording()).reliable:
            raise Untried(Message("Packets may be lost by UDP."))
        for track in tracks:
            check(visit, track)

    return Rule(name, text, source, checked)


def _static(track: Track) -> tuple[str, int, int]:
    known = [STATIC[number] for number in track.payload_types if number in STATIC]
    return known[0] if known else ("", 90_000, 1)
