"""Rules of ONVIF about profiles of Media, and the cameras that they show."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore.doctor.findings import Broken, Rule
from relaycore.doctor.onvif.asking import answer_to, ask, need_permission, service
from relaycore.doctor.onvif.demands import (
    content,
    need_fault,
    need_known,
    need_range,
    need_same,
    need_tokens,
    need_value,
    text_of,
)
from relaycore.doctor.onvif.profiles import (
    UNKNOWN,
    escaped,
    known_profiles,
    number,
    profile_elements,
    whole,
)
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP, local_name

__all__ = ["RULES"]

MOST_ASKED: Final = 4
"""Profiles that are asked for one by one."""

MOST_USES: Final = 10_000
"""Profiles that a configuration may say to be in."""


async def profiles(visit: Visit) -> None:
    """Recorders show and choose by these."""
    found = await known_profiles(visit)
    need_tokens("GetProfiles", [one.token for one in found])
    for one in found:
        whole = one.source and one.configuration and one.encoding and one.width and one.height and one.fps
        if not whole:
            raise Broken(
                Message("The profile {token} lacks its source, encoder, size or rate.", token=repr(one.token))
            )


async def two_profiles(visit: Visit) -> None:
    """One stream to record and a small one to look at, of the same shape."""
    found = [one for one in await known_profiles(visit) if one.width and one.height]
    ratios = [one.width / one.height for one in found]
    if not any(
        first.width > second.width and abs(of_first / of_second - 1) < 0.02
        for first, of_first in zip(found, ratios, strict=True)
        for second, of_second in zip(found, ratios, strict=True)
    ):
        raise Broken(Message("There is no smaller stream of the same shape."))


async def fixed(visit: Visit) -> None:
    """Clients offer to delete what is not said to be fixed."""
    for one in await profile_elements(visit):
        need_value(f"fixed ({one.get('token')})", one.get("fixed") or "", "true", "false", "1", "0")


async def h264(visit: Visit) -> None:
    """Programs for the home take nothing else by Media."""
    encodings = [one.encoding for one in await known_profiles(visit)]
    need_known("Encoding", "H264", encodings, "GetProfiles")


async def use_counts(visit: Visit) -> None:
    """By these, clients know whether a change meets others as well."""
    used: dict[tuple[str, str | None], list[etree._Element]] = {}
    for profile in await profile_elements(visit):
        for configuration in profile.findall("./*[@token]"):
            kind = local_name(str(configuration.tag))
            used.setdefault((kind, configuration.get("token")), []).append(configuration)
    for (kind, token), found in used.items():
        count, name = text_of(found[0], "tt:UseCount"), f"UseCount ({kind} {token})"
        if not count:
            raise Broken(Message("The answer has no {name}.", name=name))
        need_range(name, number(count), len(found), MOST_USES)


async def one_profile(visit: Visit) -> None:
    """Whoever knows a profile asks for it alone, and gets the same."""
    for profile in (await profile_elements(visit))[:MOST_ASKED]:
        token = profile.get("token") or ""
        answer = await ask(visit, _question(token), await service(visit, "trt"))
        found = answer.all(".//trt:GetProfileResponse/trt:Profile")
        if not found:
            raise Broken(Message("The answer has no {name}.", name="Profile"))
        need_same(f"GetProfiles ({token})", content(profile), content(found[0]), "GetProfile")


async def unknown_profile(visit: Visit) -> None:
    """Clients find out so that a profile is gone."""
    answer = await answer_to(visit, _question(UNKNOWN), await service(visit, "trt"))
    need_permission(visit, answer)
    need_fault(answer, "NoProfile")


async def sources(visit: Visit) -> None:
    """What profiles show is one of the cameras of the device."""
    cameras = await _cameras(visit)
    need_tokens("GetVideoSources", list(cameras))
    for token, (width, height, fps) in cameras.items():
        if not (width and height and fps):
            raise Broken(Message("The video source {token} lacks its size or rate.", token=repr(token)))
    for profile in await profile_elements(visit):
        source = profile.find("tt:VideoSourceConfiguration", namespaces=NSMAP)
        if source is not None:
            name = f"SourceToken ({profile.get('token')})"
            need_known(name, text_of(source, "tt:SourceToken"), cameras, "GetVideoSources")


async def bounds(visit: Visit) -> None:
    """What is shown of a camera's picture lies in it."""
    cameras = await _cameras(visit)
    for profile in await profile_elements(visit):
        source = profile.find("tt:VideoSourceConfiguration", namespaces=NSMAP)
        place = None if source is None else source.find("tt:Bounds", namespaces=NSMAP)
        if source is None or place is None:
            continue
        width, height, _ = cameras.get(text_of(source, "tt:SourceToken"), (0, 0, 0))
        for size, start, most in (("width", "x", width), ("height", "y", height)):
            begin, length = (number(place.get(name) or "") for name in (start, size))
            need_range(f"Bounds {size} ({profile.get('token')})", length, 1, most - begin)


async def _cameras(visit: Visit) -> dict[str, tuple[int, int, float]]:
    """Width, height and rate of the video sources by their tokens."""
    answer = await ask(visit, "<trt:GetVideoSources/>", await service(visit, "trt"))
    found = {
        one.get("token") or "": (
            whole(one, "tt:Resolution/tt:Width"),
            whole(one, "tt:Resolution/tt:Height"),
            number(text_of(one, "tt:Framerate")),
        )
        for one in answer.all(".//trt:VideoSources")
    }
    if not found:
        raise Broken(Message("The answer has no {name}.", name="VideoSources"))
    return found


def _question(token: str) -> str:
    return f"<trt:GetProfile><trt:ProfileToken>{escaped(token)}</trt:ProfileToken></trt:GetProfile>"


RULES: Final = (
    Rule(
        "onvif-profiles",
        Message("Every profile has a token, a source, and an encoder with size and rate."),
        "ONVIF Media §5.2",
        profiles,
    ),
    Rule(
        "onvif-sub",
        Message("There is a smaller stream of the same shape."),
        "ONVIF Media §5.2",
        two_profiles,
    ),
    Rule("onvif-fixed", Message("Every profile says whether it is fixed."), "ONVIF Media §5.2.2", fixed),
    Rule("onvif-h264", Message("A profile is of H.264."), "Home Assistant, ONVIF", h264),
    Rule(
        "onvif-use-count",
        Message("UseCount of a configuration is the number of profiles with it."),
        "ONVIF Media §5.4, §5.5",
        use_counts,
    ),
    Rule(
        "onvif-profile",
        Message("GetProfile tells what GetProfiles tells."),
        "ONVIF Media §5.2.3",
        one_profile,
    ),
    Rule(
        "onvif-unknown-profile",
        Message("A profile that is not there is answered by the fault ter:NoProfile."),
        "ONVIF Media §5.2.3",
        unknown_profile,
    ),
    Rule(
        "onvif-sources",
        Message("Video sources have size and rate, and every profile has one of them."),
        "ONVIF Media §5.3.1, §5.4",
        sources,
    ),
    Rule(
        "onvif-bounds",
        Message("What a profile shows lies in the picture of its video source."),
        "ONVIF Media §5.4",
        bounds,
    ),
)
"""In the order in which they are checked."""
