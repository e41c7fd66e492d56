"""Rules of ONVIF about media: whether what the device tells of its streams is true of them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from relaycore._relaycore import H264Parameters
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import ask, need_here, need_text, service, shown_address
from relaycore.doctor.onvif.client import fetch
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP

__all__ = ["RULES", "first_stream"]

STREAMS: Final = (("UDP", "rtsp"), ("RTSP", "rtsp"), ("HTTP", "http or rtsp"))
"""Transports that clients ask for, and schemes of the addresses."""

MOST_PROFILES: Final = 64
"""Profiles that are looked at."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the device tells of a profile and its encoder; zero where it tells nothing."""

    token: str
    source: bool
    configuration: str
    encoding: str
    width: int
    height: int
    fps: float


async def _profiles(visit: Visit) -> list[Profile]:
    answer = await ask(visit, "<trt:GetProfiles/>", await service(visit, "trt"))
    found = [_profile(one) for one in answer.all(".//trt:GetProfilesResponse/trt:Profiles")]
    if not found:
        raise Broken(Message("There is no profile."))
    return found[:MOST_PROFILES]


def _profile(element: etree._Element) -> Profile:
    def text(path: str) -> str:
        return (element.findtext(f"tt:VideoEncoderConfiguration/{path}", namespaces=NSMAP) or "").strip()

    encoder = element.find("tt:VideoEncoderConfiguration", namespaces=NSMAP)
    return Profile(
        element.get("token") or "",
        element.find("tt:VideoSourceConfiguration", namespaces=NSMAP) is not None,
        "" if encoder is None else encoder.get("token") or "",
        text("tt:Encoding"),
        int(_number(text("tt:Resolution/tt:Width"))),
        int(_number(text("tt:Resolution/tt:Height"))),
        _number(text("tt:RateControl/tt:FrameRateLimit")),
    )


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e9 else 0.0


async def _stream(visit: Visit, token: str, transport: str = "RTSP") -> str:
    body = (
        "<trt:GetStreamUri><trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream>"
        f"<tt:Transport><tt:Protocol>{transport}</tt:Protocol></tt:Transport></trt:StreamSetup>"
        f"<trt:ProfileToken>{_escaped(token)}</trt:ProfileToken></trt:GetStreamUri>"
    )
    return need_text(await ask(visit, body, await service(visit, "trt")), ".//trt:MediaUri/tt:Uri")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


async def first_stream(visit: Visit) -> str:
    """The address of the stream of the first profile. Broken or Untried where it is not told."""
    return need_here(visit, await _stream(visit, (await _profiles(visit))[0].token))


async def profiles(visit: Visit) -> None:
    """Recorders show and choose by these."""
    found = await _profiles(visit)
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
    found = [one for one in await _profiles(visit) if one.height]
    ratios = [one.width / one.height for one in found]
    if not any(
        first.width > second.width and abs(of_first / of_second - 1) < 0.02
        for first, of_first in zip(found, ratios, strict=True)
        for second, of_second in zip(found, ratios, strict=True)
    ):
        raise Broken(Message("There is no smaller stream of the same shape."))


async def options(visit: Visit) -> None:
    """What is set is among what can be set."""
    for one in [found for found in await _profiles(visit) if found.configuration][:4]:
        body = (
            "<trt:GetVideoEncoderConfigurationOptions>"
            f"<trt:ConfigurationToken>{_escaped(one.configuration)}</trt:ConfigurationToken>"
            f"<trt:ProfileToken>{_escaped(one.token)}</trt:ProfileToken>"
            "</trt:GetVideoEncoderConfigurationOptions>"
        )
        answer = await ask(visit, body, await service(visit, "trt"))
        known = one.encoding in ("H264", "JPEG", "MPEG4")
        of_encoding = answer.all(f".//tt:{one.encoding}") if known else []
        if not of_encoding:
            raise Broken(Message("The options of {token} lack its encoding.", token=repr(one.token)))
        sizes = {
            (_of(size, "tt:Width"), _of(size, "tt:Height"))
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


def _of(element: etree._Element, path: str) -> int:
    return int(_number((element.findtext(path, namespaces=NSMAP) or "").strip()))


async def truth(visit: Visit) -> None:
    """What is told of a stream is what is sent."""
    known = await _profiles(visit)
    for one in known:
        address = await _stream(visit, one.token)
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
    first = (await _profiles(visit))[0].token
    for transport, schemes in STREAMS:
        address = need_here(visit, await _stream(visit, first, transport))
        if not any(urlsplit(address).scheme.startswith(scheme) for scheme in schemes.split(" or ")):
            raise Broken(
                Message(
                    "The address for {transport} is {address}.",
                    transport=transport,
                    address=shown_address(address),
                )
            )


async def snapshot(visit: Visit) -> None:
    """A picture that every program can show."""
    token = _escaped((await _profiles(visit))[0].token)
    body = f"<trt:GetSnapshotUri><trt:ProfileToken>{token}</trt:ProfileToken></trt:GetSnapshotUri>"
    answer = await ask(visit, body, await service(visit, "trt"))
    address = need_here(visit, need_text(answer, ".//trt:MediaUri/tt:Uri"))
    if urlsplit(address).scheme not in ("http", "https"):
        raise Broken(Message("{address} is no address.", address=repr(shown_address(address))))
    picture = await fetch(address, visit.said, visit.credentials)
    if picture.status == 401 and visit.credentials is None:
        raise Untried(Message("The device asks for a password: give --user."))
    if picture.status != 200 or not picture.body.startswith(b"\xff\xd8\xff"):
        raise Broken(Message("There is no JPEG: the answer is {status}.", status=picture.status))


async def media2(visit: Visit) -> None:
    """Both services tell of the same cameras."""
    address = await service(visit, "tr2")
    answer = await ask(visit, "<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>", address)
    found = {one.get("token") for one in answer.all(".//tr2:GetProfilesResponse/tr2:Profiles")}
    if missing := [one.token for one in await _profiles(visit) if one.token not in found]:
        raise Broken(Message("Media2 lacks the profiles {tokens}.", tokens=", ".join(missing[:4])))


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
    Rule(
        "onvif-snapshot",
        Message("There is a JPEG at the address of snapshots."),
        "ONVIF Media, snapshot",
        snapshot,
    ),
    Rule("onvif-media2", Message("Media2 has the profiles of Media."), "ONVIF Media2, profiles", media2),
)
"""In the order in which they are checked."""
