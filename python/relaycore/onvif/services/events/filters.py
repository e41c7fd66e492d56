"""What somebody wants to be told of: topics and contents (WS-Topics section 8, ONVIF Core section 9.5).

Of the dialects of topics, those that ONVIF asks for: *Concrete*, one topic, and *ConcreteSet*, several with
``|`` between them, each of which may end with ``//.`` for all that is below it, too. For what stands in
messages see :mod:`relaycore.onvif.services.events.contents`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from relaycore.onvif.services.events.contents import Content, read_content
from relaycore.onvif.services.events.errors import BadFilter
from relaycore.onvif.services.events.messages import Message
from relaycore.onvif.services.events.names import CONCRETE, CONCRETE_SET
from relaycore.onvif.services.events.topics import TOPICS, Name, Topic
from relaycore.onvif.soap.names import TNS1, WSNT

__all__ = ["Filter", "Pattern", "read_filter"]

LONGEST: Final = 2048
"""Characters of an expression."""

MOST: Final = 64
"""Topics of a filter."""

MOST_CONTENTS: Final = 8
"""Expressions of a filter about what stands in messages."""

_NAME = re.compile(r"(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)")

_SUBTREE: Final = "//."


@dataclass(frozen=True, slots=True)
class Pattern:
    """A topic, with all below it or without."""

    path: tuple[Name, ...]
    subtree: bool

    def matches(self, topic: Topic) -> bool:
        """Whether a topic is meant."""
        if self.subtree:
            return topic.path[: len(self.path)] == self.path
        return topic.path == self.path


@dataclass(frozen=True, slots=True)
class Filter:
    """The topics of any of the patterns, or all topics where there are none, with what all contents want."""

    patterns: tuple[Pattern, ...] = ()
    contents: tuple[Content, ...] = ()

    def takes(self, topic: Topic) -> bool:
        """Whether messages of a topic are wanted."""
        return not self.patterns or any(pattern.matches(topic) for pattern in self.patterns)

    def wants(self, message: Message) -> bool:
        """Whether a message is."""
        if not self.takes(message.topic):
            return False
        items = [item for _, group in message.groups() for item in group] if self.contents else []
        return all(content(items) for content in self.contents)


def read_filter(element: etree._Element | None) -> Filter:
    """The filter of a request; without one, all is wanted. BadFilter where it cannot be kept."""
    patterns: list[Pattern] = []
    contents: list[Content] = []
    for part in element if element is not None else ():
        if not isinstance(part.tag, str):
            continue  # a comment
        name = etree.QName(part)
        if name.namespace == WSNT and name.localname == "TopicExpression":
            patterns += _expression(part)
        elif name.namespace == WSNT and name.localname == "MessageContent":
            contents.append(read_content(part))
        elif name.namespace == WSNT and name.localname == "ProducerProperties":
            raise BadFilter(
                "There is one producer only: leave out ProducerProperties.",
                "InvalidProducerPropertiesExpressionFault",
            )
        else:
            raise BadFilter("Filters of this kind are not known.", "InvalidFilterFault")
        if len(patterns) > MOST:
            raise BadFilter(f"A filter has at most {MOST} topics.", "InvalidFilterFault")
        if len(contents) > MOST_CONTENTS:
            raise BadFilter(f"A filter has at most {MOST_CONTENTS} MessageContent.", "InvalidFilterFault")
    found = Filter(tuple(patterns), tuple(contents))
    if patterns and not any(found.takes(topic) for topic in TOPICS):
        raise BadFilter("None of these topics is told of here.", "TopicNotSupportedFault")
    return found


def _expression(element: etree._Element) -> list[Pattern]:
    dialect = (element.get("Dialect") or CONCRETE_SET).strip()
    if dialect not in (CONCRETE, CONCRETE_SET):
        raise BadFilter(
            "Topics are taken in the dialects Concrete and ConcreteSet.", "TopicExpressionDialectUnknownFault"
        )
    text = "".join(element.itertext()).strip()
    if len(text) > LONGEST:
        raise BadFilter(f"An expression has at most {LONGEST} characters.", "InvalidTopicExpressionFault")
    parts = text.split("|") if dialect == CONCRETE_SET else [text]
    return [_pattern(part.strip(), element.nsmap, dialect) for part in parts]


def _pattern(text: str, prefixes: dict[str | None, str], dialect: str) -> Pattern:
    subtree = dialect == CONCRETE_SET and text.endswith(_SUBTREE)
    steps = (text.removesuffix(_SUBTREE) if subtree else text).split("/")
    path = (_step(step, prefixes, first=number == 0) for number, step in enumerate(steps))
    return Pattern(tuple(path), subtree)


def _step(text: str, prefixes: dict[str | None, str], *, first: bool) -> Name:
    match = _NAME.fullmatch(text.strip())
    if match is None:
        raise BadFilter(
            "A topic is written like tns1:VideoSource/MotionAlarm.", "InvalidTopicExpressionFault"
        )
    prefix, name = match.groups()
    if prefix is None:
        # Some leave out the prefix of the first one, though no topic can be without.
        return (TNS1 if first else "", name)
    namespace = prefixes.get(prefix, TNS1 if prefix == "tns1" else None)
    if namespace is None:
        raise BadFilter(f"The prefix {prefix} is not declared.", "InvalidTopicExpressionFault")
    # The root has the namespace of all that is below it where nothing else is said.
    return (namespace if first or namespace != TNS1 else "", name)
