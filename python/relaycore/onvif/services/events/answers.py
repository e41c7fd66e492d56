"""The answers of the event service, in the order that its WSDL has."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from lxml import etree

from relaycore.onvif.services.events.hub import MOST
from relaycore.onvif.services.events.messages import Message, notification
from relaycore.onvif.services.events.names import (
    CONCRETE,
    CONCRETE_SET,
    ITEM_FILTER,
    NSMAP,
    TEV,
    WSA,
    WSNT,
)
from relaycore.onvif.services.events.subscription import Subscription
from relaycore.onvif.services.events.times import written
from relaycore.onvif.services.events.topics import topic_set

__all__ = ["capabilities", "empty", "properties", "pulled", "renewed", "subscribed"]


def subscribed(subscription: Subscription, address: str, *, pulls: bool) -> etree._Element:
    """A subscription has begun. ``address`` is where it is asked, renewed and ended."""
    root = (
        _element(TEV, "CreatePullPointSubscriptionResponse") if pulls else _element(WSNT, "SubscribeResponse")
    )
    reference = etree.SubElement(root, f"{{{TEV if pulls else WSNT}}}SubscriptionReference")
    etree.SubElement(reference, f"{{{WSA}}}Address").text = address
    _times(root, subscription, WSNT)
    return root


def pulled(subscription: Subscription, messages: Iterable[Message]) -> etree._Element:
    """What a question for messages is answered."""
    root = _element(TEV, "PullMessagesResponse")
    _times(root, subscription, TEV)
    for message in messages:
        root.append(notification(message))
    return root


def renewed(subscription: Subscription) -> etree._Element:
    """A subscription lasts for longer. Here, the end comes first."""
    root = _element(WSNT, "RenewResponse")
    now, until = _now_and_until(subscription)
    etree.SubElement(root, f"{{{WSNT}}}TerminationTime").text = until
    etree.SubElement(root, f"{{{WSNT}}}CurrentTime").text = now
    return root


def empty(namespace: str, name: str) -> etree._Element:
    """It is done, and there is nothing to say."""
    return _element(namespace, name)


def capabilities() -> etree._Element:
    """What the service can do."""
    return etree.Element(
        f"{{{TEV}}}Capabilities",
        {
            "WSSubscriptionPolicySupport": "false",
            "WSPausableSubscriptionManagerInterfaceSupport": "false",
            "MaxNotificationProducers": str(MOST),
            "MaxPullPoints": str(MOST),
            "PersistentNotificationStorage": "false",
        },
        nsmap=NSMAP,
    )


def properties() -> etree._Element:
    """What is told, and how it may be filtered."""
    root = _element(TEV, "GetEventPropertiesResponse")
    for name, namespace, text in (
        ("TopicNamespaceLocation", TEV, "http://www.onvif.org/onvif/ver10/topics/topicns.xml"),
        ("FixedTopicSet", WSNT, "true"),
    ):
        etree.SubElement(root, f"{{{namespace}}}{name}").text = text
    root.append(topic_set())
    for dialect in (CONCRETE, CONCRETE_SET):
        etree.SubElement(root, f"{{{WSNT}}}TopicExpressionDialect").text = dialect
    etree.SubElement(root, f"{{{TEV}}}MessageContentFilterDialect").text = ITEM_FILTER
    location = etree.SubElement(root, f"{{{TEV}}}MessageContentSchemaLocation")
    location.text = "http://www.onvif.org/onvif/ver10/schema/onvif.xsd"
    return root


def _element(namespace: str, name: str) -> etree._Element:
    return etree.Element(f"{{{namespace}}}{name}", nsmap=NSMAP)


def _times(root: etree._Element, subscription: Subscription, namespace: str) -> None:
    for name, text in zip(("CurrentTime", "TerminationTime"), _now_and_until(subscription), strict=True):
        etree.SubElement(root, f"{{{namespace}}}{name}").text = text


def _now_and_until(subscription: Subscription) -> tuple[str, str]:
    now = datetime.now(UTC)
    return written(now), written(now + timedelta(seconds=subscription.seconds_left))
