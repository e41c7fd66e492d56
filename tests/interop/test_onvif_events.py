"""Events of ONVIF as Home Assistant asks for them: its own client checks answers by its own WSDL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from onvif import ONVIFCamera
from zeep.exceptions import Fault

from relaycore import Relay
from relaycore.events import CameraLost
from relaycore.settings import CameraSettings, User

TIMEOUT = 60.0
MOVING = (
    "color=gray:size=320x180:rate=25[a];color=white:size=40x40:rate=25[b];"
    "[a][b]overlay=x='mod(t*60,280)':y=60"
)
PULL_POINT = "http://www.onvif.org/ver10/events/wsdl/PullPointSubscription"
WSNT = "http://docs.oasis-open.org/wsn/b-2"
TT = "http://www.onvif.org/ver10/schema"
ITEM_FILTER = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
MOTION = "tns1:RuleEngine/CellMotionDetector/Motion"
USER = User(name="anna", password="anna's secret", role="viewer")
LOSS = "tns1:VideoSource/SignalLoss"


@asynccontextmanager
async def camera_of(relay: Relay) -> AsyncIterator[ONVIFCamera]:
    """The client, as a user."""
    await relay.add_camera("yard", CameraSettings(camera=f"lavfi:{MOVING}", encoder="libx264"))
    found = ONVIFCamera("127.0.0.1", relay.address[1], USER.name, USER.password)
    await found.update_xaddrs()
    try:
        yield found
    finally:
        await found.close()


def told(messages: Any) -> list[tuple[str, str, str, str]]:
    """Topic, operation, source and value of each message."""
    found = []
    for message in messages or []:
        inner = message.Message._value_1
        source, data = inner.Source.SimpleItem[0], inner.Data.SimpleItem[0]
        found.append((message.Topic._value_1, inner.PropertyOperation, source.Value, data.Value))
    return found


async def test_a_pull_point_is_told_of_motion_and_of_loss() -> None:
    async with Relay(port=0, users=[USER]) as relay, asyncio.timeout(TIMEOUT), camera_of(relay) as camera:
        lost = asyncio.Event()
        manager = await camera.create_pullpoint_manager(timedelta(minutes=10), lost.set)
        service = manager.get_service()
        question = {"MessageLimit": 100, "Timeout": timedelta(seconds=60)}
        first = await service.PullMessages(question)
        assert first.CurrentTime.tzinfo is not None
        assert (LOSS, "Initialized", "yard", "false") in told(first.NotificationMessage)
        seen: list[tuple[str, str, str, str]] = []
        while (MOTION, "Changed", "yard", "true") not in seen:
            seen += told((await service.PullMessages(question)).NotificationMessage)
        relay._events.emit(CameraLost(path="yard", reason="unplugged"))
        while (LOSS, "Changed", "yard", "true") not in seen:
            seen += told((await service.PullMessages(question)).NotificationMessage)
        await manager.set_synchronization_point()
        again = told((await service.PullMessages(question)).NotificationMessage)
        assert (LOSS, "Initialized", "yard", "true") in again
        renewed = await (await camera.create_subscription_service("PullPointSubscription")).Renew("PT1H")
        assert (renewed.TerminationTime - renewed.CurrentTime).total_seconds() > 3500
        assert not lost.is_set()
        await manager.stop()
        with pytest.raises(Fault):
            await service.PullMessages(question)


async def test_a_filter_for_what_stands_in_messages_is_kept() -> None:
    async with Relay(port=0, users=[USER]) as relay, asyncio.timeout(TIMEOUT), camera_of(relay) as camera:
        events = await camera.create_events_service()
        content = etree.Element(f"{{{WSNT}}}MessageContent", Dialect=ITEM_FILTER, nsmap={"tt": TT})
        content.text = 'boolean(//tt:SimpleItem[@Name="State" and @Value="true"])'
        made = await events.CreatePullPointSubscription({"Filter": {"_value_1": [content]}})
        camera.xaddrs[PULL_POINT] = made.SubscriptionReference.Address._value_1
        service = await camera.create_pullpoint_service()
        relay._events.emit(CameraLost(path="yard", reason="unplugged"))
        question = {"MessageLimit": 100, "Timeout": timedelta(seconds=60)}
        seen: list[tuple[str, str, str, str]] = []
        while (LOSS, "Changed", "yard", "true") not in seen:
            seen += told((await service.PullMessages(question)).NotificationMessage)
        assert {value for *_, value in seen} == {"true"}
        content.text = "count(//*) > 3"
        with pytest.raises(Fault, match="ItemFilter"):
            await events.CreatePullPointSubscription({"Filter": {"_value_1": [content]}})


async def test_a_subscription_is_of_the_user_who_made_it() -> None:
    other = User(name="bert", password="bert's secret", role="viewer")
    async with (
        Relay(port=0, users=[USER, other]) as relay,
        asyncio.timeout(TIMEOUT),
        camera_of(relay) as camera,
    ):
        manager = await camera.create_pullpoint_manager(timedelta(minutes=10), lambda: None)
        stranger = ONVIFCamera("127.0.0.1", relay.address[1], other.name, other.password)
        await stranger.update_xaddrs()
        stranger.xaddrs[PULL_POINT] = manager.get_service().xaddr
        service = await stranger.create_pullpoint_service()
        with pytest.raises(Fault, match="no such subscription"):
            await service.PullMessages({"MessageLimit": 1, "Timeout": timedelta(seconds=1)})
        await stranger.close()
        await manager.stop()


async def test_the_topics_and_what_it_can_do_are_read() -> None:
    async with Relay(port=0, users=[USER]) as relay, asyncio.timeout(TIMEOUT), camera_of(relay) as camera:
        service = await camera.create_events_service()
        properties = await service.GetEventProperties()
        assert properties.FixedTopicSet
        topics = [element.tag for element in properties.TopicSet._value_1]
        assert "{http://www.onvif.org/ver10/topics}VideoSource" in topics
        assert (await service.GetServiceCapabilities()).MaxPullPoints == 64
