"""The stages of an attempt to view, and why one ends before the last.

CTA-2066 names what players measure: *startup time* is the time from the attempt to its first picture, here
from the connection to the first key frame that was sent; a *video start failure* and an *exit before video
start* are attempts that end before it.
"""

from __future__ import annotations

from typing import Final, Literal

from relaycore.journeys.attempt import Facts

__all__ = [
    "ASKED_NOTHING",
    "ASKS_WITHIN_NS",
    "FIRST_KEY_FRAME",
    "STAGES",
    "WATCHED",
    "Fate",
    "cause_of",
    "ends_well",
    "fate_of",
]

STAGES: Final = (
    "connected",
    "secured",
    "authorised",
    "described",
    "set_up",
    "playing",
    "first_packet",
    "first_key_frame",
    "watched",
    "ended_well",
)
"""In their order. Who passes one has passed, or skipped, all before it."""

FIRST_KEY_FRAME: Final = STAGES.index("first_key_frame")
WATCHED: Final = STAGES.index("watched")

ASKED_NOTHING: Final = "the client asked for nothing any more"
"""Why the session of a viewer ends who comes again and again (HLS): nothing tells sooner that it has left."""

ASKS_WITHIN_NS: Final = 10_000_000_000
"""How long that takes."""

_BY_STATUS: Final = {
    400: "malformed request",
    403: "not allowed",
    404: "not found",
    406: "offer refused",
    421: "malformed request",
    408: "too slow",
    453: "overloaded",
    454: "no such session",
    461: "unsupported transport",
    503: "overloaded",
}

_BY_REASON: Final = {
    "the client ended it": "client ended it",
    "the client closed the connection": "client closed the connection",
    "closed": "client closed the connection",
    "the client left": "client closed the connection",
    "the connection was lost": "connection lost",
    "the encryption was not agreed on": "encryption failed",
    "idle": "silent",
    "nothing was heard of the client until its timeout": "silent",
    "ended by the operator": "ended by the operator",
    "the server was stopped": "relay stopped",
    "its client came back": "client came back",
    "refused": "overloaded",
    "the relay is closing": "relay stopped",
    ASKED_NOTHING: "client closed the connection",
    "the client asks and does not read": "too slow",
    "the client sent what is no WebSocket frame": "malformed request",
    "the client took nothing more": "too slow",
    "the client never connected": "never connected",
    "the connection failed": "connection lost",
    "the offer was refused": "offer refused",
}

_WELL: Final = frozenset({"client ended it", "ended by the operator", "relay stopped", "stream ended"})

_REFUSED: Final = frozenset({"no credentials", "wrong credentials", "not allowed"})
_LEFT: Final = frozenset({"client ended it", "client closed the connection", "client came back"})

Fate = Literal["refused", "left", "failed"]
"""What became of an attempt before its first picture: its client might not watch, went, or got none."""


def cause_of(journey: Facts, reason: str | None) -> str:
    """Why an attempt ended, one of few words. ``reason`` is that of the engine."""
    if journey.status == 401:
        return "wrong credentials" if journey.credentials else "no credentials"
    if journey.status is not None:
        return _BY_STATUS.get(journey.status, f"refused with {journey.status}")
    # All others are what becomes of streams.
    cause = _BY_REASON.get(reason or "", "stream ended")
    if cause == "client closed the connection" and not journey.protocol.startswith("rtsp"):
        return "client ended it"  # browsers have no other way to say so
    return cause


def ends_well(cause: str) -> bool:
    """Whether an attempt that was watched ended as somebody wanted it to."""
    return cause in _WELL


def fate_of(cause: str) -> Fate:
    """What a cause means for an attempt that ends before its first picture."""
    if cause in _REFUSED:
        return "refused"
    return "left" if cause in _LEFT else "failed"
