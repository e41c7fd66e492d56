"""Rules of ONVIF about pictures of their own."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from relaycore.doctor.credentials import digest_challenges
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import (
    answer_to,
    ask,
    need_credentials,
    need_here,
    need_permission,
    need_text,
    service,
    shown_address,
)
from relaycore.doctor.onvif.client import fetch
from relaycore.doctor.onvif.demands import TRUE, need_same, need_value
from relaycore.doctor.onvif.profiles import known_profiles, snapshot_question
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]


async def snapshot(visit: Visit) -> None:
    """A picture that every program can show."""
    picture = await fetch(await _address(visit), visit.said, visit.credentials)
    if picture.status == 401 and visit.credentials is None:
        raise Untried(Message("The device asks for a password: give --user."))
    if picture.status != 200 or not picture.body.startswith(b"\xff\xd8\xff"):
        raise Broken(Message("There is no JPEG: the answer is {status}.", status=picture.status))
    kind = (picture.get("content-type") or "").partition(";")[0].strip().lower()
    need_value("Content-Type", kind, "image/jpeg", "image/jpg")


async def guarded(visit: Visit) -> None:
    """What the camera sees is for whoever may see it, and no password is shown on the way."""
    need_credentials(visit)
    picture = await fetch(await _address(visit), visit.said, None)
    need_value("HTTP", str(picture.status), "401")
    if not digest_challenges(picture.all_headers("www-authenticate")):
        raise Broken(Message("{header} does not name {values}.", header="WWW-Authenticate", values="Digest"))


async def announced(visit: Visit) -> None:
    """Clients ask for pictures where the device says that it has some, and do without elsewhere."""
    address = await service(visit, "trt")
    answer = await ask(visit, "<trt:GetServiceCapabilities/>", address)
    told = any(one.get("SnapshotUri") in TRUE for one in answer.all(".//trt:Capabilities"))
    found = await answer_to(visit, snapshot_question((await known_profiles(visit))[0].token), address)
    need_permission(visit, found)
    need_same("SnapshotUri", told, found.text(".//trt:MediaUri/tt:Uri") is not None, "GetSnapshotUri")


async def _address(visit: Visit) -> str:
    """Where the picture of the first profile is. Broken where it is not told."""
    question = snapshot_question((await known_profiles(visit))[0].token)
    answer = await ask(visit, question, await service(visit, "trt"))
    address = need_here(visit, need_text(answer, ".//trt:MediaUri/tt:Uri"))
    if urlsplit(address).scheme not in ("http", "https"):
        raise Broken(Message("{address} is no address.", address=repr(shown_address(address))))
    return address


RULES: Final = (
    Rule(
        "onvif-snapshot",
        Message("There is a JPEG at the address of snapshots."),
        "ONVIF Media §5.16.1",
        snapshot,
    ),
    Rule(
        "onvif-snapshot-login",
        Message("Who is not logged in gets no picture, and is asked for a login by Digest."),
        "ONVIF Core §5.9.1",
        guarded,
    ),
    Rule(
        "onvif-snapshot-capability",
        Message("The device says whether it has pictures of their own."),
        "ONVIF Media §5.16.1",
        announced,
    ),
)
"""In the order in which they are checked."""
