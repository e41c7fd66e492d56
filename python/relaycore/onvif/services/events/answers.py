"""The answers of the event service, in the order that its WSDL has."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from lxml import etree

from relaycore.onvif.services.events.hub import MOST
from relaycore.onvif.services.events.messages import Message, notification
from relaycore.onvif.services.events.names import CONCRETE, CONCRETE_SET, ITEM_FILTER, PREFIXES
from relaycore.onvif.services.events.subscription import Subscription
from relaycore.onvif.services.events.times import written
from relaycore.onvif.services.events.topics import topic_set
from relaycore.onvif.soap.build import node

__all__ = ["capabilities", "properties", "pulled", "renewed", "subscribed"]


def subscribed(subscription: Subscription, address: str, *, pulls: bool) -> etree._Element:
    """A subscription has begun. ``address`` is where it is asked, renewed and ended."""
    now, until = _now_and_until(subscription)
    return node(
        "tev:CreatePullPointSubscriptionResponse" if pulls else "wsnt:SubscribeResponse",
        node(
            "tev:SubscriptionReference" if pulls else "wsnt:SubscriptionReference",
            node("wsa:Address", address),
        ),
        node("wsnt:CurrentTime", now),
        node("wsnt:TerminationTime", until),
    )


def pulled(subscription: Subscription, messages: Iterable[Message]) -> etree._Element:
    """What a question for messages is answered."""
    now, until = _now_and_until(subscription)
    return node(
        "tev:PullMessagesResponse",
        node("tev:CurrentTime", now),
        node("tev:TerminationTime", until),
        *map(notification, messages),
        prefixes=PREFIXES,
    )


def renewed(subscription: Subscription) -> etree._Element:
    """A subscription lasts for longer. Here, the end comes first."""
    now, until = _now_and_until(subscription)
    return node("wsnt:RenewResponse", node("wsnt:TerminationTime", until), node("wsnt:CurrentTime", now))


def capabilities() -> etree._Element:
    """What the service can do."""
    return node(
        "tev:Capabilities",
        WSSubscriptionPolicySupport=False,
        WSPausableSubscriptionManagerInterfaceSupport=False,
        MaxNotificationProducers=MOST,
        MaxPullPoints=MOST,
        PersistentNotificationStorage=False,
    )


def properties() -> etree._Element:
    """What is told, and how it may be filtered."""
    return node(
        "tev:GetEventPropertiesResponse",
        node("tev:TopicNamespaceLocation", "http://www.onvif.org/onvif/ver10/topics/topicns.xml"),
        node("wsnt:FixedTopicSet", True),
        topic_set(),
        *(node("wsnt:TopicExpressionDialect", dialect) for dialect in (CONCRETE, CONCRETE_SET)),
        node("tev:MessageContentFilterDialect", ITEM_FILTER),
        node("tev:MessageContentSchemaLocation", "http://www.onvif.org/onvif/ver10/schema/onvif.xsd"),
    )


def _now_and_until(subscription: Subscription) -> tuple[str, str]:
    now = datetime.now(UTC)
    return written(now), written(now + timedelta(seconds=subscription.seconds_left))
