"""Changes encoders that run, and counts them. Both services do it by this code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from relaycore.errors import ConfigurationError, StateError
from relaycore.onvif.media import elements
from relaycore.onvif.profiles import Profile, profiles
from relaycore.onvif.soap.faults import Fault, invalid
from relaycore.onvif.soap.operations import Call

__all__ = ["Wish", "change", "encodings_of"]

SAME_FPS = 0.05
"""Pictures per second by which a rate may be off and is the one that runs: clients round it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants of an encoder; ``None`` leaves it as it is."""

    width: int | None
    height: int | None
    fps: float | None
    kbps: int | None
    pictures: int | None
    """From one random access point to the next."""


async def change(call: Call, profile: Profile, wish: Wish, *, keep: bool = True) -> None:
    """Has the encoder of a profile encode like that; sessions go on. Fault for what it cannot.

    With ``keep`` it holds after a restart, too.
    """
    if profile.is_mirror:
        raise invalid("ConfigModify", "What is shown here is encoded for another camera.")
    state = profile.encoder
    same_rate = wish.fps is None or abs(wish.fps - state.fps) < SAME_FPS
    fps = state.fps if same_rate or wish.fps is None else wish.fps
    pictures = wish.pictures
    has_gop = pictures not in (None, elements.gov_length(state.gop_seconds, state.fps)) or not same_rate
    gop_seconds = None if pictures is None or fps <= 0 or not has_gop else pictures / fps
    try:
        await call.relay.set_encoder(
            profile.camera,
            rendition=profile.rendition,
            width=None if wish.width == state.width else wish.width,
            height=None if wish.height == state.height else wish.height,
            fps=None if same_rate else fps,
            bitrate=None if wish.kbps in (None, state.bitrate // 1000) else 1000 * (wish.kbps or 0),
            gop_seconds=gop_seconds,
            keep=keep,
        )
    except ConfigurationError as error:
        raise invalid("ConfigModify", str(error)) from None
    except StateError as error:
        raise Fault("Receiver", ["ter:Action", "ter:ConfigModify"], str(error)) from None


def encodings_of(call: Call, camera: str) -> Counter[str]:
    """How many encoders a camera has of each encoding; all of them may be watched at a time."""
    return Counter(one.encoder.encoding for one in profiles(call) if one.camera == camera)
