"""Builds answers. The order of elements is that of the WSDL, which clients check."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from lxml import etree

from relaycore.onvif.soap.names import NSMAP, qualified

__all__ = ["Content", "child_of", "node", "text_of"]

Content = etree._Element | str | bool | int | float | None
"""What an element holds. ``None`` is nothing."""

_NOT_OF_XML: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Control characters, and what is none at all (XML 1.0 section 2.2). Names that people gave may have them."""


def node(
    name: str, *content: Content, prefixes: Iterable[str] = (), **attributes: str | bool | float
) -> etree._Element:
    """An element by ``prefix:name`` with these children, or with a text.

    An underscore at the end of an attribute's name is left out, so that names of Python can be had.
    ``prefixes`` are declared, too: those that stand in texts, and those that many elements below have.
    """
    own = name.partition(":")[0]
    made = etree.Element(qualified(name), nsmap={prefix: NSMAP[prefix] for prefix in (own, *prefixes)})
    for key, value in attributes.items():
        made.set(key.rstrip("_"), _written(value))
    for one in content:
        if one is None:
            continue
        if isinstance(one, str | bool | int | float):
            made.text = _written(one)
        else:
            made.append(one)
    return made


def child_of(parent: etree._Element | None, name: str) -> etree._Element | None:
    """A child by ``prefix:name``; ``None`` where it is missing.

    Some clients leave its namespace out or take that of the schema: the name is what they mean.
    """
    if parent is None:
        return None
    found = parent.find(qualified(name))
    return parent.find(f"{{*}}{name.partition(':')[2]}") if found is None else found


def text_of(parent: etree._Element, name: str) -> str | None:
    """The text of a child, as :func:`child_of` finds it; ``None`` where it is missing or empty."""
    found = child_of(parent, name)
    text = "" if found is None else (found.text or "").strip()
    return text or None


def _written(value: str | bool | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return _NOT_OF_XML.sub("", str(value))
