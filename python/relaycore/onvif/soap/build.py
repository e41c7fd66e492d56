"""Builds answers. The order of elements is that of the WSDL, which clients check."""

from __future__ import annotations

from lxml import etree

from relaycore.onvif.soap.names import NSMAP, qualified

__all__ = ["Content", "node", "text_of"]

Content = etree._Element | str | bool | int | float | None
"""What an element holds. ``None`` is nothing."""


def node(name: str, *content: Content, **attributes: str | bool | float) -> etree._Element:
    """An element by ``prefix:name`` with these children, or with a text.

    An underscore at the end of an attribute's name is left out, so that names of Python can be had.
    """
    prefix = name.partition(":")[0]
    made = etree.Element(qualified(name), nsmap={prefix: NSMAP[prefix]})
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


def text_of(parent: etree._Element, name: str) -> str | None:
    """The text of a child by ``prefix:name``; ``None`` where it is missing or empty.

    Some clients leave its namespace out or take that of the schema: the name is what they mean.
    """
    local = name.partition(":")[2]
    found = parent.find(qualified(name))
    if found is None:
        found = parent.find(f"{{*}}{local}")
    text = "" if found is None else (found.text or "").strip()
    return text or None


def _written(value: str | bool | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    # XML cannot hold control characters; names that people gave may.
    return "".join(letter for letter in str(value) if letter >= " " or letter in "\t\n")
