"""Rules of ONVIF about messages of SOAP: what is no request, and how that is told."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.findings import Broken, Rule
from relaycore.doctor.onvif.asking import answer_to, ask_openly, device, need_answer, need_permission
from relaycore.doctor.onvif.client import Soap, envelope, post
from relaycore.doctor.onvif.questions import TIME
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

ENTITY: Final = (
    b'<?xml version="1.0"?><!DOCTYPE s:Envelope [<!ENTITY asked "<tds:GetSystemDateAndTime '
    b"xmlns:tds='http://www.onvif.org/ver10/device/wsdl'/>\">]>"
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>&asked;</s:Body></s:Envelope>'
)
"""A request whose operation stands in an entity; it does nothing where entities are left alone."""


async def unknown_operation(visit: Visit) -> None:
    """Clients try what newer devices have, and go on after the fault."""
    answer = await answer_to(visit, "<tds:RelaycoreDoctor/>")
    need_permission(visit, answer)
    _need_fault(answer)
    if "ActionNotSupported" not in answer.subcodes:
        raise Broken(Message("The fault does not name {values}.", values="ter:ActionNotSupported"))


async def media_type(visit: Visit) -> None:
    """Answers say that they are SOAP 1.2."""
    answer = await ask_openly(visit, TIME)
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
    broken = envelope(TIME)[:-20]
    answer = await post(device(visit), broken, visit.said, shown="(an envelope without its end)")
    if answer.status < 400:
        raise Broken(Message("It is answered {status}.", status=answer.status))
    need_answer(await ask_openly(visit, TIME))


async def entities(visit: Visit) -> None:
    """Entities of a stranger are not expanded: they can grow without end, and read files."""
    answer = await post(device(visit), ENTITY, visit.said, shown="(an operation in an entity)")
    if answer.text(".//tt:Year") is not None:
        raise Broken(Message("The entity is expanded."))
    need_answer(await ask_openly(visit, TIME))


def _need_fault(answer: Soap) -> None:
    if not answer.is_fault or answer.status < 400:
        raise Broken(Message("The answer is {status} and no fault of SOAP 1.2.", status=answer.status))


RULES: Final = (
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
)
"""In the order in which they are checked."""
