"""What rules of ONVIF demand of values that a device tells."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from lxml import etree

from relaycore.doctor.findings import Broken
from relaycore.doctor.onvif.client import Soap
from relaycore.doctor.visit import without_login
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP

__all__ = [
    "TRUE",
    "content",
    "need_fault",
    "need_known",
    "need_range",
    "need_same",
    "need_tokens",
    "need_utc",
    "need_value",
    "signed",
    "text_of",
]

SHOWN: Final = 200
"""Characters of a value that are shown."""

TRUE: Final = ("true", "1")
"""What XML Schema writes for true."""


def text_of(element: etree._Element, path: str) -> str:
    """The text at a path, without spaces around it; empty without."""
    return (element.findtext(path, namespaces=NSMAP) or "").strip()


def content(element: etree._Element) -> list[tuple[str, tuple[tuple[str, str], ...], str]]:
    """What stands in an element, whatever it is called itself and however its XML is written."""
    found = []
    for one in element.iter(etree.Element):
        name = "" if one is element else str(one.tag)
        attributes = sorted((str(key), str(value)) for key, value in one.attrib.items())
        found.append((name, tuple(attributes), (one.text or "").strip()))
    return found


def need_value(name: str, value: str, *wanted: str) -> None:
    """Broken where a value is none of these."""
    if value not in wanted:
        raise Broken(
            Message(
                "{header} is {value} and not {wanted}.",
                header=name,
                value=_shown(value),
                wanted="/".join(wanted),
            )
        )


def need_range(name: str, value: float, least: float, most: float) -> None:
    """Broken where a number is out of its range."""
    if not least <= value <= most:
        raise Broken(
            Message(
                "{name} is {value}, which is not from {least} to {most}.",
                name=name,
                value=f"{value:g}",
                least=f"{least:g}",
                most=f"{most:g}",
            )
        )


def need_known(name: str, value: str, known: Iterable[str], where: str) -> None:
    """Broken where a value is not among those that are told elsewhere."""
    if value not in set(known):
        raise Broken(
            Message(
                "{name} is {value}, which {where} does not tell.",
                name=name,
                value=_shown(value),
                where=where,
            )
        )


def need_same(name: str, first: object, second: object, where: str) -> None:
    """Broken where something is told otherwise elsewhere."""
    if first != second:
        raise Broken(Message("{name} is told otherwise by {where}.", name=name[:SHOWN], where=where))


def need_utc(name: str, text: str) -> datetime:
    """A point in time in UTC. Broken where it is none, or has no ``Z``: clients take that for local time."""
    try:
        if text.endswith("Z"):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise Broken(
        Message(
            "{header} is {value} and not {wanted}.",
            header=name,
            value=_shown(text),
            wanted="2026-01-31T12:00:00Z",
        )
    )


def signed(text: str) -> float:
    """A number that may be below zero; not a number where it is none, which is in no range."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def need_tokens(name: str, tokens: Iterable[str | None]) -> None:
    """Broken where two have the same token, or one has none."""
    known = list(tokens)
    if not all(known) or len(set(known)) < len(known):
        raise Broken(Message("Two of {name} have the same token, or one has none.", name=name))


def need_fault(answer: Soap, *subcodes: str) -> None:
    """Broken where it is no fault of SOAP 1.2, or one with none of these subcodes."""
    if not answer.is_fault:
        raise Broken(Message("The answer is {status} and no fault of SOAP 1.2.", status=answer.status))
    if answer.status < 400:
        need_value("HTTP", str(answer.status), "400", "500")
    if subcodes and not set(subcodes) & set(answer.subcodes):
        raise Broken(
            Message("The fault does not name {values}.", values="/".join(f"ter:{name}" for name in subcodes))
        )


def _shown(value: str) -> str:
    """A value that a device tells, fit to be shown."""
    return repr(without_login(value)[:SHOWN])
