"""Rules of ONVIF about topics, and whether messages are what is said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import ask, need_text, service
from relaycore.doctor.onvif.client import Soap
from relaycore.doctor.onvif.demands import TRUE, need_known, need_utc, need_value, text_of
from relaycore.doctor.onvif.subscription import create, subscription
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP, TNS1, WSTOP, local_name

__all__ = ["RULES"]

CONCRETE: Final = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
CONCRETE_SET: Final = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the topic set: its names without prefixes, and the element."""

    path: str
    element: etree._Element

    @property
    def items(self) -> set[str]:
        """The names of the items of its messages."""
        found = self.element.findall("tt:MessageDescription/*/*[@Name]", namespaces=NSMAP)
        return {str(one.get("Name")) for one in found}

    @property
    def expression(self) -> str | None:
        """How it is asked for; ``None`` where it takes other prefixes than ONVIF's."""
        first, *rest = [self.element, *self.element.iterancestors()][: self.path.count("/") + 1][::-1]
        plain = first.tag == f"{{{TNS1}}}{local_name(str(first.tag))}"
        if not plain or any(str(one.tag).startswith("{") for one in rest):
            return None
        return f"tns1:{self.path}"

    @property
    def is_state(self) -> bool:
        """Whether it tells of something that is the case for some time."""
        found = self.element.find("tt:MessageDescription", namespaces=NSMAP)
        return found is not None and found.get("IsProperty") in TRUE


async def dialects(visit: Visit) -> None:
    """By these, clients ask for what they want to know, and for nothing else."""
    answer = await _properties(visit)
    known = [(one.text or "").strip() for one in answer.all(".//wsnt:TopicExpressionDialect")]
    for dialect in (CONCRETE, CONCRETE_SET):
        need_known("TopicExpressionDialect", dialect, known, "GetEventProperties")
    if not answer.all(".//tev:MessageContentFilterDialect"):
        raise Broken(Message("The answer has no {name}.", name="MessageContentFilterDialect"))
    need_value("FixedTopicSet", need_text(answer, ".//wsnt:FixedTopicSet"), "true", "false", "1", "0")


async def topic_set(visit: Visit) -> None:
    """What is no topic leads to some, and what is one says what its messages have."""
    answer = await _properties(visit)
    for description in answer.all(".//wstop:TopicSet//tt:MessageDescription"):
        above = description.getparent()
        assert above is not None
        need_value(f"wstop:topic ({local_name(str(above.tag))})", above.get(f"{{{WSTOP}}}topic") or "", *TRUE)
    topics = _topics(answer)
    if not topics:
        raise Broken(Message("The answer has no {name}.", name="TopicSet"))
    for topic in topics:
        if topic.element.find("tt:MessageDescription", namespaces=NSMAP) is None:
            raise Broken(Message("The answer has no {name}.", name=f"MessageDescription ({topic.path})"))


async def told_topics(visit: Visit) -> None:
    """Messages are of topics that are known, and have the items that are said of them."""
    known = {topic.path: topic for topic in _topics(await _properties(visit))}
    for path, message in await _told(visit, create()):
        need_known("Topic", path, known, "GetEventProperties")
        for item in message.findall("./*/*[@Name]"):
            need_known(f"Name ({path})", str(item.get("Name")), known[path].items, "GetEventProperties")


async def message_times(visit: Visit) -> None:
    """Recorders mark their films by these."""
    for path, message in await _told(visit, create()):
        need_utc(f"UtcTime ({path})", message.get("UtcTime") or "")


async def topic_filter(visit: Visit) -> None:
    """Who asks for one topic is told of no other."""
    states = [topic for topic in _topics(await _properties(visit)) if topic.is_state and topic.expression]
    if not states:
        raise Untried(Message("The device has no states to tell of."))
    for path, _ in await _told(visit, create(topics=states[0].expression or "")):
        need_value("Topic", path, states[0].path)


async def _properties(visit: Visit) -> Soap:
    return await ask(visit, "<tev:GetEventProperties/>", await service(visit, "tev"))


def _topics(answer: Soap) -> list[Topic]:
    """All topics of the topic set."""
    found = []
    for root in answer.all(".//wstop:TopicSet"):
        for one in root.iter(etree.Element):
            if one.get(f"{{{WSTOP}}}topic") in TRUE:
                above = [local_name(str(parent.tag)) for parent in one.iterancestors()]
                names = above[: above.index("TopicSet")][::-1]
                found.append(Topic("/".join((*names, local_name(str(one.tag)))), one))
    return found


async def _told(visit: Visit, question: str) -> list[tuple[str, etree._Element]]:
    """The topics and messages that are told first. Untried where there are none."""
    async with subscription(visit, question) as made:
        pulled = await made.pull()
    found = []
    for notification in pulled.messages:
        path = "/".join(part.rpartition(":")[2] for part in text_of(notification, "wsnt:Topic").split("/"))
        found += [(path, one) for one in notification.findall("wsnt:Message/tt:Message", namespaces=NSMAP)]
    if not found:
        raise Untried(Message("No message came."))
    return found


RULES: Final = (
    Rule(
        "onvif-dialects",
        Message("Topics may be asked for in both dialects of ONVIF."),
        "ONVIF Core §9.6.3, §9.7",
        dialects,
    ),
    Rule(
        "onvif-topic-set",
        Message("Every topic is marked as one, and says what its messages have."),
        "ONVIF Core §9.6.2",
        topic_set,
    ),
    Rule(
        "onvif-told-topics",
        Message("Messages are of topics that are told, with the items that are said of them."),
        "ONVIF Core §9.4.1, §9.6.2",
        told_topics,
    ),
    Rule(
        "onvif-message-times",
        Message("Times of messages are in UTC."),
        "ONVIF Core §9.4, §9.3.2",
        message_times,
    ),
    Rule(
        "onvif-topic-filter",
        Message("Who asks for one topic is told of no other."),
        "ONVIF Core §9.1.1, §9.6.3",
        topic_filter,
    ),
)
"""In the order in which they are checked."""
