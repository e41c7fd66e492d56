"""Rules of RTSP about logging in by Digest (RFC 2617, RFC 7616)."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.credentials import Credentials, digest_challenges
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

MD5: Final = "MD5"


async def order(visit: Visit) -> None:
    """Clients take the first challenge that they know, or keep the last: both find the right one."""
    found = await _algorithms(visit)
    if len(set(found)) < 2:
        raise Untried(Message("The server asks by one algorithm."))
    if found.index(MD5) != len(found) - 1 if MD5 in found else False:
        raise Broken(Message("MD5 is asked for before {algorithm}.", algorithm=found[-1]))


async def known_to_all(visit: Visit) -> None:
    """MD5 is what every client has."""
    if MD5 not in await _algorithms(visit):
        raise Broken(Message("{header} does not name {values}.", header="WWW-Authenticate", values=MD5))


async def other_connection(visit: Visit) -> None:
    """A challenge that was made on another connection: taken, or called stale and asked for anew."""
    if visit.credentials is None:
        raise Untried(Message("The server asks for a password: give --user."))
    challenges = await _challenges(visit)
    own = Credentials(visit.credentials.user, visit.credentials.password)
    if not own.take(challenges):
        raise Untried(Message("The server asks for no password."))
    value = own.header("DESCRIBE", visit.url)
    client = await visit.connect()
    headers = {"Accept": "application/sdp", "Authorization": value or ""}
    answer = await client.request("DESCRIBE", visit.url, headers, log_in=False)
    if answer.status != 401:
        return
    asked = digest_challenges(answer.all("www-authenticate"))
    if not any(one.get("stale", "").lower() == "true" for one in asked):
        raise Broken(
            Message("{header} does not name {values}.", header="WWW-Authenticate", values="stale=true")
        )


async def _challenges(visit: Visit) -> list[str]:
    """The challenges of a first answer. Untried where there are none."""
    client = await visit.connect()
    answer = await client.request("DESCRIBE", visit.url, {"Accept": "application/sdp"}, log_in=False)
    if answer.status != 401:
        raise Untried(Message("The server asks for no password."))
    return answer.all("www-authenticate")


async def _algorithms(visit: Visit) -> list[str]:
    """The algorithms of the Digest challenges in their order. Untried where there is none."""
    asked = digest_challenges(await _challenges(visit))
    if not asked:
        raise Untried(Message("{header} does not name {values}.", header="WWW-Authenticate", values="Digest"))
    return [one.get("algorithm", MD5).upper() for one in asked]


RULES: Final = (
    Rule(
        "rtsp-digest-md5",
        Message("Digest with MD5, which every client has, is among the challenges."),
        "ONVIF Core, RFC 2617 §3.2.1",
        known_to_all,
    ),
    Rule(
        "rtsp-digest-order",
        Message("Of several challenges, stronger ones come before MD5."),
        "RFC 7616 §3.7",
        order,
    ),
    Rule(
        "rtsp-stale",
        Message("The challenge of another connection is accepted, or called stale."),
        "RFC 2617 §3.2.1",
        other_connection,
    ),
)
