"""Reads XML of strangers: bounded, without a document type, and so without entities of their own."""

from __future__ import annotations

from typing import Final

from lxml import etree

__all__ = ["MOST_BYTES", "MOST_DEPTH", "BadXml", "parse"]

MOST_BYTES: Final = 64 * 1024
"""Bytes of a request; the largest of a client that is known, a whole configuration, has about 4000."""

MOST_DEPTH: Final = 32
"""Elements inside each other, the envelope included."""


class BadXml(ValueError):
    """It is no XML, or none that is taken here."""


def parse(data: bytes, most: int = MOST_BYTES) -> etree._Element:
    """The root of a document. BadXml where it is none, too large or too deep, or has a document type."""
    if len(data) > most:
        raise BadXml(f"it has more than {most} bytes")
    # Another encoding could hide what is looked for here, and no client has one.
    if b"\0" in data:
        raise BadXml("it is not in UTF-8")
    if b"<!DOCTYPE" in data:
        raise BadXml("it has a document type")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise BadXml(f"it is no XML: {error.msg}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadXml("it has a document type")
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MOST_DEPTH:
            raise BadXml(f"its elements are more than {MOST_DEPTH} deep")
    return root
