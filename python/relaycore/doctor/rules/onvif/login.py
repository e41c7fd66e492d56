"""Rules of ONVIF about logging in: who may ask for what, and how that is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from relaycore.doctor.credentials import Credentials, digest_challenges
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import (
    ask,
    ask_openly,
    device,
    need_answer,
    need_credentials,
    need_here,
    offset,
    service,
    services,
    time_in,
    with_token,
)
from relaycore.doctor.onvif.client import Token, envelope, post
from relaycore.doctor.onvif.questions import (
    CAPABILITIES,
    DEVICE_CAPABILITIES,
    INFORMATION,
    REFERENCE,
    SCOPES,
    SERVICES,
    TIME,
    USERS,
)
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP, TEV

__all__ = ["RULES"]

OPEN: Final = (TIME, CAPABILITIES, SERVICES, DEVICE_CAPABILITIES)
"""What clients ask before they log in."""

PRE_AUTH: Final = ("<tds:GetHostname/>", "<tds:GetWsdlUrl/>", REFERENCE)
"""What else has the access class PRE_AUTH; a device need not have all of it."""

GUARDED: Final = (
    ("tds", INFORMATION),
    ("tds", SCOPES),
    ("tds", "<tds:GetNetworkInterfaces/>"),
    ("trt", "<trt:GetProfiles/>"),
    ("tev", "<tev:GetEventProperties/>"),
)
"""What has another class, with the services; nothing of it changes anything."""

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


async def pre_auth(visit: Visit) -> None:
    """None of these tells what has to be kept, and clients look for them first."""
    questions = [(device(visit), body) for body in PRE_AUTH]
    events = (await services(visit)).get(TEV)
    if events is not None:
        questions.append((need_here(visit, events), "<tev:GetServiceCapabilities/>"))
    for address, body in questions:
        if (await ask_openly(visit, body, address)).refuses:
            raise Broken(
                Message("{operation} is refused before the login.", operation=body.strip("</>")[:60])
            )


async def guarded(visit: Visit) -> None:
    """All other classes take a user."""
    need_credentials(visit)
    known = {"tds": device(visit)}
    for prefix in ("trt", "tev"):
        if NSMAP[prefix] in await services(visit):
            known[prefix] = await service(visit, prefix)
    for prefix, body in GUARDED:
        if prefix in known and (await ask_openly(visit, body, known[prefix])).status == 200:
            raise Broken(
                Message("{operation} is answered without a login.", operation=body.strip("</>")[:60])
            )


async def clock(visit: Visit) -> None:
    """A token of a client whose clock is right is refused where the device's is not."""
    wrong = abs((time_in(await ask(visit, TIME)) - datetime.now(UTC)).total_seconds())
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


async def whole_token(visit: Visit) -> None:
    """Without a nonce, nobody can tell whether a token was there before."""
    await _taken(visit)
    made = Token.of(need_credentials(visit), await offset(visit), with_nonce=False)
    if not (await with_token(visit, INFORMATION, made)).refuses:
        raise Broken(Message("A token without a nonce is taken."))


async def both_logins(visit: Visit) -> None:
    """Who comes in by HTTP may not be somebody else in the envelope."""
    known = need_credentials(visit)
    digest = Credentials(known.user, known.password)
    if not digest.take((await ask_openly(visit, INFORMATION)).all_headers("www-authenticate")):
        raise Untried(Message("The device takes no login by HTTP Digest."))
    stranger = Token.of(Credentials("relaycore-doctor", "relaycore-doctor"), await offset(visit))
    answer = await post(
        device(visit),
        envelope(INFORMATION, stranger),
        visit.said,
        authorization=digest.header("POST", urlsplit(device(visit)).path),
        shown=f"{INFORMATION} (with the login, and a WS-UsernameToken of nobody)",
    )
    if not answer.refuses:
        raise Broken(Message("A user that there is not is let in."))


async def wrong_password(visit: Visit) -> None:
    """A digest of another password lets nobody in."""
    need_credentials(visit)
    made = Token.of(Credentials("relaycore-doctor", "relaycore-doctor"), await offset(visit))
    if not (await with_token(visit, USERS, made)).refuses:
        raise Broken(Message("A user that there is not is let in."))


_CORE: Final = "ONVIF Core §5.9.4.3"
_WSSE: Final = "ONVIF Core §5.9.5"

RULES: Final = (
    Rule(
        "onvif-before-login",
        Message("What clients need for a login is answered before it."),
        _CORE,
        before_login,
    ),
    Rule(
        "onvif-pre-auth",
        Message("Nothing of the access class PRE_AUTH takes a login."),
        _CORE,
        pre_auth,
    ),
    Rule("onvif-guarded", Message("Nothing else is answered without a login."), _CORE, guarded),
    Rule("onvif-clock", Message("The clock of the device is right to a minute."), _WSSE, clock),
    Rule("onvif-login", Message("Who is not logged in is not told of users."), _CORE, login),
    Rule(
        "onvif-digest",
        Message("Over HTTP a login by Digest is asked for."),
        "ONVIF Core §5.9.1",
        digest,
    ),
    Rule("onvif-token", Message("A WS-UsernameToken with a digest is taken."), _WSSE, token),
    Rule("onvif-token-once", Message("A token is taken once."), "UsernameToken Profile 1.1 §3.1", replay),
    Rule("onvif-token-age", Message("An old token is refused."), "UsernameToken Profile 1.1 §3.1", old_token),
    Rule(
        "onvif-token-whole",
        Message("A token without a nonce is refused."),
        _WSSE,
        whole_token,
    ),
    Rule(
        "onvif-both-logins",
        Message("Where a request has two logins, both have to be right."),
        "ONVIF Core §5.9.1",
        both_logins,
    ),
    Rule("onvif-wrong-password", Message("An unknown user is refused."), _WSSE, wrong_password),
)
"""In the order in which they are checked."""
