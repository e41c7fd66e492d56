"""All rules, in the order in which they are checked."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.findings import Rule
from relaycore.doctor.rules import payload, rtp, rtsp, rtsp_sessions

__all__ = ["RULES"]

RULES: Final[tuple[Rule, ...]] = (*rtsp.RULES, *rtsp_sessions.RULES, *rtp.RULES, *payload.RULES)
