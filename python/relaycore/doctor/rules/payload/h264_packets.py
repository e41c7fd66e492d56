"""Rules of packets and pictures of H.264 (RFC 6184, ITU-T H.264)."""

from __future__ import annotations

from typing import Final

from relaycore._relaycore import H264Parameters
from relaycore.doctor.findings import Broken
from relaycore.doctor.recording import Track
from relaycore.doctor.rules.payload.fragments import check_fragments
from relaycore.doctor.rules.payload.h264 import FU_A, IDR, PPS, SPS, STAP_A, described_sets, units_of
from relaycore.doctor.rules.payload.looking import misbuilt, not_described, pictures, rule_of
from relaycore.doctor.rules.rtp import show
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

LEVELS: Final = {
    9: (1_485, 99),
    10: (1_485, 99),
    11: (3_000, 396),
    12: (6_000, 396),
    13: (11_880, 396),
    20: (11_880, 396),
    21: (19_800, 792),
    22: (20_250, 1_620),
    30: (40_500, 1_620),
    31: (108_000, 3_600),
    32: (216_000, 5_120),
    40: (245_760, 8_192),
    41: (245_760, 8_192),
    42: (522_240, 8_704),
    50: (589_824, 22_080),
    51: (983_040, 36_864),
    52: (2_073_600, 36_864),
    60: (4_177_920, 139_264),
    61: (8_355_840, 139_264),
    62: (16_711_680, 139_264),
}
"""Macroblocks in a second and in a picture at each ``level_idc`` (ITU-T H.264 table A-1)."""

MARGIN: Final = 1.1
"""How much faster than its level a stream may seem, since clocks of cameras are uneven."""


BASELINE: Final = 66
"""``profile_idc`` of the baseline profile (section A.2.1)."""

MOST_REORDERED: Final = 32
"""Pictures before one that are looked at; no stream may reorder more than 16 (section A.3.1)."""


def aggregation(visit: Visit, track: Track) -> None:
    """NRI is the highest, and F is set where one is, in the header of a STAP-A (section 5.7)."""
    for packet in track.packets:
        if packet.payload[:1] and packet.payload[0] & 0x1F == STAP_A:
            firsts = [unit[0] for unit in units_of(packet)]
            if not firsts:
                raise misbuilt(visit, packet)
            forbidden = any(first & 0x80 for first in firsts)
            highest = max(first & 0x60 for first in firsts)
            if packet.payload[0] & 0xE0 != (0x80 if forbidden else 0) | highest:
                raise misbuilt(visit, packet)


def fragments(visit: Visit, track: Track) -> None:
    """Fragments have a beginning, an end and no lone packet (section 5.8)."""
    check_fragments(visit, track, FU_A, 1)


def in_band(visit: Visit, track: Track) -> None:
    """Both parameter sets come in the picture of each key frame, before it."""
    for packets in pictures(track):
        seen: set[int] = set()
        for packet in packets:
            for unit in units_of(packet):
                kind = unit[0] & 0x1F
                if kind == IDR and not {SPS, PPS} <= seen:
                    raise show(
                        visit,
                        [one.data for one in packets[:4]],
                        Message("A key frame comes without its parameter sets."),
                    )
                seen.add(kind)


def level(visit: Visit, track: Track) -> None:
    """Size and rate of the pictures are within the level of the parameter set."""
    unit, parameters = _parameters(visit, track)
    blocks = -(-parameters.width // 16) * -(-parameters.height // 16)
    rate = _rate(track)
    per_second, per_picture = LEVELS.get(parameters.level_idc, (0, 0))
    if blocks > per_picture or blocks * rate > per_second * MARGIN:
        visit.said.append((False, unit.hex(" ").encode()))
        raise Broken(
            Message(
                "{width}x{height} at {rate} pictures in a second is too much for level {level}.",
                width=str(parameters.width),
                height=str(parameters.height),
                rate=round(rate),
                level=f"{parameters.level_idc / 10:.1f}",
            )
        )


def reorder(visit: Visit, track: Track) -> None:
    """Players know how many pictures they have to wait for before they show one (section E.2.1)."""
    unit, parameters = _parameters(visit, track)
    said = parameters.max_num_reorder_frames
    times = [packets[0].timestamp for packets in pictures(track)]
    seen = max(map(_later_before, ((times, index) for index in range(len(times)))), default=0)
    # The baseline profile has no pictures out of order, and need not say so.
    if said is None and (parameters.profile_idc != BASELINE or seen):
        visit.said.append((False, unit.hex(" ").encode()))
        raise Broken(Message("The parameter set does not say how many pictures are out of order."))
    if said is not None and seen > said:
        visit.said.append((False, unit.hex(" ").encode()))
        raise Broken(
            Message(
                "{seen} pictures are out of order where the parameter set says {said}.", seen=seen, said=said
            )
        )


def _later_before(place: tuple[list[int], int]) -> int:
    """How many of the pictures sent before one are shown after it."""
    times, index = place
    nearby = times[max(0, index - MOST_REORDERED) : index]
    return sum((time - times[index] + 2**31) % 2**32 > 2**31 for time in nearby)


def _parameters(visit: Visit, track: Track) -> tuple[bytes, H264Parameters]:
    """The first parameter set there is, with what it says. Broken without one that can be read."""
    found = [unit for unit in described_sets(track) if unit[0] & 0x1F == SPS]
    found += [unit for one in track.packets[:100] for unit in units_of(one) if unit[0] & 0x1F == SPS]
    if not found:
        raise not_described(visit, track, "sprop-parameter-sets")
    try:
        return found[0], H264Parameters.parse(b"\0\0\0\1" + found[0])
    except ValueError:
        visit.said.append((False, found[0].hex(" ").encode()))
        raise Broken(Message("The parameter sets cannot be read.")) from None


def _rate(track: Track) -> float:
    """Pictures in a second by their timestamps; 0 where there are too few to say."""
    times = [packets[0].timestamp for packets in pictures(track)]
    if len(times) < 3:
        return 0.0
    # Times of B-frames go back: the span is between the lowest and the highest.
    ticks = [(time - times[0] + 2**31) % 2**32 for time in times]
    span = max(ticks) - min(ticks)
    return (len(times) - 1) * track.clock_rate / span if span else 0.0


H264: Final = ("H264",)

RULES: Final = (
    rule_of(
        H264,
        "h264-aggregation",
        Message("The header of a STAP-A has the highest NRI of its units."),
        "RFC 6184 §5.7",
        aggregation,
    ),
    rule_of(
        H264,
        "h264-fragments",
        Message("A unit in fragments has a first and a last one, of one time and type, and at least two."),
        "RFC 6184 §5.8",
        fragments,
        whole=True,
    ),
    rule_of(
        H264,
        "h264-in-band",
        Message("Both parameter sets come before each key frame."),
        "RFC 6184 §8.4, ITU-T H.264 §7.4.1.2.1",
        in_band,
        whole=True,
    ),
    rule_of(
        H264,
        "h264-level",
        Message("The level has room for size and rate of the pictures."),
        "ITU-T H.264 §A.3.1, table A-1",
        level,
    ),
    rule_of(
        H264,
        "h264-reorder",
        Message("The parameter set says how many pictures are out of order, and no more are."),
        "ITU-T H.264 §E.2.1",
        reorder,
        whole=True,
    ),
)
