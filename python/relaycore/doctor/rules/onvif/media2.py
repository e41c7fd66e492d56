"""Rules of ONVIF about Media2: whether it tells what Media does."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.findings import Broken, Rule
from relaycore.doctor.onvif.asking import ask, service
from relaycore.doctor.onvif.profiles import known_profiles
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]


async def media2(visit: Visit) -> None:
    """Both services tell of the same cameras."""
    address = await service(visit, "tr2")
    answer = await ask(visit, "<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>", address)
    found = {one.get("token") for one in answer.all(".//tr2:GetProfilesResponse/tr2:Profiles")}
    if missing := [one.token for one in await known_profiles(visit) if one.token not in found]:
        raise Broken(Message("Media2 lacks the profiles {tokens}.", tokens=", ".join(missing[:4])))


RULES: Final = (
    Rule("onvif-media2", Message("Media2 has the profiles of Media."), "ONVIF Media2, profiles", media2),
)
"""In the order in which they are checked."""
