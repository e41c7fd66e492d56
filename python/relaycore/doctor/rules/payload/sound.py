"""Rules of clocks and times of sound: Opus, G.711, G.722, L16 and AAC (RFC 3551, RFC 7587, RFC 3640)."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from relaycore.doctor.recording import Packet, Track
from relaycore.doctor.rules.payload.aac import unit_sizes
from relaycore.doctor.rules.payload.looking import channels, clock_rate, encoding, not_described, rule_of
from relaycore.doctor.rules.rtp import show
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES", "opus_samples"]

AAC_SAMPLES: Final = 1024
"""Samples of a unit of AAC."""

TICKS: Final = 2
"""Ticks by which a server may round."""


def opus(visit: Visit, track: Track) -> None:
    """Opus is 48000 and 2, whatever it has in it (section 7)."""
    if (clock_rate(track), channels(track)) != (48_000, 2):
        raise not_described(visit, track, "opus/48000/2")


def g722(visit: Visit, track: Track) -> None:
    """G.722 is said to have 8000 samples in a second, by an old mistake, though it has 16 000."""
    if clock_rate(track) != 8_000:
        raise not_described(visit, track, "G722/8000")


def static(visit: Visit, track: Track) -> None:
    """Payload types 0 and 8 are G.711 of 8000 samples and one channel."""
    known = {0: "PCMU", 8: "PCMA"}
    for number in track.payload_types & known.keys():
        if (encoding(track), clock_rate(track), channels(track)) != (known[number], 8_000, 1):
            raise not_described(visit, track, f"{known[number]}/8000")


def times(visit: Visit, track: Track) -> None:
    """A packet comes no earlier than the one before it has been heard; later where nothing was sent."""
    for before, packet in pairwise(track.packets):
        step = (packet.timestamp - before.timestamp + 2**31) % 2**32 - 2**31
        if step < _samples(track, before) - TICKS:
            raise show(
                visit,
                [before.data, packet.data],
                Message("The timestamps do not rise by what is in the packets."),
            )


def _samples(track: Track, packet: Packet) -> int:
    """Ticks that a packet is heard for."""
    name, data = encoding(track), packet.payload
    if name == "OPUS":
        return opus_samples(data)
    if name == "MPEG4-GENERIC":
        # A part of a unit has the time of all of it, and only the last part has the marker.
        return AAC_SAMPLES * len(unit_sizes(packet)) if packet.marker else 0
    if name == "L16":
        return len(data) // (2 * channels(track))
    return len(data) // channels(track)


def opus_samples(data: bytes) -> int:
    """Samples at 48 kHz of a packet of Opus by its first bytes (RFC 6716 section 3.1)."""
    if not data:
        return 0
    kind, code = data[0] >> 3, data[0] & 3
    if kind < 12:
        samples = (480, 960, 1920, 2880)[kind & 3]
    elif kind < 16:
        samples = (480, 960)[kind & 1]
    else:
        samples = (120, 240, 480, 960)[kind & 3]
    if code == 3:
        return samples * (data[1] & 0x3F) if len(data) > 1 else 0
    return samples * (2 if code else 1)


RULES: Final = (
    rule_of(("OPUS",), "opus-clock", Message("Opus is described as opus/48000/2."), "RFC 7587 §7", opus),
    rule_of(
        ("PCMU", "PCMA"),
        "g711-types",
        Message("Payload types 0 and 8 are G.711 with 8000 samples in a second."),
        "RFC 3551 §4.5.14, §6",
        static,
    ),
    rule_of(
        ("G722",), "g722-clock", Message("The clock of G.722 is said to be 8000."), "RFC 3551 §4.5.2", g722
    ),
    rule_of(
        ("G722", "L16", "MPEG4-GENERIC", "OPUS", "PCMA", "PCMU"),
        "sound-times",
        Message("Timestamps of sound rise by what is in the packets."),
        "RFC 3550 §5.1, RFC 3551 §4.1",
        times,
        whole=True,
    ),
)
