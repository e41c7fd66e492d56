"""One message: what has happened to what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from lxml import etree

from relaycore.onvif.services.events.contents import Item
from relaycore.onvif.services.events.names import CONCRETE_SET, NSMAP, TT, WSNT
from relaycore.onvif.services.events.times import written
from relaycore.onvif.services.events.topics import Topic

__all__ = ["Message", "Operation", "notification"]

Operation = Literal["Initialized", "Changed", "Deleted"]


@dataclass(frozen=True, slots=True)
class Message:
    """What has happened. ``path`` is the camera's, or empty; ``operation`` is for lasting topics."""

    topic: Topic
    path: str
    source: tuple[str, ...]
    data: tuple[str, ...]
    operation: Operation | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def groups(self) -> Iterator[tuple[str, list[Item]]]:
        """Its items by group, with the names of the topic."""
        yield "Source", _items(self.topic.source, self.source)
        # What is gone has no state.
        if self.operation != "Deleted":
            yield "Data", _items(self.topic.data, self.data)


def notification(message: Message) -> etree._Element:
    """A message as PullMessages and Notify have it (WS-BaseNotification section 3.2, ONVIF Core 9.4)."""
    root = etree.Element(f"{{{WSNT}}}NotificationMessage", nsmap=NSMAP)
    topic = etree.SubElement(root, f"{{{WSNT}}}Topic", Dialect=CONCRETE_SET)
    topic.text = str(message.topic)
    place = etree.SubElement(root, f"{{{WSNT}}}Message")
    told = etree.SubElement(place, f"{{{TT}}}Message", UtcTime=written(message.at))
    if message.operation is not None:
        told.set("PropertyOperation", message.operation)
    for name, items in message.groups():
        group = etree.SubElement(told, f"{{{TT}}}{name}")
        for key, value in items:
            etree.SubElement(group, f"{{{TT}}}SimpleItem", Name=key, Value=value)
    return root


def _items(names: Iterable[tuple[str, str]], values: Iterable[str]) -> list[Item]:
    return [(name, value) for (name, _), value in zip(names, values, strict=True)]
