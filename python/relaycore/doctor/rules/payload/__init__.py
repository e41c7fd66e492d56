"""Rules of what is inside of RTP, format by format."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.findings import Rule
from relaycore.doctor.rules.payload import aac, h264, h264_packets, h265, jpeg, other, sound

__all__ = ["RULES"]

RULES: Final[tuple[Rule, ...]] = (
    *h264.RULES,
    *h264_packets.RULES,
    *h265.RULES,
    *jpeg.RULES,
    *aac.RULES,
    *sound.RULES,
    *other.RULES,
)
