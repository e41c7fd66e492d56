"""Rules of ONVIF about media: whether what the device tells of its streams is true of them."""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import urlsplit

from relaycore._relaycore import H264Parameters
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import ask, need_here, service, shown_address
from relaycore.doctor.onvif.profiles import escaped, known_profiles, stream_address, whole
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP

__all__ = ["RULES"]

STREAMS: Final = (("UDP", "rtsp"), ("RTSP", "rtsp"), ("HTTP", "http or rtsp"))
"""Transports that clients ask for, and schemes of the addresses."""


async def profiles(visit: Visit) -> None:
    """Recorders show and choose by these."""
    found = await known_profiles(visit)
    tokens = [one.token for one in found]
    if "" in tokens or len(set(tokens)) < len(tokens):
        raise Broken(Message("Two profiles have the same token, or one has none."))
    for one in found:
        whole = one.source and one.configuration and one.encoding and one.width and one.height and one.fps
        if not whole:
            raise Broken(
                Message("The profile {token} lacks its source, encoder, size or rate.", token=repr(one.token))
            )


async def two_profiles(visit: Visit) -> None:
    """One stream to record and a small one to look at, of the same shape."""
    found = [one for one in await known_profiles(visit) if one.height]
    ratios = [one.width / one.height for one in found]
    if not any(
        first.width > second.width and abs(of_first / of_second - 1) < 0.02
        for first, of_first in zip(found, ratios, strict=True)
        for second, of_second in zip(found, ratios, strict=True)
    ):
        raise Broken(Message("There is no smaller stream of the same shape."))


async def options(visit: Visit) -> None:
    """What is set is among what can be set."""
    for one in [found for found in await known_profiles(visit) if found.configuration][:4]:
        body = (
            "<trt:GetVideoEncoderConfigurationOptions>"
            f"<trt:ConfigurationToken>{escaped(one.configuration)}</trt:ConfigurationToken>"
            f"<trt:ProfileToken>{escaped(one.token)}</trt:ProfileToken>"
            "</trt:GetVideoEncoderConfigurationOptions>"
        )
        answer = await ask(visit, body, await service(visit, "trt"))
        known = one.encoding in ("H264", "JPEG", "MPEG4")
        of_encoding = answer.all(f".//tt:{one.encoding}") if known else []
        if not of_encoding:
            raise Broken(Message("The options of {token} lack its encoding.", token=repr(one.token)))
        sizes = {
            (whole(size, "tt:Width"), whole(size, "tt:Height"))
            for kind in of_encoding
            for size in kind.findall("tt:ResolutionsAvailable", namespaces=NSMAP)
        }
        if (one.width, one.height) not in sizes:
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
    known = await known_profiles(visit)
    for one in known:
        address = await stream_address(visit, one.token)
        if urlsplit(address).path.rstrip("/") == urlsplit(visit.url).path.rstrip("/"):
            break
    else:
        raise Untried(Message("No profile of ONVIF has the stream that is played."))
    size = await _size_sent(visit)
    if size != (one.width, one.height):
        raise Broken(
            Message(
                "The stream has {sent}, and the profile says {told}.",
                sent=f"{size[0]}x{size[1]}",
                told=f"{one.width}x{one.height}",
            )
        )


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


async def streams(visit: Visit) -> None:
    """The address of a stream by every transport that clients ask for."""
    first = (await known_profiles(visit))[0].token
    for transport, schemes in STREAMS:
        address = need_here(visit, await stream_address(visit, first, transport))
        if not any(urlsplit(address).scheme.startswith(scheme) for scheme in schemes.split(" or ")):
            raise Broken(
                Message(
                    "The address for {transport} is {address}.",
                    transport=transport,
                    address=shown_address(address),
                )
            )


RULES: Final = (
    Rule(
        "onvif-profiles",
        Message("Every profile has a token, a source, and an encoder with size and rate."),
        "ONVIF Media, profiles",
        profiles,
    ),
    Rule(
        "onvif-sub",
        Message("There is a smaller stream of the same shape."),
        "ONVIF Media, profiles",
        two_profiles,
    ),
    Rule(
        "onvif-options",
        Message("The options of an encoder have what it is set to."),
        "ONVIF Media, video encoder configuration",
        options,
    ),
    Rule(
        "onvif-truth",
        Message("The stream has the size that its profile says."),
        "ONVIF Media, video encoder configuration",
        truth,
    ),
    Rule(
        "onvif-streams",
        Message("Streams have addresses for UDP, RTSP and HTTP."),
        "ONVIF Media, stream URI",
        streams,
    ),
)
"""In the order in which they are checked."""
