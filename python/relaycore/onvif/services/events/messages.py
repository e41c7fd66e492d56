"""One message: what has happened to what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from lxml import etree

from relaycore.onvif.services.events.contents import Item
from relaycore.onvif.services.events.names import CONCRETE_SET, PREFIXES
from relaycore.onvif.services.events.times import written
from relaycore.onvif.services.events.topics import Topic
from relaycore.onvif.soap.build import node

__all__ = ["Message", "Operation", "notification"]

Operation = Literal["Initialized", "Changed", "Deleted"]


@dataclass(frozen=True, slots=True)
class Message:
    """What has happened. ``path`` is the camera's, or empty where it is about the relay."""

    topic: Topic
    path: str
    source: tuple[str, ...]
    data: tuple[str, ...]
    operation: Operation
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def groups(self) -> Iterator[tuple[str, list[Item]]]:
        """Its items by group, with the names of the topic."""
        if self.topic.source:
            yield "Source", _items(self.topic.source, self.source)
        # What is gone has no state.
        if self.operation != "Deleted":
            yield "Data", _items(self.topic.data, self.data)


def notification(message: Message) -> etree._Element:
    """A message as PullMessages and Notify have it (WS-BaseNotification section 3.2, ONVIF Core 9.4)."""
    told = node(
        "tt:Message",
        *(
            node(f"tt:{name}", *(node("tt:SimpleItem", Name=key, Value=value) for key, value in items))
            for name, items in message.groups()
        ),
        UtcTime=written(message.at),
        PropertyOperation=message.operation,
    )
    return node(
        "wsnt:NotificationMessage",
        node("wsnt:Topic", str(message.topic), Dialect=CONCRETE_SET),
        node("wsnt:Message", told),
        prefixes=PREFIXES,
    )


def _items(names: Iterable[tuple[str, str]], values: Iterable[str]) -> list[Item]:
    return [(name, value) for (name, _), value in zip(names, values, strict=True)]
