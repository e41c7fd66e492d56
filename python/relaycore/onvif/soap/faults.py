"""Faults: why a request was not done, as ONVIF has it (ONVIF Core section 5.8.2, SOAP 1.2 section 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lxml import etree

from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.names import ENVELOPE_11, NSMAP

__all__ = ["Fault", "invalid", "not_authorized", "not_supported", "unreadable"]


class Fault(Exception):
    """A request was not done. ``subcodes`` are names like ``ter:InvalidArgVal``, the general one first.

    ``detail``, where there is one, is an element with more about it, ``headers`` are those of HTTP.
    """

    def __init__(
        self,
        code: Literal["Sender", "Receiver", "VersionMismatch", "MustUnderstand"],
        subcodes: Sequence[str],
        reason: str,
        status: int | None = None,
        *,
        detail: etree._Element | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.subcodes = tuple(subcodes)
        self.reason = reason
        self.status = status or (400 if code == "Sender" else 500)
        """The status of HTTP (SOAP 1.2 part 2, table 20)."""
        self.detail = detail
        self.headers = tuple(headers)

    def element(self) -> etree._Element:
        """The fault as it stands in the body of an envelope of SOAP 1.2."""
        spaces = {prefix: NSMAP[prefix] for prefix in ("s", "ter", "wsnt")}
        made = etree.Element(f"{{{NSMAP['s']}}}Fault", nsmap=spaces)
        code = node("s:Code", node("s:Value", f"s:{self.code}"))
        made.append(code)
        inner = code
        for subcode in self.subcodes:
            further = node("s:Subcode", node("s:Value", subcode))
            inner.append(further)
            inner = further
        text = node("s:Text", self.reason)
        text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
        made.append(node("s:Reason", text))
        if self.detail is not None:
            made.append(node("s:Detail", self.detail))
        return made

    def element_11(self) -> etree._Element:
        """The fault for who speaks SOAP 1.1, which has no codes inside others (SOAP 1.1 section 4.4)."""
        made = etree.Element(f"{{{ENVELOPE_11}}}Fault", nsmap={"e": ENVELOPE_11, "ter": NSMAP["ter"]})
        code = {"Sender": "e:Client", "Receiver": "e:Server"}.get(self.code, f"e:{self.code}")
        etree.SubElement(made, "faultcode").text = code
        subcodes = " ".join(self.subcodes)
        etree.SubElement(made, "faultstring").text = f"{self.reason} ({subcodes})"
        return made


def not_supported(name: str) -> Fault:
    """There is no such operation."""
    return Fault(
        "Receiver", ["ter:ActionNotSupported"], f"The operation {name} is optional and not implemented."
    )


def not_authorized(
    reason: str = "The sender is not authorized", status: int = 400, headers: Sequence[tuple[str, str]] = ()
) -> Fault:
    """Whoever asks may not, or has not shown who it is."""
    return Fault("Sender", ["ter:NotAuthorized"], reason, status, headers=headers)


def invalid(subcode: str, reason: str) -> Fault:
    """An argument names nothing, or is out of its range. ``subcode`` is a name without its prefix."""
    return Fault("Sender", ["ter:InvalidArgVal", f"ter:{subcode}"], reason)


def unreadable(reason: str, status: int | None = None) -> Fault:
    """It is no message of SOAP."""
    return Fault("Sender", ["ter:WellFormed"], reason, status)
