"""Profiles, configurations and their options, in the order of the schema."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from lxml import etree

from relaycore._relaycore import Track
from relaycore.encode.running import EncoderOptions
from relaycore.onvif.media import elements as shared
from relaycore.onvif.profiles import Profile
from relaycore.onvif.services.ptz import elements as ptz
from relaycore.onvif.services.ptz.service import can_move
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.operations import Call

__all__ = [
    "ALL_TYPES",
    "audio_encoder",
    "audio_encoder_options",
    "configurations",
    "encoding_name",
    "profile_element",
    "video_encoder",
    "video_encoder_options",
]

ALL_TYPES: Final = (
    "VideoSource",
    "AudioSource",
    "VideoEncoder",
    "AudioEncoder",
    "Analytics",
    "PTZ",
    "Metadata",
    "AudioOutput",
    "AudioDecoder",
    "Receiver",
)
"""What a profile may have, in the order of tr2:ConfigurationSet."""

_SOUNDS: Final[Mapping[str, str]] = {"aac": "mpeg4-generic", "pcmu": "PCMU", "pcma": "PCMA"}
"""Media subtypes as the stream's own description has them."""

_RATES: Final = (60, 50, 30, 25, 20, 15, 12, 10, 8, 6, 5, 4, 3, 2, 1)
"""Pictures per second that are offered below the largest rate; those between are taken, too."""


def encoding_name(encoding: str) -> str:
    """The media subtype of pictures, like ``H264``."""
    return encoding.upper()


def profile_element(call: Call, profile: Profile, types: Collection[str]) -> etree._Element:
    """A profile with its configurations of these types. It cannot be deleted, hence fixed."""
    made = configurations(call, profile)
    found = [build() for kind, (_, build) in made.items() if kind in types]
    return node(
        "tr2:Profiles",
        node("tr2:Name", profile.token),
        node("tr2:Configurations", *found) if types else None,
        token=profile.token,
        fixed=True,
    )


def configurations(call: Call, profile: Profile) -> dict[str, tuple[str, Callable[[], etree._Element]]]:
    """What a profile has: by type, in the order of the schema, the token and what builds the element."""
    camera, token = profile.camera, profile.token
    found: dict[str, tuple[str, Callable[[], etree._Element]]] = {
        "VideoSource": (camera, lambda: shared.video_source_configuration("tr2:VideoSource", profile))
    }
    if profile.sound is not None:
        found["AudioSource"] = (camera, lambda: shared.audio_source_configuration("tr2:AudioSource", profile))
    found["VideoEncoder"] = (token, lambda: video_encoder(call, "tr2:VideoEncoder", profile))
    if profile.sound is not None:
        found["AudioEncoder"] = (token, lambda: audio_encoder(call, "tr2:AudioEncoder", profile))
    if can_move(call.relay, camera):
        found["PTZ"] = (camera, lambda: ptz.configuration("tr2:PTZ", camera, 2))
    return found


def video_encoder(call: Call, name: str, profile: Profile) -> etree._Element:
    """How pictures are encoded."""
    state = profile.encoder
    made = node(
        name,
        node("tt:Name", profile.token),
        node("tt:UseCount", 1),
        node("tt:Encoding", encoding_name(state.encoding)),
        shared.size("tt:Resolution", state.width, state.height),
        node(
            "tt:RateControl",
            node("tt:FrameRateLimit", _rate(state.fps)),
            node("tt:BitrateLimit", state.bitrate // 1000),
            ConstantBitRate=False,
        ),
        shared.multicast(call, profile),
        node("tt:Quality", 1.0),
        token=profile.token,
    )
    if state.encoding != "jpeg":
        made.set("GovLength", str(shared.gov_length(state.gop_seconds, state.fps)))
        if state.profile is not None:
            made.set("Profile", state.profile)
    return made


def video_encoder_options(name: str, profile: Profile, options: EncoderOptions) -> etree._Element:
    """What an encoder may be set to."""
    fps = profile.encoder.fps
    slowest, fastest = options.bitrate
    made = node(
        name,
        node("tt:Encoding", encoding_name(profile.encoder.encoding)),
        shared.between("tt:QualityRange", 1, 1),
        *(shared.size("tt:ResolutionsAvailable", width, height) for width, height in options.sizes),
        shared.between("tt:BitrateRange", slowest // 1000, fastest // 1000),
        FrameRatesSupported=_rates(*options.fps),
        ConstantBitRateSupported=False,
        GuaranteedFrameRateSupported=False,
    )
    if profile.encoder.encoding != "jpeg":
        shortest, longest = (shared.gov_length(seconds, fps) for seconds in options.gop_seconds)
        made.set("GovLengthRange", f"{shortest} {longest}")
        if options.profiles:
            made.set("ProfilesSupported", " ".join(options.profiles))
    return made


def audio_encoder(call: Call, name: str, profile: Profile) -> etree._Element:
    """How sound is encoded."""
    sound = _sound(profile)
    return node(
        name,
        node("tt:Name", profile.token),
        node("tt:UseCount", 1),
        node("tt:Encoding", _SOUNDS[sound.codec]),
        shared.multicast(call, profile),
        node("tt:Bitrate", shared.sound_kbps(sound)),
        node("tt:SampleRate", sound.clock_rate // 1000),
        token=profile.token,
    )


def audio_encoder_options(name: str, profile: Profile) -> etree._Element:
    """Sound is encoded as it is: there is nothing to choose."""
    sound = _sound(profile)
    return node(
        name,
        node("tt:Encoding", _SOUNDS[sound.codec]),
        node("tt:BitrateList", node("tt:Items", shared.sound_kbps(sound))),
        node("tt:SampleRateList", node("tt:Items", sound.clock_rate // 1000)),
    )


def _sound(profile: Profile) -> Track:
    assert profile.sound is not None
    return profile.sound


def _rate(fps: float) -> str:
    return f"{fps:.6g}"


def _rates(least: float, most: float) -> str:
    """The rates that are offered, the largest first."""
    return " ".join([_rate(most), *(str(rate) for rate in _RATES if least <= rate < most)])
