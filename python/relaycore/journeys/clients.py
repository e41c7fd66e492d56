"""Which family of programs a client belongs to, by what it calls itself (``User-Agent``).

Programs on libraries of others call themselves as those do: OpenCV and Frigate are FFmpeg or go2rtc here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["FAMILIES", "OTHER", "UNKNOWN", "family_of"]

OTHER: Final = "other"
"""Calls itself something that is not in the table."""

UNKNOWN: Final = "unknown"
"""Does not say what it is."""

FAMILIES: Final[tuple[tuple[str, str], ...]] = (
    ("VLC", r"LibVLC|VLC media player|^VLC/"),
    ("mpv", r"^(lib)?mpv\b"),
    ("FFmpeg", r"^Lavf|^FFmpeg"),
    ("GStreamer", r"^GStreamer"),
    ("go2rtc", r"^go2rtc"),
    ("gortsplib", r"^gortsplib|^mediamtx"),
    ("retina", r"retina|moonfire"),
    ("relaycore", r"^relaycore"),
    ("ExoPlayer", r"ExoPlayer|AndroidXMedia3"),
    ("Android", r"^stagefright"),
    ("QuickTime", r"^QuickTime|^QTS"),
    ("Hikvision", r"^NKPlayer"),
    ("Dahua", r"^Rtsp ?Client/"),
    ("Blue Iris", r"^Blue ?Iris"),
    ("Synology", r"Synology|Surveillance ?Station"),
    ("Milestone", r"Milestone|XProtect"),
    ("Axis", r"^AXIS"),
    ("live555", r"LIVE555"),
    ("curl", r"^curl/"),
    ("scanner", r"nmap|masscan|zgrab"),
    ("Edge", r"^Mozilla/.*\bEdg(A|iOS)?/"),
    ("Opera", r"^Mozilla/.*\bOPR/"),
    ("Firefox", r"^Mozilla/.*\b(Firefox|FxiOS)/"),
    ("Chrome", r"^Mozilla/.*\b((Headless)?Chrome|CriOS|Chromium)/"),
    ("Safari", r"^Mozilla/.*\bSafari/"),
)
"""A family and what the names of its programs have in common; the first that matches is it."""

_COMPILED: Final = tuple((family, re.compile(pattern, re.IGNORECASE)) for family, pattern in FAMILIES)


@lru_cache(maxsize=1024)
def family_of(user_agent: str | None) -> str:
    """The family of a client."""
    if not user_agent:
        return UNKNOWN
    return next((family for family, pattern in _COMPILED if pattern.search(user_agent)), OTHER)
