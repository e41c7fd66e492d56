"""Configurations and their options, in the order of the schema."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore._relaycore import Track
from relaycore.encode.audio import AAC_BITRATE
from relaycore.encode.running import EncoderOptions
from relaycore.onvif.profiles import Profile
from relaycore.onvif.services.ptz import elements as ptz
from relaycore.onvif.services.ptz.service import can_move
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.names import TT
from relaycore.onvif.soap.operations import Call
from relaycore.settings import MulticastSettings

__all__ = [
    "audio_encoder",
    "audio_encoder_options",
    "audio_source",
    "audio_source_configuration",
    "gov_length",
    "profile_element",
    "video_encoder",
    "video_encoder_options",
    "video_source",
    "video_source_configuration",
]

G711_KBPS: Final = 64
"""Thousands of bits per second, by one channel."""


def gov_length(seconds: float, fps: float) -> int:
    """Pictures from one random access point to the next."""
    return max(1, round(seconds * fps))


def profile_element(call: Call, name: str, profile: Profile) -> etree._Element:
    """A profile with all that is in it. It cannot be changed or deleted, hence fixed."""
    sound, moves = profile.sound is not None, can_move(call.relay, profile.camera)
    return node(
        name,
        node("tt:Name", profile.token),
        video_source_configuration("tt:VideoSourceConfiguration", profile),
        audio_source_configuration("tt:AudioSourceConfiguration", profile) if sound else None,
        video_encoder(call, "tt:VideoEncoderConfiguration", profile),
        audio_encoder(call, "tt:AudioEncoderConfiguration", profile) if sound else None,
        ptz.configuration(f"{{{TT}}}PTZConfiguration", profile.camera, 2) if moves else None,
        token=profile.token,
        fixed=True,
    )


def video_source(name: str, profile: Profile) -> etree._Element:
    """A camera."""
    return node(
        name,
        node("tt:Framerate", profile.source.fps),
        _size("tt:Resolution", profile.source.width, profile.source.height),
        token=profile.camera,
    )


def video_source_configuration(name: str, profile: Profile) -> etree._Element:
    """All of a camera's picture, for both of its profiles."""
    width, height = profile.source.width, profile.source.height
    return node(
        name,
        node("tt:Name", profile.camera),
        node("tt:UseCount", 1 if profile.is_mirror else 2),
        node("tt:SourceToken", profile.camera),
        node("tt:Bounds", x=0, y=0, width=width, height=height),
        token=profile.camera,
    )


def video_encoder(call: Call, name: str, profile: Profile) -> etree._Element:
    """How pictures are encoded."""
    state = profile.encoder
    is_jpeg = state.encoding == "jpeg"
    h264 = node(
        "tt:H264",
        node("tt:GovLength", gov_length(state.gop_seconds, state.fps)),
        node("tt:H264Profile", _profile(state.profile)),
    )
    return node(
        name,
        node("tt:Name", profile.token),
        node("tt:UseCount", 1),
        node("tt:Encoding", "JPEG" if is_jpeg else "H264"),
        _size("tt:Resolution", state.width, state.height),
        node("tt:Quality", 1.0),
        node(
            "tt:RateControl",
            node("tt:FrameRateLimit", max(1, round(state.fps))),
            node("tt:EncodingInterval", 1),
            node("tt:BitrateLimit", state.bitrate // 1000),
        ),
        None if is_jpeg else h264,
        _multicast(call, profile),
        node("tt:SessionTimeout", "PT60S"),
        token=profile.token,
    )


def video_encoder_options(name: str, profile: Profile, options: EncoderOptions) -> etree._Element:
    """What an encoder may be set to; the range of bitrates has its place in the extension."""
    sizes = [_size("tt:ResolutionsAvailable", width, height) for width, height in options.sizes]
    least, most = options.fps
    rates = _range("tt:FrameRateRange", max(1, round(least)), max(1, round(most)))
    if profile.encoder.encoding == "jpeg":
        interval = _range("tt:EncodingIntervalRange", 1, 1)
        return node(name, _range("tt:QualityRange", 1, 1), node("tt:JPEG", *sizes, rates, interval))
    shortest, longest = options.gop_seconds
    most_pictures = max(gov_length(longest, profile.encoder.fps), 1)

    def h264(*more: etree._Element) -> etree._Element:
        return node(
            "tt:H264",
            *(_size("tt:ResolutionsAvailable", width, height) for width, height in options.sizes),
            _range("tt:GovLengthRange", gov_length(shortest, profile.encoder.fps), most_pictures),
            _range("tt:FrameRateRange", max(1, round(least)), max(1, round(most))),
            _range("tt:EncodingIntervalRange", 1, 1),
            *(node("tt:H264ProfilesSupported", _profile(one)) for one in options.profiles or ("Main",)),
            *more,
        )

    slowest, fastest = options.bitrate
    bitrates = _range("tt:BitrateRange", slowest // 1000, fastest // 1000)
    return node(name, _range("tt:QualityRange", 1, 1), h264(), node("tt:Extension", h264(bitrates)))


def audio_source(name: str, camera: str, sound: Track) -> etree._Element:
    """A microphone."""
    return node(name, node("tt:Channels", max(1, sound.channels)), token=camera)


def audio_source_configuration(name: str, profile: Profile) -> etree._Element:
    """The microphone of a camera, for both of its profiles."""
    return node(
        name,
        node("tt:Name", profile.camera),
        node("tt:UseCount", 1 if profile.is_mirror else 2),
        node("tt:SourceToken", profile.camera),
        token=profile.camera,
    )


def audio_encoder(call: Call, name: str, profile: Profile) -> etree._Element:
    """How sound is encoded."""
    assert profile.sound is not None
    codec = profile.sound.codec
    return node(
        name,
        node("tt:Name", profile.token),
        node("tt:UseCount", 1),
        node("tt:Encoding", "AAC" if codec == "aac" else "G711"),
        node("tt:Bitrate", _sound_kbps(profile.sound)),
        node("tt:SampleRate", profile.sound.clock_rate // 1000),
        _multicast(call, profile),
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
            node("tt:BitrateList", node("tt:Items", _sound_kbps(profile.sound))),
            node("tt:SampleRateList", node("tt:Items", profile.sound.clock_rate // 1000)),
        ),
    )


def _sound_kbps(sound: Track) -> int:
    """What the sound of cameras is encoded with."""
    if sound.codec == "aac":
        return AAC_BITRATE.get(sound.channels, AAC_BITRATE[2]) // 1000
    return G711_KBPS * max(1, sound.channels)


def _multicast(call: Call, profile: Profile) -> etree._Element:
    """Where packets go when a reader asks for multicast; an address of nowhere where that is not set up."""
    settings: MulticastSettings | None = call.relay.config.path_settings(profile.path).multicast
    if settings is None:
        group, port, ttl = "0.0.0.0", 0, 0  # noqa: S104 (no address)
    else:
        group, port, ttl = settings.group, settings.port, settings.ttl
    kind = "IPv6" if ":" in group else "IPv4"
    return node(
        "tt:Multicast",
        node("tt:Address", node("tt:Type", kind), node(f"tt:{kind}Address", group)),
        node("tt:Port", port),
        node("tt:TTL", ttl),
        node("tt:AutoStart", False),
    )


def _size(name: str, width: int, height: int) -> etree._Element:
    return node(name, node("tt:Width", width), node("tt:Height", height))


def _range(name: str, least: int, most: int) -> etree._Element:
    return node(name, node("tt:Min", least), node("tt:Max", most))


def _profile(name: str | None) -> str:
    return name if name in ("Baseline", "Main", "Extended", "High") else "Main"
