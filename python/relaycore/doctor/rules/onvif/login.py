"""Rules of ONVIF about logging in: who may ask for what, and how that is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from relaycore.doctor.credentials import Credentials, digest_challenges
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import (
    ask_openly,
    device_time,
    need_answer,
    need_credentials,
    offset,
    with_token,
)
from relaycore.doctor.onvif.client import Token
from relaycore.doctor.onvif.questions import (
    CAPABILITIES,
    DEVICE_CAPABILITIES,
    INFORMATION,
    SERVICES,
    TIME,
    USERS,
)
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

OPEN: Final = (TIME, CAPABILITIES, SERVICES, DEVICE_CAPABILITIES)
"""What clients ask before they log in."""

CLOCK_S: Final = 60.0
"""Seconds that the clock of a device may be wrong; tokens of most clients hold for minutes."""

OLD: Final = timedelta(hours=-24)
"""How much too old a token is that must not be taken."""


async def before_login(visit: Visit) -> None:
    """Clients ask for these to find out how to log in."""
    for body in OPEN:
        answer = await ask_openly(visit, body)
        if answer.refuses:
            raise Broken(
                Message("{operation} is refused before the login.", operation=body.strip("</>")[:60])
            )
        need_answer(answer)


async def clock(visit: Visit) -> None:
    """A token of a client whose clock is right is refused where the device's is not."""
    wrong = abs((await device_time(visit) - datetime.now(UTC)).total_seconds())
    if wrong > CLOCK_S:
        raise Broken(Message("The clock of the device is wrong by {seconds} s.", seconds=round(wrong)))


async def login(visit: Visit) -> None:
    """Who does not log in is not told who may."""
    need_credentials(visit)
    answer = await ask_openly(visit, USERS)
    if not answer.refuses:
        raise Broken(Message("It is answered without a login, with {status}.", status=answer.status))


async def digest(visit: Visit) -> None:
    """Over HTTP a password can be proven without being shown."""
    need_credentials(visit)
    answer = await ask_openly(visit, USERS)
    if answer.status != 401:
        raise Broken(Message("The answer is {status} and not {wanted}.", status=answer.status, wanted="401"))
    if not digest_challenges(answer.all_headers("www-authenticate")):
        raise Broken(Message("{header} does not name {values}.", header="WWW-Authenticate", values="Digest"))


async def token(visit: Visit) -> None:
    """The digest that all clients of ONVIF know."""
    answer = await with_token(visit, INFORMATION, Token.of(need_credentials(visit), await offset(visit)))
    if answer.refuses:
        raise Broken(Message("The right password is refused."))
    need_answer(answer)


async def _taken(visit: Visit) -> Token:
    """A token that was taken. Untried where none is."""
    made = Token.of(need_credentials(visit), await offset(visit))
    if (await with_token(visit, INFORMATION, made)).refuses:
        raise Untried(Message("The right password is refused."))
    return made


async def replay(visit: Visit) -> None:
    """Who has listened must not get in by what was heard."""
    answer = await with_token(visit, INFORMATION, await _taken(visit))
    if not answer.refuses:
        raise Broken(Message("The same token is taken twice."))


async def old_token(visit: Visit) -> None:
    """A token is not remembered for ever, so it must not hold for ever."""
    await _taken(visit)
    made = Token.of(need_credentials(visit), await offset(visit) + OLD)
    if not (await with_token(visit, INFORMATION, made)).refuses:
        raise Broken(Message("A token of yesterday is taken."))


async def wrong_password(visit: Visit) -> None:
    """A digest of another password lets nobody in."""
    need_credentials(visit)
    made = Token.of(Credentials("relaycore-doctor", "relaycore-doctor"), await offset(visit))
    if not (await with_token(visit, USERS, made)).refuses:
        raise Broken(Message("A user that there is not is let in."))


_CORE: Final = "ONVIF Core, access classes"
_WSSE: Final = "ONVIF Core, WS-UsernameToken"

RULES: Final = (
    Rule(
        "onvif-before-login",
        Message("What clients need for a login is answered before it."),
        _CORE,
        before_login,
    ),
    Rule("onvif-clock", Message("The clock of the device is right to a minute."), _WSSE, clock),
    Rule("onvif-login", Message("Who is not logged in is not told of users."), _CORE, login),
    Rule(
        "onvif-digest",
        Message("Over HTTP a login by Digest is asked for."),
        "ONVIF Core, HTTP digest",
        digest,
    ),
    Rule("onvif-token", Message("A WS-UsernameToken with a digest is taken."), _WSSE, token),
    Rule("onvif-token-once", Message("A token is taken once."), "UsernameToken Profile 1.1 §3.1", replay),
    Rule("onvif-token-age", Message("An old token is refused."), "UsernameToken Profile 1.1 §3.1", old_token),
    Rule("onvif-wrong-password", Message("An unknown user is refused."), _WSSE, wrong_password),
)
"""In the order in which they are checked."""
