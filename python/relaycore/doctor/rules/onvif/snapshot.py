"""Rules of ONVIF about pictures of their own."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import ask, need_here, need_text, service, shown_address
from relaycore.doctor.onvif.client import fetch
from relaycore.doctor.onvif.profiles import escaped, known_profiles
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]


async def snapshot(visit: Visit) -> None:
    """A picture that every program can show."""
    token = escaped((await known_profiles(visit))[0].token)
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


RULES: Final = (
    Rule(
        "onvif-snapshot",
        Message("There is a JPEG at the address of snapshots."),
        "ONVIF Media, snapshot",
        snapshot,
    ),
)
"""In the order in which they are checked."""
