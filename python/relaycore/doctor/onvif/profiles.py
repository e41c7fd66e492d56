"""What a device tells of its profiles, and where their streams are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from relaycore.doctor.findings import Broken
from relaycore.doctor.onvif.asking import ask, need_here, need_text, service, shown_address
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP

__all__ = [
    "UNKNOWN",
    "Profile",
    "escaped",
    "first_stream",
    "known_profiles",
    "need_scheme",
    "number",
    "profile_elements",
    "snapshot_question",
    "stream_address",
    "stream_question",
    "whole",
]

MOST_PROFILES: Final = 64
"""Profiles that are looked at."""

UNKNOWN: Final = "relaycore-doctor"
"""A token that no device has."""


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


async def known_profiles(visit: Visit) -> list[Profile]:
    """The profiles of Media. Broken where there is none, Untried without the service."""
    return [_profile(one) for one in await profile_elements(visit)]


async def profile_elements(visit: Visit) -> list[etree._Element]:
    """The same, as they are told."""
    answer = await ask(visit, "<trt:GetProfiles/>", await service(visit, "trt"))
    found = answer.all(".//trt:GetProfilesResponse/trt:Profiles")
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
        int(number(text("tt:Resolution/tt:Width"))),
        int(number(text("tt:Resolution/tt:Height"))),
        number(text("tt:RateControl/tt:FrameRateLimit")),
    )


def number(text: str) -> float:
    """A number that is told; zero where it is none, or out of all reason."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e9 else 0.0


def whole(element: etree._Element, path: str) -> int:
    """The whole number at a path; zero without."""
    return int(number((element.findtext(path, namespaces=NSMAP) or "").strip()))


async def stream_address(visit: Visit, token: str, transport: str = "RTSP") -> str:
    """Where the stream of a profile is by a transport, as the device tells it. Broken where it does not."""
    answer = await ask(visit, stream_question(token, transport), await service(visit, "trt"))
    return need_text(answer, ".//trt:MediaUri/tt:Uri")


def stream_question(token: str, transport: str = "RTSP", kind: str = "RTP-Unicast") -> str:
    """What is asked for the address of a stream."""
    return (
        f"<trt:GetStreamUri><trt:StreamSetup><tt:Stream>{kind}</tt:Stream>"
        f"<tt:Transport><tt:Protocol>{transport}</tt:Protocol></tt:Transport></trt:StreamSetup>"
        f"<trt:ProfileToken>{escaped(token)}</trt:ProfileToken></trt:GetStreamUri>"
    )


def need_scheme(visit: Visit, transport: str, told: str, schemes: Sequence[str]) -> None:
    """Broken where an address for a transport has no scheme that begins with one of these, or is not here."""
    address = need_here(visit, told)
    if not urlsplit(address).scheme.startswith(tuple(schemes)):
        raise Broken(
            Message(
                "The address for {transport} is {address}.",
                transport=transport,
                address=shown_address(address),
            )
        )


def snapshot_question(token: str) -> str:
    """What is asked for the address of the picture of a profile."""
    return f"<trt:GetSnapshotUri><trt:ProfileToken>{escaped(token)}</trt:ProfileToken></trt:GetSnapshotUri>"


def escaped(text: str) -> str:
    """A text of the device as it may stand in a request."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


async def first_stream(visit: Visit) -> str:
    """The address of the stream of the first profile. Broken or Untried where it is not told."""
    return need_here(visit, await stream_address(visit, (await known_profiles(visit))[0].token))
