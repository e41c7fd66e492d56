"""All rules, in the order in which they are checked."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.findings import Rule
from relaycore.doctor.rules import (
    keep_alive,
    multicast,
    onvif,
    pause,
    payload,
    rtp,
    rtsp,
    rtsp_login,
    rtsp_messages,
    rtsp_play,
    rtsp_sessions,
    rtsp_tracks,
    sdp,
    times,
    tunnel,
    websocket,
)

__all__ = ["RULES"]

RULES: Final[tuple[Rule, ...]] = (
    *rtsp.RULES,
    *rtsp_sessions.RULES,
    *rtsp_login.RULES,
    *rtsp_messages.RULES,
    *rtsp_tracks.RULES,
    *rtsp_play.RULES,
    *pause.RULES,
    *tunnel.RULES,
    *websocket.RULES,
    *multicast.RULES,
    *keep_alive.RULES,
    *sdp.RULES,
    *rtp.RULES,
    *times.RULES,
    *payload.RULES,
    *onvif.RULES,
)
