"""What rules of ONVIF ask of the device, with and without a login."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import SplitResult, urlsplit

from lxml import etree

from relaycore.doctor.credentials import Credentials
from relaycore.doctor.findings import Broken, Untried
from relaycore.doctor.onvif.client import Soap, Token, envelope, post
from relaycore.doctor.onvif.questions import SERVICES, TIME
from relaycore.doctor.visit import Visit, without_login
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP, TDS, local_name

__all__ = [
    "answer_to",
    "ask",
    "ask_openly",
    "ask_optional",
    "device",
    "need_answer",
    "need_credentials",
    "need_here",
    "need_permission",
    "need_text",
    "offset",
    "parts_of",
    "service",
    "services",
    "shown_address",
    "time_in",
    "with_token",
]

_SERVICES: Final = "onvif-services"
_KIND: Final = "onvif-by-token"


def device(visit: Visit) -> str:
    """The address of the device service. Untried when none was given."""
    if visit.onvif is None:
        raise Untried(
            Message("No address of ONVIF is known: give --onvif, or its URL in place of the stream's.")
        )
    return visit.onvif


def need_credentials(visit: Visit) -> Credentials:
    """Name and password. Untried without."""
    if visit.credentials is None:
        raise Untried(Message("Nobody is logged in: give --user."))
    return visit.credentials


async def ask_openly(visit: Visit, body: str, url: str | None = None) -> Soap:
    """The answer to somebody who does not say who it is."""
    return await post(url or device(visit), envelope(body), visit.said, shown=body)


async def with_token(
    visit: Visit,
    body: str,
    token: Token,
    url: str | None = None,
    *,
    headers: Sequence[etree._Element] = (),
    wait_s: float = 0.0,
) -> Soap:
    """The answer to a request with a WS-UsernameToken."""
    data, shown = envelope(body, token, headers), f"{body} (with a WS-UsernameToken)"
    return await post(url or device(visit), data, visit.said, shown=shown, wait_s=wait_s)


async def ask(
    visit: Visit,
    body: str,
    url: str | None = None,
    *,
    headers: Sequence[etree._Element] = (),
    wait_s: float = 0.0,
) -> Soap:
    """The answer to whoever the doctor is, asked as :func:`answer_to` does.

    Broken where it is a fault or no XML, Untried where it is refused.
    """
    return _granted(visit, await answer_to(visit, body, url, headers=headers, wait_s=wait_s))


async def ask_optional(visit: Visit, body: str, url: str | None = None) -> Soap:
    """The same of an operation that a device need not have. Untried where it says that it has none."""
    answer = await answer_to(visit, body, url)
    if answer.is_fault and "ActionNotSupported" in answer.subcodes:
        raise Untried(Message("The device does not have this operation."))
    return _granted(visit, answer)


def _granted(visit: Visit, answer: Soap) -> Soap:
    need_permission(visit, answer)
    need_answer(answer)
    return answer


async def answer_to(
    visit: Visit,
    body: str,
    url: str | None = None,
    *,
    headers: Sequence[etree._Element] = (),
    wait_s: float = 0.0,
) -> Soap:
    """Whatever is answered to whoever the doctor is: by HTTP Digest, or where that is refused by a token.

    ``headers`` stand in the header of the envelope, ``wait_s`` is how long the device may wait for something
    to happen. Broken where there is no answer.
    """
    url, credentials = url or device(visit), visit.credentials
    answer: Soap | None = None
    if not visit.kept.get(_KIND):
        data = envelope(body, headers=headers)
        answer = await post(url, data, visit.said, credentials=credentials, shown=body, wait_s=wait_s)
    if credentials is not None and (answer is None or answer.refuses):
        token = Token.of(credentials, await offset(visit))
        answer = await with_token(visit, body, token, url, headers=headers, wait_s=wait_s)
        if not answer.refuses:
            visit.kept[_KIND] = True
    assert answer is not None
    return answer


def need_permission(visit: Visit, answer: Soap) -> None:
    """Untried where somebody else has to ask."""
    if answer.refuses:
        raise Untried(
            Message("The device asks for a password: give --user.")
            if visit.credentials is None
            else Message("The device does not let this user ask for it.")
        )


def need_answer(answer: Soap) -> None:
    """Broken where it is a fault, or no XML of SOAP."""
    if answer.root is None and answer.status == 200:
        raise Broken(Message("The answer is no XML that can be read."))
    if answer.root is None or local_name(str(answer.root.tag)) != "Envelope":
        raise Broken(Message("The answer is no envelope of SOAP."))
    if answer.is_fault or answer.status != 200:
        subcodes = "/".join(answer.subcodes) or "-"
        raise Broken(
            Message(
                "The answer is {status} with the fault {subcodes}.", status=answer.status, subcodes=subcodes
            )
        )


def need_text(answer: Soap, path: str) -> str:
    """The text at a path. Broken without."""
    found = answer.text(path)
    if not found:
        raise Broken(Message("The answer has no {name}.", name=path.rpartition("/")[2].rpartition(":")[2]))
    return found


def need_here(visit: Visit, address: str) -> str:
    """An address that the device tells, without a login in it: whoever is logged in is asked for by --user.

    Broken where it is none, or leads to another host.
    """
    parts = parts_of(address)
    if parts.hostname is None:
        raise Broken(Message("{address} is no address.", address=repr(shown_address(address))))
    if parts.hostname.lower() != (urlsplit(device(visit)).hostname or "").lower():
        raise Broken(Message("The address {address} leads to another host.", address=shown_address(address)))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def parts_of(address: str) -> SplitResult:
    """The parts of an address that the device tells; of nothing where they cannot be told apart."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def shown_address(address: str) -> str:
    """An address that the device tells, fit to be shown."""
    return without_login(address.partition("?")[0])[:200]


async def service(visit: Visit, prefix: str) -> str:
    """The address of a service by its prefix. Untried where the device has none."""
    if prefix == "tds":
        return device(visit)
    found = await services(visit)
    if NSMAP[prefix] not in found:
        raise Untried(Message("The device does not have this service."))
    return need_here(visit, found[NSMAP[prefix]])


async def services(visit: Visit) -> Mapping[str, str]:
    """The addresses of all services by their namespaces, asked once."""
    found = visit.kept.get(_SERVICES)
    if not isinstance(found, Mapping):
        found = await _services(visit)
        visit.kept[_SERVICES] = found
    return found


async def _services(visit: Visit) -> dict[str, str]:
    answer = await ask(visit, SERVICES)
    pairs = [(one.findtext(f"{{{TDS}}}Namespace"), one.findtext(f"{{{TDS}}}XAddr")) for one in _each(answer)]
    return {space.strip(): address.strip() for space, address in pairs if space and address}


def _each(answer: Soap) -> list[etree._Element]:
    return answer.all(".//tds:GetServicesResponse/tds:Service")


def time_in(answer: Soap) -> datetime:
    """The time in UTC that an answer to GetSystemDateAndTime has. Broken where it has none."""
    utc = ".//tt:UTCDateTime"
    names = [f"{utc}/tt:Date/tt:{name}" for name in ("Year", "Month", "Day")]
    names += [f"{utc}/tt:Time/tt:{name}" for name in ("Hour", "Minute", "Second")]
    try:
        year, month, day, hour, minute, second = (int(need_text(answer, name)) for name in names)
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Broken(Message("The answer has no {name}.", name="UTCDateTime")) from None


async def offset(visit: Visit) -> timedelta:
    """How far the clock of the device is ahead; nothing where it does not tell."""
    try:
        return time_in(await ask_openly(visit, TIME)) - datetime.now(UTC)
    except Broken:
        return timedelta()
