"""Which encoder to use: found out by really encoding, since a driver's promise is worth nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import av
import numpy as np

from relaycore.encode.profiles import HARDWARE, LAST_RESORTS, EncoderProfile, profile_of
from relaycore.encode.video import EncoderFailed, VideoEncoder, VideoFormat
from relaycore.errors import EncoderError
from relaycore.language import Message

__all__ = ["Choice", "choose_encoder", "try_encoder"]

TRIAL_FRAMES: Final = 10
TRIAL_SIZE: Final = (320, 240)
"""Small, but larger than the least size of the hardware encoders."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen encoder, and a sentence that says why."""

    profile: EncoderProfile
    reason: str


def choose_encoder(wish: str, form: VideoFormat) -> Choice:
    """The encoder of the name ``wish``, or for ``auto`` the first in hardware that works, or libx264.

    EncoderError when the wished one does not work, or when none does.
    """
    if wish != "auto":
        profile = profile_of(wish)
        VideoEncoder(profile, form)
        failure = try_encoder(profile, form)
        if failure is not None:
            raise EncoderError(
                Message(
                    "The encoder {wish} does not work here ({failure}): leave the choice to `auto`, "
                    "or use libx264.",
                    wish=wish,
                    failure=failure,
                )
            )
        return Choice(profile, Message("{wish}, as it was asked for", wish=wish))
    failures: dict[str, str] = {}
    for profile in HARDWARE:
        if not profile.is_for_this_system or profile.name not in av.codecs_available:
            continue
        failure = try_encoder(profile, form)
        if failure is None:
            return Choice(profile, Message("{name}: the hardware encoder works", name=profile.name))
        failures[profile.name] = failure
    for profile in LAST_RESORTS:
        if profile.is_for_this_system and try_encoder(profile, form) is None:
            return Choice(profile, _why_software(profile.name, list(failures)))
    tried = "; ".join(f"{name}: {failure}" for name, failure in failures.items()) or "none was tried"
    raise EncoderError(
        Message(
            "No H.264 encoder works here ({tried}): install another build of PyAV, or use a camera "
            "that gives H.264.",
            tried=tried,
        )
    )


def _why_software(name: str, tried: list[str]) -> str:
    """A sentence for every start: short, and with the way to the details."""
    if not tried:
        return Message(
            "{name}, in software: this build of FFmpeg has no hardware encoder for this system", name=name
        )
    return Message(
        "{name}, in software: no hardware encoder works here (--encoder {tried} tells why)",
        name=name,
        tried=tried[0],
    )


def try_encoder(profile: EncoderProfile, form: VideoFormat) -> str | None:
    """Encodes a few small pictures; says why it failed, or ``None`` when all is well."""
    width, height = TRIAL_SIZE
    small = replace(form, width=width, height=height)
    pixels = np.full(width * height * 3 // 2, 128, np.uint8)
    try:
        encoder = VideoEncoder(profile, small)
        units = []
        for number in range(TRIAL_FRAMES):
            units += encoder.encode(pixels.data, number * 3000, force_key_frame=number == 0)
        delayed = TRIAL_FRAMES - len(units)
        units += encoder.flush()
    except EncoderFailed as error:
        return error.reason
    except EncoderError as error:
        return str(error)
    if len(units) != TRIAL_FRAMES or not units[0].random_access:
        return f"it gave {len(units)} of {TRIAL_FRAMES} pictures"
    if delayed > 2:
        return f"it holds {delayed} pictures back"
    if not bytes(units[0].data).startswith((b"\0\0\1", b"\0\0\0\1")):
        return "it does not write Annex B"
    return None
