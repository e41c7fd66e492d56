"""Rules of ONVIF about the device service: who may ask, faults, and what is said of the device."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from relaycore.doctor.credentials import Credentials, digest_challenges
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import (
    answer_to,
    ask,
    ask_openly,
    device,
    device_time,
    need_answer,
    need_credentials,
    need_here,
    need_permission,
    need_text,
    offset,
    with_token,
)
from relaycore.doctor.onvif.client import Soap, Token, envelope, post
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

OPEN: Final = (
    "<tds:GetSystemDateAndTime/>",
    "<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>",
    "<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>",
    "<tds:GetServiceCapabilities/>",
)
"""What clients ask before they log in."""

GUARDED: Final = "<tds:GetUsers/>"
"""What nobody may know who is not logged in. It changes nothing."""

WHO: Final = "<tds:GetDeviceInformation/>"

CLOCK_S: Final = 60.0
"""Seconds that the clock of a device may be wrong; tokens of most clients hold for minutes."""

OLD: Final = timedelta(hours=-24)
"""How much too old a token is that must not be taken."""

ENTITY: Final = (
    b'<?xml version="1.0"?><!DOCTYPE s:Envelope [<!ENTITY asked "<tds:GetSystemDateAndTime '
    b"xmlns:tds='http://www.onvif.org/ver10/device/wsdl'/>\">]>"
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>&asked;</s:Body></s:Envelope>'
)
"""A request whose operation stands in an entity; it does nothing where entities are left alone."""


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
    answer = await ask_openly(visit, GUARDED)
    if not answer.refuses:
        raise Broken(Message("It is answered without a login, with {status}.", status=answer.status))


async def digest(visit: Visit) -> None:
    """Over HTTP a password can be proven without being shown."""
    need_credentials(visit)
    answer = await ask_openly(visit, GUARDED)
    if answer.status != 401:
        raise Broken(Message("The answer is {status} and not {wanted}.", status=answer.status, wanted="401"))
    if not digest_challenges(answer.all_headers("www-authenticate")):
        raise Broken(Message("{header} does not name {values}.", header="WWW-Authenticate", values="Digest"))


async def token(visit: Visit) -> None:
    """The digest that all clients of ONVIF know."""
    answer = await with_token(visit, WHO, Token.of(need_credentials(visit), await offset(visit)))
    if answer.refuses:
        raise Broken(Message("The right password is refused."))
    need_answer(answer)


async def _taken(visit: Visit) -> Token:
    """A token that was taken. Untried where none is."""
    made = Token.of(need_credentials(visit), await offset(visit))
    if (await with_token(visit, WHO, made)).refuses:
        raise Untried(Message("The right password is refused."))
    return made


async def replay(visit: Visit) -> None:
    """Who has listened must not get in by what was heard."""
    answer = await with_token(visit, WHO, await _taken(visit))
    if not answer.refuses:
        raise Broken(Message("The same token is taken twice."))


async def old_token(visit: Visit) -> None:
    """A token is not remembered for ever, so it must not hold for ever."""
    await _taken(visit)
    made = Token.of(need_credentials(visit), await offset(visit) + OLD)
    if not (await with_token(visit, WHO, made)).refuses:
        raise Broken(Message("A token of yesterday is taken."))


async def wrong_password(visit: Visit) -> None:
    """A digest of another password lets nobody in."""
    need_credentials(visit)
    made = Token.of(Credentials("relaycore-doctor", "relaycore-doctor"), await offset(visit))
    if not (await with_token(visit, GUARDED, made)).refuses:
        raise Broken(Message("A user that there is not is let in."))


async def unknown_operation(visit: Visit) -> None:
    """Clients try what newer devices have, and go on after the fault."""
    answer = await answer_to(visit, "<tds:RelaycoreDoctor/>")
    need_permission(visit, answer)
    _need_fault(answer)
    if "ActionNotSupported" not in answer.subcodes:
        raise Broken(Message("The fault does not name {values}.", values="ter:ActionNotSupported"))


async def media_type(visit: Visit) -> None:
    """Answers say that they are SOAP 1.2."""
    answer = await ask_openly(visit, OPEN[0])
    need_answer(answer)
    kind = (answer.get("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/soap+xml":
        raise Broken(
            Message(
                "{header} is {value} and not {wanted}.",
                header="Content-Type",
                value=repr(kind),
                wanted="application/soap+xml",
            )
        )


async def malformed(visit: Visit) -> None:
    """What is no XML is refused, and the device goes on."""
    broken = envelope(OPEN[0])[:-20]
    answer = await post(device(visit), broken, visit.said, shown="(an envelope without its end)")
    if answer.status < 400:
        raise Broken(Message("It is answered {status}.", status=answer.status))
    need_answer(await ask_openly(visit, OPEN[0]))


async def entities(visit: Visit) -> None:
    """Entities of a stranger are not expanded: they can grow without end, and read files."""
    answer = await post(device(visit), ENTITY, visit.said, shown="(an operation in an entity)")
    if answer.text(".//tt:Year") is not None:
        raise Broken(Message("The entity is expanded."))
    need_answer(await ask_openly(visit, OPEN[0]))


async def information(visit: Visit) -> None:
    """What lists of devices show."""
    answer = await ask(visit, WHO)
    for name in ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber", "HardwareId"):
        need_text(answer, f".//tds:{name}")


async def addresses(visit: Visit) -> None:
    """Services are where the client can go."""
    for body in (OPEN[2], OPEN[1]):
        answer = await ask(visit, body)
        found = answer.all(".//tds:XAddr") or answer.all(".//tt:XAddr")
        if not found:
            raise Broken(Message("The answer has no {name}.", name="XAddr"))
        for one in found:
            need_here(visit, (one.text or "").strip())


async def scopes(visit: Visit) -> None:
    """By these a device is found, and named."""
    answer = await ask(visit, "<tds:GetScopes/>")
    found = [(one.text or "").strip() for one in answer.all(".//tt:ScopeItem")]
    for wanted in ("Profile", "name", "hardware"):
        if not any(one.startswith(f"onvif://www.onvif.org/{wanted}") for one in found):
            raise Broken(Message("The scopes have no {name}.", name=wanted))


def _need_fault(answer: Soap) -> None:
    if not answer.is_fault or answer.status < 400:
        raise Broken(Message("The answer is {status} and no fault of SOAP 1.2.", status=answer.status))


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
    Rule(
        "onvif-unknown-operation",
        Message("An unknown operation is answered by the fault ter:ActionNotSupported."),
        "ONVIF Core, SOAP faults",
        unknown_operation,
    ),
    Rule("onvif-soap", Message("Answers are application/soap+xml."), "SOAP 1.2 Part 2 §7.1.4", media_type),
    Rule(
        "onvif-malformed",
        Message("What is no XML is refused, and the device goes on."),
        "SOAP 1.2 Part 1 §5",
        malformed,
    ),
    Rule(
        "onvif-entities",
        Message("Entities of a document type are not expanded."),
        "SOAP 1.2 Part 1 §5",
        entities,
    ),
    Rule(
        "onvif-information",
        Message("The device tells maker, model, version and number."),
        "ONVIF Core, device",
        information,
    ),
    Rule(
        "onvif-addresses",
        Message("Addresses of services are at the host that was asked."),
        "ONVIF Core, capabilities",
        addresses,
    ),
    Rule(
        "onvif-scopes",
        Message("The scopes tell profile, name and hardware."),
        "ONVIF Core, scopes",
        scopes,
    ),
)
"""In the order in which they are checked."""
