"""The operations of the event service (ONVIF Core section 9) and of subscriptions (WS-BaseNotification)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Final, Literal, Protocol

from lxml import etree

from relaycore.onvif.services.events import answers
from relaycore.onvif.services.events.callbacks import resolve_callback
from relaycore.onvif.services.events.errors import BadCallback, BadTermination, NotSubscribed
from relaycore.onvif.services.events.filters import read_filter
from relaycore.onvif.services.events.hub import Hub
from relaycore.onvif.services.events.subscription import LONGEST_PULL_S, MOST_PULLED, Subscription
from relaycore.onvif.services.events.times import duration_s, seconds_until
from relaycore.onvif.soap.build import child_of, node, text_of
from relaycore.onvif.soap.names import TEV, WSA, WSNT

__all__ = ["HANDLERS", "SUBSCRIPTIONS", "EventCall"]

SUBSCRIPTIONS: Final = "/onvif/subscription/"
"""What stands before the name of a subscription in its address."""


class EventCall(Protocol):
    """What an operation knows of its request."""

    @property
    def hub(self) -> Hub:
        """The subscriptions of the relay."""

    @property
    def body(self) -> etree._Element:
        """The element of the operation, in its envelope."""

    @property
    def user(self) -> str | None:
        """Who asks."""

    @property
    def peer(self) -> str:
        """The address that asks, without its port."""

    @property
    def base(self) -> str:
        """Scheme, host and port by which the client has reached the relay."""

    @property
    def path(self) -> str:
        """The path of the request."""

    @property
    def listens_on(self) -> str:
        """The address that the relay listens on."""

    @property
    def callbacks(self) -> Collection[str]:
        """Networks where others than who asks may be called back."""

    @property
    def covers(self) -> Callable[[str], bool]:
        """Whether a camera belongs to the device that was asked, and the user may see it.

        Without a path, whether the user may read alerts.
        """


Handler = Callable[[EventCall], Awaitable[etree._Element]]


async def create_pull_point(call: EventCall) -> etree._Element:
    """CreatePullPointSubscription: somebody will ask for messages."""
    wanted = read_filter(child_of(call.body, "tev:Filter"))
    seconds = _first_seconds(text_of(call.body, "tev:InitialTerminationTime"))
    subscription = call.hub.subscribe(call.user, wanted, call.covers, seconds)
    return answers.subscribed(subscription, _address(call, subscription), pulls=True)


async def subscribe(call: EventCall) -> etree._Element:
    """Subscribe: somebody wants to be called back."""
    reference = child_of(call.body, "wsnt:ConsumerReference")
    url = None if reference is None else text_of(reference, "wsa:Address")
    if url is None:
        raise BadCallback("The address of the callback is missing.")
    wanted = read_filter(child_of(call.body, "wsnt:Filter"))
    seconds = _first_seconds(text_of(call.body, "wsnt:InitialTerminationTime"))
    callback = await resolve_callback(url, call.peer, call.callbacks, listens_on=call.listens_on)
    subscription = call.hub.subscribe(call.user, wanted, call.covers, seconds, callback)
    return answers.subscribed(subscription, _address(call, subscription), pulls=False)


async def pull_messages(call: EventCall) -> etree._Element:
    """PullMessages: what has happened, or what does in some time."""
    subscription = _subscription(call)
    timeout = text_of(call.body, "tev:Timeout")
    limit = text_of(call.body, "tev:MessageLimit") or ""
    messages = await subscription.pull(
        LONGEST_PULL_S if timeout is None else duration_s(timeout),
        int(limit) if limit.isdecimal() and len(limit) < 9 else MOST_PULLED,
    )
    return answers.pulled(subscription, messages)


async def set_synchronization_point(call: EventCall) -> etree._Element:
    """SetSynchronizationPoint: all states anew."""
    call.hub.synchronise(_subscription(call))
    return node("tev:SetSynchronizationPointResponse")


async def renew(call: EventCall) -> etree._Element:
    """Renew: a subscription lasts for longer."""
    subscription = _subscription(call)
    seconds = _seconds(text_of(call.body, "wsnt:TerminationTime"))
    if seconds is not None:
        call.hub.renew(subscription, seconds)
    return answers.renewed(subscription)


async def unsubscribe(call: EventCall) -> etree._Element:
    """Unsubscribe: a subscription ends."""
    call.hub.unsubscribe(_subscription(call))
    return node("wsnt:UnsubscribeResponse")


async def get_event_properties(call: EventCall) -> etree._Element:  # noqa: ARG001
    """GetEventProperties: the topics that there are."""
    return answers.properties()


async def get_service_capabilities(call: EventCall) -> etree._Element:  # noqa: ARG001
    """GetServiceCapabilities: what the service can do."""
    return node("tev:GetServiceCapabilitiesResponse", answers.capabilities())


HANDLERS: Final[tuple[tuple[str, str, Literal["anyone", "view"], Handler], ...]] = (
    (TEV, "GetServiceCapabilities", "anyone", get_service_capabilities),
    (TEV, "GetEventProperties", "view", get_event_properties),
    (TEV, "CreatePullPointSubscription", "view", create_pull_point),
    (TEV, "PullMessages", "view", pull_messages),
    (TEV, "SetSynchronizationPoint", "view", set_synchronization_point),
    (WSNT, "Subscribe", "view", subscribe),
    (WSNT, "Renew", "view", renew),
    (WSNT, "Unsubscribe", "view", unsubscribe),
)
"""By namespace and name, with who may."""


def _subscription(call: EventCall) -> Subscription:
    """The subscription that a request is sent to, by its path or by the address in its header."""
    to = call.body.getroottree().find(f".//{{{WSA}}}To")
    for address in (call.path, "" if to is None or to.text is None else to.text.strip()):
        before, found, name = address.rpartition(SUBSCRIPTIONS)
        if found and "/" not in name and len(before) < 512:
            return call.hub.find(name, call.user)
    raise NotSubscribed("The request was sent to no subscription.")


def _address(call: EventCall, subscription: Subscription) -> str:
    return f"{call.base}{SUBSCRIPTIONS}{subscription.name}"


def _first_seconds(text: str | None) -> float | None:
    try:
        return _seconds(text)
    except BadTermination as error:
        error.fault = "UnacceptableInitialTerminationTimeFault"
        raise


def _seconds(text: str | None) -> float | None:
    return None if text is None else seconds_until(text, datetime.now(UTC))
