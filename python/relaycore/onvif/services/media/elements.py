"""Configurations and their options, in the order of the schema."""

from __future__ import annotations

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
    "audio_encoder",
    "audio_encoder_options",
    "audio_source",
    "profile_element",
    "video_encoder",
    "video_encoder_options",
    "video_source",
]


def profile_element(call: Call, name: str, profile: Profile) -> etree._Element:
    """A profile with all that is in it. It cannot be changed or deleted, hence fixed."""
    sound, moves = profile.sound is not None, can_move(call.relay, profile.camera)
    return node(
        name,
        node("tt:Name", profile.token),
        shared.video_source_configuration("tt:VideoSourceConfiguration", profile),
        shared.audio_source_configuration("tt:AudioSourceConfiguration", profile) if sound else None,
        video_encoder(call, "tt:VideoEncoderConfiguration", profile),
        audio_encoder(call, "tt:AudioEncoderConfiguration", profile) if sound else None,
        ptz.configuration("tt:PTZConfiguration", profile.camera, 2) if moves else None,
        token=profile.token,
        fixed=True,
    )


def video_source(name: str, profile: Profile) -> etree._Element:
    """A camera."""
    return node(
        name,
        node("tt:Framerate", profile.source.fps),
        shared.size("tt:Resolution", profile.source.width, profile.source.height),
        token=profile.camera,
    )


def video_encoder(call: Call, name: str, profile: Profile) -> etree._Element:
    """How pictures are encoded."""
    state = profile.encoder
    is_jpeg = state.encoding == "jpeg"
    h264 = node(
        "tt:H264",
        node("tt:GovLength", shared.gov_length(state.gop_seconds, state.fps)),
        node("tt:H264Profile", _profile(state.profile)),
    )
    return node(
        name,
        node("tt:Name", profile.token),
        node("tt:UseCount", 1),
        node("tt:Encoding", "JPEG" if is_jpeg else "H264"),
        shared.size("tt:Resolution", state.width, state.height),
        node("tt:Quality", 1.0),
        node(
            "tt:RateControl",
            node("tt:FrameRateLimit", max(1, round(state.fps))),
            node("tt:EncodingInterval", 1),
            node("tt:BitrateLimit", state.bitrate // 1000),
        ),
        None if is_jpeg else h264,
        shared.multicast(call, profile),
        node("tt:SessionTimeout", "PT60S"),
        token=profile.token,
    )


def video_encoder_options(name: str, profile: Profile, options: EncoderOptions) -> etree._Element:
    """What an encoder may be set to; the range of bitrates has its place in the extension."""
    sizes = [shared.size("tt:ResolutionsAvailable", width, height) for width, height in options.sizes]
    least, most = options.fps
    rates = shared.between("tt:FrameRateRange", max(1, round(least)), max(1, round(most)))
    if profile.encoder.encoding == "jpeg":
        interval = shared.between("tt:EncodingIntervalRange", 1, 1)
        return node(name, shared.between("tt:QualityRange", 1, 1), node("tt:JPEG", *sizes, rates, interval))
    shortest, longest = options.gop_seconds
    least_pictures = shared.gov_length(shortest, profile.encoder.fps)
    most_pictures = shared.gov_length(longest, profile.encoder.fps)

    def h264(*more: etree._Element) -> etree._Element:
        return node(
            "tt:H264",
            *(shared.size("tt:ResolutionsAvailable", width, height) for width, height in options.sizes),
            shared.between("tt:GovLengthRange", least_pictures, most_pictures),
            shared.between("tt:FrameRateRange", max(1, round(least)), max(1, round(most))),
            shared.between("tt:EncodingIntervalRange", 1, 1),
            *(node("tt:H264ProfilesSupported", _profile(one)) for one in options.profiles or ("Main",)),
            *more,
        )

    slowest, fastest = options.bitrate
    bitrates = shared.between("tt:BitrateRange", slowest // 1000, fastest // 1000)
    return node(name, shared.between("tt:QualityRange", 1, 1), h264(), node("tt:Extension", h264(bitrates)))


def audio_source(name: str, camera: str, sound: Track) -> etree._Element:
    """A microphone."""
    return node(name, node("tt:Channels", max(1, sound.channels)), token=camera)


def audio_encoder(call: Call, name: str, profile: Profile) -> etree._Element:
    """How sound is encoded."""
    assert profile.sound is not None
    codec = profile.sound.codec
    return node(
        name,
        node("tt:Name", profile.token),
        node("tt:UseCount", 1),
        node("tt:Encoding", "AAC" if codec == "aac" else "G711"),
        node("tt:Bitrate", shared.sound_kbps(profile.sound)),
        node("tt:SampleRate", profile.sound.clock_rate // 1000),
        shared.multicast(call, profile),
        node("tt:SessionTimeout", "PT60S"),
        token=profile.token,
    )


def audio_encoder_options(name: str, profile: Profile) -> etree._Element:
    """Sound is encoded as it is: there is nothing to choose."""
    assert profile.sound is not None
    codec = profile.sound.codec
    return node(
        name,
        node(
            "tt:Options",
            node("tt:Encoding", "AAC" if codec == "aac" else "G711"),
            node("tt:BitrateList", node("tt:Items", shared.sound_kbps(profile.sound))),
            node("tt:SampleRateList", node("tt:Items", profile.sound.clock_rate // 1000)),
        ),
    )


def _profile(name: str | None) -> str:
    return name if name in ("Baseline", "Main", "Extended", "High") else "Main"
