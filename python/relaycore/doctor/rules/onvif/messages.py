"""Rules of ONVIF about messages of SOAP: what is no request, and how that is told."""

from __future__ import annotations

import contextlib
from typing import Final

from relaycore.doctor.findings import Broken, Rule
from relaycore.doctor.onvif.asking import (
    answer_to,
    ask,
    device,
    need_answer,
    need_permission,
    service,
    services,
)
from relaycore.doctor.onvif.client import Soap, envelope, post, try_method
from relaycore.doctor.onvif.demands import need_fault, need_value
from relaycore.doctor.onvif.profiles import UNKNOWN
from relaycore.doctor.onvif.questions import TIME
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.names import TER, TRT

__all__ = ["RULES"]

OPTIONAL: Final = (
    ("tds", "<tds:GetDNS/>"),
    ("tds", "<tds:GetNTP/>"),
    ("tds", "<tds:GetNetworkDefaultGateway/>"),
    ("tds", "<tds:GetNetworkProtocols/>"),
    ("tds", "<tds:GetDiscoveryMode/>"),
    ("trt", "<trt:GetAudioSources/>"),
    ("trt", "<trt:GetMetadataConfigurations/>"),
    ("trt", "<trt:GetOSDs/>"),
)
"""What recorders and managers of devices ask for though not every device has it."""

STATUSES: Final = {"Sender": "400", "Receiver": "500"}
"""The status of HTTP by whose fault it is (SOAP 1.2 Part 2 table 20)."""

LONG_BYTES: Final = 1024 * 1024
"""Bytes of a request that is longer than any that a client sends."""

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
    need_fault(answer, "ActionNotSupported")


async def optional(visit: Visit) -> None:
    """Clients ask all that a service may have; some give up where not even a fault comes back."""
    known = {"tds": device(visit)}
    if TRT in await services(visit):
        known["trt"] = await service(visit, "trt")
    for prefix, body in OPTIONAL:
        if prefix not in known:
            continue
        answer = await answer_to(visit, body, known[prefix])
        if answer.is_fault:
            need_fault(answer)
        else:
            need_permission(visit, answer)
            need_answer(answer)


async def media_type(visit: Visit) -> None:
    """Answers say that they are SOAP 1.2."""
    answer = await ask(visit, TIME)
    kind = (answer.get("content-type") or "").partition(";")[0].strip().lower()
    need_value("Content-Type", kind, "application/soap+xml")


async def malformed(visit: Visit) -> None:
    """What is no XML is refused, and the device goes on."""
    broken = envelope(TIME)[:-20]
    answer = await post(device(visit), broken, visit.said, shown="(an envelope without its end)")
    if answer.status < 400:
        raise Broken(Message("It is answered {status}.", status=answer.status))
    await ask(visit, TIME)


async def entities(visit: Visit) -> None:
    """Entities of a stranger are not expanded: they can grow without end, and read files."""
    answer = await post(device(visit), ENTITY, visit.said, shown="(an operation in an entity)")
    need_permission(visit, answer)
    if answer.text(".//tt:Year") is not None:
        raise Broken(Message("What stands in the entity is answered."))
    await ask(visit, TIME)


async def fault_status(visit: Visit) -> None:
    """Programs between client and device look at the status alone."""
    for answer in await _faults(visit):
        code = _code(answer)
        if code in STATUSES:
            need_value(f"{code}, HTTP", str(answer.status), STATUSES[code])


async def fault_names(visit: Visit) -> None:
    """A code without its namespace is no code of ONVIF."""
    for answer in await _faults(visit):
        for one in answer.all(".//s:Subcode/s:Value"):
            prefix, _, name = (one.text or "").strip().rpartition(":")
            need_value(f"xmlns:{prefix} ({name})", one.nsmap.get(prefix or None) or "", TER)


async def namespace(visit: Visit) -> None:
    """The namespace of an operation says which one it is; the name alone does not."""
    answer = await answer_to(visit, f'<o:{TIME[5:-2]} xmlns:o="urn:relaycore-doctor"/>')
    need_permission(visit, answer)
    need_fault(answer)


async def method(visit: Visit) -> None:
    """Services are asked by POST, and nothing else happens there."""
    answer = await try_method("PROPFIND", device(visit), visit.said)
    need_value("HTTP", str(answer.status), "405", "501")


async def long_request(visit: Visit) -> None:
    """Whether it is refused or answered: nobody takes the memory of the device."""
    long = envelope(TIME).ljust(LONG_BYTES)
    with contextlib.suppress(Broken):
        await post(device(visit), long, visit.said, shown=f"({LONG_BYTES} bytes)")
    await ask(visit, TIME)


async def _faults(visit: Visit) -> list[Soap]:
    """Faults of both sides: what the device cannot do, and what there is not. Broken where it is none."""
    found = [await answer_to(visit, "<tds:RelaycoreDoctor/>")]
    if TRT in await services(visit):
        body = f"<trt:GetProfile><trt:ProfileToken>{UNKNOWN}</trt:ProfileToken></trt:GetProfile>"
        found.append(await answer_to(visit, body, await service(visit, "trt")))
    for answer in found:
        need_permission(visit, answer)
        need_fault(answer)
    return found


def _code(answer: Soap) -> str:
    """Whose fault it is, without its prefix."""
    return (answer.text(".//s:Fault/s:Code/s:Value") or "").rpartition(":")[2]


RULES: Final = (
    Rule(
        "onvif-unknown-operation",
        Message("An unknown operation is answered by the fault ter:ActionNotSupported."),
        "ONVIF Core §5.1.2, §5.8.2.2",
        unknown_operation,
    ),
    Rule(
        "onvif-optional",
        Message("What a device need not have is answered, if only by a fault."),
        "ONVIF Core §5.1.2",
        optional,
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
        "onvif-fault-status",
        Message("A fault of the sender comes with 400, one of the device with 500."),
        "SOAP 1.2 Part 2 §7.4.2",
        fault_status,
    ),
    Rule(
        "onvif-fault-names",
        Message("Subcodes of faults are in the namespace of ONVIF."),
        "ONVIF Core §5.8.2.1",
        fault_names,
    ),
    Rule(
        "onvif-namespace",
        Message("An operation in an unknown namespace is answered by a fault."),
        "ONVIF Core §5.8.2.2",
        namespace,
    ),
    Rule(
        "onvif-method",
        Message("Another method than POST and GET is answered 405 or 501."),
        "ONVIF Core §5.8.2.4",
        method,
    ),
    Rule(
        "onvif-long-request",
        Message("After a request of 1 MiB, the device answers others as before."),
        "RFC 9110 §15.5.14",
        long_request,
    ),
)
"""In the order in which they are checked."""
