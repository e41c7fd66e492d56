"""Rules of ONVIF about encoders: whether what is told of them is true, and can be set."""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from relaycore._relaycore import H264Parameters
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import ask, need_text, parts_of, service
from relaycore.doctor.onvif.client import Soap
from relaycore.doctor.onvif.demands import content, need_known, need_range, need_same, need_tokens, text_of
from relaycore.doctor.onvif.profiles import (
    Profile,
    escaped,
    known_profiles,
    number,
    profile_elements,
    stream_address,
    whole,
)
from relaycore.doctor.recording import Track
from relaycore.doctor.rules.payload.looking import clock_rate, pictures
from relaycore.doctor.rules.payload.looking import encoding as sdp_encoding
from relaycore.doctor.rules.rtp import need_packets
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP

__all__ = ["RULES"]

MOST_ASKED: Final = 4
"""Profiles whose options are asked for."""

ENCODINGS: Final = ("H264", "JPEG", "MPEG4")
"""All that Media knows."""

MOST_RATE: Final = 10_000_000
"""More than any camera sends: kilobits or pictures in a second."""

RANGES: Final = (
    ("Quality", "tt:Quality", "tt:QualityRange"),
    ("FrameRateLimit", "tt:RateControl/tt:FrameRateLimit", "tt:{0}/tt:FrameRateRange"),
    ("EncodingInterval", "tt:RateControl/tt:EncodingInterval", "tt:{0}/tt:EncodingIntervalRange"),
    ("GovLength", "tt:{0}/tt:GovLength", "tt:{0}/tt:GovLengthRange"),
    ("BitrateLimit", "tt:RateControl/tt:BitrateLimit", "tt:Extension/tt:{0}/tt:BitrateRange"),
)
"""What is set, where it stands in a configuration, and where its range is in the options, by encoding."""

SENT_AS: Final = {"MPEG4": "MP4V-ES"}
"""What SDP calls encodings where that is something else (RFC 6416)."""

FEWEST: Final = 4
"""Pictures from which a rate is known."""

SLACK: Final = 1.25
"""How much higher it may be for a moment, since cameras do not keep time to the picture."""


async def sizes(visit: Visit) -> None:
    """What is set is among what can be set."""
    for one in [found for found in await known_profiles(visit) if found.configuration][:MOST_ASKED]:
        answer = await _options(visit, one)
        known = one.encoding in ENCODINGS
        of_encoding = answer.all(f".//tt:{one.encoding}") if known else []
        if not of_encoding:
            raise Broken(Message("The options of {token} lack its encoding.", token=repr(one.token)))
        known_sizes = {
            (whole(size, "tt:Width"), whole(size, "tt:Height"))
            for kind in of_encoding
            for size in kind.findall("tt:ResolutionsAvailable", namespaces=NSMAP)
        }
        if (one.width, one.height) not in known_sizes:
            raise Broken(
                Message(
                    "The options of {token} lack its size, {width}x{height}.",
                    token=repr(one.token),
                    width=one.width,
                    height=one.height,
                )
            )


async def truth(visit: Visit) -> None:
    """What is told of a stream is what is sent."""
    one = await _played(visit)
    size = await _size_sent(visit)
    if size != (one.width, one.height):
        raise Broken(
            Message(
                "The stream has {sent}, and the profile says {told}.",
                sent=f"{size[0]}x{size[1]}",
                told=f"{one.width}x{one.height}",
            )
        )


async def encoding(visit: Visit) -> None:
    """Clients choose a decoder by what is told."""
    one = await _played(visit)
    _, description = await visit.describe()
    videos = [Track(media) for media in description.media if media.line.startswith("video ")]
    names = [sdp_encoding(track) for track in videos]
    visit.said.extend((False, line.encode()) for track in videos for line in track.media.lines)
    need_known(f"Encoding ({one.token})", SENT_AS.get(one.encoding, one.encoding), names, "DESCRIBE")


async def rate(visit: Visit) -> None:
    """Recorders reckon with what is told: of time, room and power."""
    one = await _played(visit)
    if not one.fps:
        raise Broken(Message("The answer has no {name}.", name="FrameRateLimit"))
    for track in await need_packets(visit):
        whole_pictures = list(pictures(track)) if track.media.line.startswith("video ") else []
        if len(whole_pictures) < FEWEST:
            continue
        first, last = whole_pictures[0][0].timestamp, whole_pictures[-1][0].timestamp
        seconds = ((last - first) & 0xFFFFFFFF) / clock_rate(track)
        fps = (len(whole_pictures) - 1) / seconds if seconds else float("nan")
        need_range(f"fps ({one.token})", round(fps, 2), 0, one.fps * SLACK)
        return
    raise Untried(Message("The stream was too short to be judged."))


async def _played(visit: Visit) -> Profile:
    """The profile of the stream that is played. Untried where there is none."""
    for one in await known_profiles(visit):
        address = await stream_address(visit, one.token)
        if parts_of(address).path.rstrip("/") == urlsplit(visit.url).path.rstrip("/"):
            return one
    raise Untried(Message("No profile of ONVIF has the stream that is played."))


async def _size_sent(visit: Visit) -> tuple[int, int]:
    for media in await visit.sent_media():
        found = re.search(r"sprop-parameter-sets=([^;\s]+)", "\n".join(media.lines))
        if found is None:
            continue
        try:
            sets = [base64.b64decode(text, validate=True) for text in found[1].split(",")]
            parameters = H264Parameters.parse(b"".join(b"\0\0\0\1" + one for one in sets))
        except ValueError:
            continue
        visit.said.extend((False, line.encode()) for line in media.lines)
        return parameters.width, parameters.height
    raise Untried(Message("The description has no {values}.", values="sprop-parameter-sets"))


async def rate_control(visit: Visit) -> None:
    """Recorders refuse profiles of which they do not know how much comes."""
    for encoder in await _encoders_of_profiles(visit):
        token = encoder.get("token")
        rate = encoder.find("tt:RateControl", namespaces=NSMAP)
        if rate is None:
            raise Broken(Message("The answer has no {name}.", name=f"RateControl ({token})"))
        for name in ("FrameRateLimit", "EncodingInterval", "BitrateLimit"):
            need_range(f"{name} ({token})", number(text_of(rate, f"tt:{name}")), 1, MOST_RATE)
        h264 = encoder.find("tt:H264", namespaces=NSMAP)
        if h264 is not None:
            need_range(f"GovLength ({token})", number(text_of(h264, "tt:GovLength")), 1, MOST_RATE)


async def ranges(visit: Visit) -> None:
    """What is set is in the ranges of what can be set."""
    encoders = {one.get("token"): one for one in await _encoders_of_profiles(visit)}
    known = [one for one in await known_profiles(visit) if one.encoding in ENCODINGS]
    if not known:
        raise Untried(Message("No profile has an encoder."))
    for profile in known[:MOST_ASKED]:
        answer, encoder = await _options(visit, profile), encoders.get(profile.configuration)
        if encoder is None:
            continue
        for name, path, limits in RANGES:
            found = answer.all(f".//trt:Options/{limits.format(profile.encoding)}")
            value = text_of(encoder, path.format(profile.encoding))
            if found and value:
                least, most = (number(text_of(found[0], f"tt:{end}")) for end in ("Min", "Max"))
                need_range(f"{name} ({profile.token})", number(value), least, most)


async def configurations(visit: Visit) -> None:
    """The encoders of all profiles are told by themselves, and as they are in them."""
    answer = await ask(visit, "<trt:GetVideoEncoderConfigurations/>", await service(visit, "trt"))
    found = answer.all(".//trt:GetVideoEncoderConfigurationsResponse/trt:Configurations")
    need_tokens("GetVideoEncoderConfigurations", [one.get("token") for one in found])
    known = {one.get("token") or "": content(one) for one in found}
    for encoder in await _encoders_of_profiles(visit):
        token = encoder.get("token") or ""
        need_known("VideoEncoderConfiguration", token, known, "GetVideoEncoderConfigurations")
        need_same(token, content(encoder), known[token], "GetVideoEncoderConfigurations")


async def instances(visit: Visit) -> None:
    """How many streams a camera sends at a time."""
    source = (await profile_elements(visit))[0].find("tt:VideoSourceConfiguration", namespaces=NSMAP)
    if source is None:
        raise Untried(Message("No profile has a video source."))
    body = (
        "<trt:GetGuaranteedNumberOfVideoEncoderInstances><trt:ConfigurationToken>"
        f"{escaped(source.get('token') or '')}</trt:ConfigurationToken>"
        "</trt:GetGuaranteedNumberOfVideoEncoderInstances>"
    )
    answer = await ask(visit, body, await service(visit, "trt"))
    need_range("TotalNumber", number(need_text(answer, ".//trt:TotalNumber")), 1, MOST_RATE)


async def _options(visit: Visit, profile: Profile) -> Soap:
    body = (
        "<trt:GetVideoEncoderConfigurationOptions>"
        f"<trt:ConfigurationToken>{escaped(profile.configuration)}</trt:ConfigurationToken>"
        f"<trt:ProfileToken>{escaped(profile.token)}</trt:ProfileToken>"
        "</trt:GetVideoEncoderConfigurationOptions>"
    )
    return await ask(visit, body, await service(visit, "trt"))


async def _encoders_of_profiles(visit: Visit) -> list[etree._Element]:
    """The encoders of all profiles. Untried where none has one."""
    found = [
        one.find("tt:VideoEncoderConfiguration", namespaces=NSMAP) for one in await profile_elements(visit)
    ]
    known = [one for one in found if one is not None]
    if not known:
        raise Untried(Message("No profile has an encoder."))
    return known


RULES: Final = (
    Rule(
        "onvif-options",
        Message("The options of an encoder have what it is set to."),
        "ONVIF Media §5.5.4",
        sizes,
    ),
    Rule(
        "onvif-ranges",
        Message("What an encoder is set to is in the ranges of its options."),
        "ONVIF Media §5.5.4",
        ranges,
    ),
    Rule(
        "onvif-rate-control",
        Message("Every encoder tells its rate, its bitrate and its distance of key frames."),
        "ONVIF Media §5.5",
        rate_control,
    ),
    Rule(
        "onvif-encoders",
        Message("GetVideoEncoderConfigurations tells the encoders of all profiles."),
        "ONVIF Media §5.5.1",
        configurations,
    ),
    Rule(
        "onvif-instances",
        Message("The device tells how many encoders run at a time."),
        "ONVIF Media §5.5.6",
        instances,
    ),
    Rule(
        "onvif-truth",
        Message("The stream has the size that its profile says."),
        "ONVIF Media §5.5",
        truth,
    ),
    Rule(
        "onvif-encoding",
        Message("The stream has the encoding that its profile says."),
        "ONVIF Media §5.5",
        encoding,
    ),
    Rule(
        "onvif-rate",
        Message("The stream has no more pictures in a second than its profile says."),
        "ONVIF Media §5.5",
        rate,
    ),
)
"""In the order in which they are checked."""
