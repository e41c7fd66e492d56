"""Subscriptions: states, alarms, whose they are, and when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from lxml import etree

from relaycore.alerts.model import Alert
from relaycore.events import AlertRaised, CameraBack, CameraLost
from relaycore.onvif.services.events import alarms, answers, hub, subscription
from relaycore.onvif.services.events.errors import (
    BadCallback,
    BadFilter,
    BadTermination,
    EventError,
    NotSubscribed,
    TooManySubscriptions,
)
from relaycore.onvif.services.events.filters import Filter
from relaycore.onvif.services.events.messages import Message
from relaycore.onvif.services.events.subscription import Subscription
from relaycore.onvif.services.events.topics import (
    BRUTE_FORCE,
    CELL_MOTION,
    ILLEGAL_ACCESS,
    MOTION_ALARM,
    SIGNAL_LOSS,
    TOPICS,
    Topic,
)
from relaycore.onvif.soap.names import TEV
from tests.support.onvif_events import (
    CAMERA,
    alarm,
    cameras,
    everything,
    filter_of,
    hub_of,
)


def told(messages: list[Message]) -> list[tuple[str, str, str | None, str]]:
    """Topic, camera, operation and value."""
    return [(str(each.topic), each.path, each.operation, each.data[0]) for each in messages]


async def until(one: Subscription, wanted: Callable[[Message], bool]) -> Message:
    """The first message that is as wanted."""
    while True:
        for message in await one.pull(60, 1):
            if wanted(message):
                return message


async def test_whoever_subscribes_is_told_of_all_states_first_and_again_when_asking() -> None:
    async with hub_of("one", "two") as (_, found):
        first = found.subscribe("anna", Filter(), lambda path: path == "two", None)
        states = await first.pull(0, 100)
        assert {each.topic for each in states} == {*TOPICS} - {BRUTE_FORCE, ILLEGAL_ACCESS}
        assert {(each.path, each.operation) for each in states} == {("two", "Initialized")}
        assert {each.source[0] for each in states} == {"two"}
        found.synchronise(first)
        again = await first.pull(0, 3)
        assert len(again) == 3
        assert all(each.operation == "Initialized" for each in again)


async def test_motion_is_told_as_both_topics_while_somebody_is_subscribed() -> None:
    async with hub_of("cam") as (relay, found):
        assert relay.picture_state("cam") is None
        one = found.subscribe(
            None, filter_of("tns1:VideoSource/MotionAlarm|tns1:RuleEngine//."), everything, 60
        )
        await one.pull(0, 100)
        messages = [await until(one, lambda each: each.operation == "Changed") for _ in range(2)]
        assert told(messages) == [
            (str(CELL_MOTION), "cam", "Changed", "true"),
            (str(MOTION_ALARM), "cam", "Changed", "true"),
        ]
        late = found.subscribe(None, filter_of("tns1:VideoSource/MotionAlarm"), everything, 60)
        assert told(await late.pull(0, 9)) == [(str(MOTION_ALARM), "cam", "Initialized", "true")]
        found.unsubscribe(one)
        found.unsubscribe(late)
        events = relay.events()
        async for event in events:
            if getattr(event, "moving", None) is False:
                break
        assert relay.picture_state("cam") is None


async def test_cameras_that_come_and_go_are_told_of() -> None:
    async with hub_of() as (relay, found):
        one = found.subscribe(None, filter_of("tns1:VideoSource/SignalLoss"), everything, 60)
        assert await one.pull(0, 9) == []
        await relay.add_camera("late", CAMERA)
        assert told(await one.pull(60, 9)) == [(str(SIGNAL_LOSS), "late", "Initialized", "false")]
        relay._events.emit(CameraLost(path="late", reason="unplugged"))
        assert told(await one.pull(60, 9)) == [(str(SIGNAL_LOSS), "late", "Changed", "true")]
        other = found.subscribe(None, filter_of("tns1:VideoSource/SignalLoss"), everything, 60)
        assert told(await other.pull(0, 9)) == [(str(SIGNAL_LOSS), "late", "Initialized", "true")]
        relay._events.emit(CameraBack(path="late"))
        assert told(await one.pull(60, 9)) == [(str(SIGNAL_LOSS), "late", "Changed", "false")]
        await relay.remove_camera("late")
        assert [each.operation for each in await one.pull(60, 9)] == ["Deleted"]


def alert(rule: str) -> AlertRaised:
    found = Alert(
        id=rule,
        at=1,
        rule=rule,
        severity="warning",
        subject="192.0.2.0/24",
        path=None,
        text="Odd.",
        records=[],
    )
    return AlertRaised(path="", alert=found)


@pytest.mark.parametrize(("rule", "topic"), [("spraying", BRUTE_FORCE), ("networks", ILLEGAL_ACCESS)])
async def test_alerts_of_who_comes_in_are_alarms(rule: str, topic: Topic) -> None:
    async with hub_of() as (relay, found):
        one = found.subscribe(None, Filter(), lambda path: not path, 60)
        others = found.subscribe(None, Filter(), cameras, 60)
        assert {(each.topic, each.operation, each.data) for each in await one.pull(0, 9)} == {
            (each, "Initialized", ("false", "", "")) for each in (BRUTE_FORCE, ILLEGAL_ACCESS)
        }
        for name in ("camera_dark", rule):
            relay._events.emit(alert(name))
        (message,) = await one.pull(60, 9)
        assert (message.topic, message.operation) == (topic, "Changed")
        assert message.data == ("true", "192.0.2.0/24", "Odd.")
        late = found.subscribe(None, Filter(), lambda path: not path, 60)
        assert {each.topic: each.data[0] for each in await late.pull(0, 9)}[topic] == "true"
        assert await others.pull(0, 9) == []


async def test_an_alarm_goes_off_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SWEEP_S", 0.01)
    monkeypatch.setattr(alarms, "ALARM_S", 0.0)
    async with hub_of() as (relay, found):
        one = found.subscribe(None, filter_of("tns1:UserAlarm//."), everything, 60)
        await one.pull(0, 9)
        relay._events.emit(alert("spraying"))
        for holds in ("true", "false"):
            (message,) = await one.pull(60, 1)
            assert (message.topic, message.operation, message.data[0]) == (BRUTE_FORCE, "Changed", holds)
        again = found.subscribe(None, filter_of("tns1:UserAlarm//."), everything, 60)
        assert {each.data for each in await again.pull(0, 9)} == {("false", "", "")}


def test_another_alert_lets_an_alarm_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(alarms, "time", SimpleNamespace(monotonic=lambda: now))
    found = alarms.Alarms()
    found.take(alert("spraying").alert)
    now += alarms.ALARM_S - 1
    found.take(alert("spraying").alert)
    now += 1
    assert found.over() == []
    now += alarms.ALARM_S
    assert [(each.topic, each.data[0]) for each in found.over()] == [(BRUTE_FORCE, "false")]
    assert found.over() == []


async def test_subscriptions_are_of_who_made_them_and_end() -> None:
    async with hub_of() as (_, found):
        mine = found.subscribe("anna", Filter(), cameras, 60)
        assert found.find(mine.name, "anna") is mine
        for name, user in ((mine.name, "bert"), (mine.name, None), ("other", "anna")):
            with pytest.raises(NotSubscribed):
                found.find(name, user)
        waiting = asyncio.create_task(mine.pull(60, 1))
        await asyncio.sleep(0)
        found.unsubscribe(mine)
        with pytest.raises(NotSubscribed):
            await waiting
        with pytest.raises(NotSubscribed):
            found.find(mine.name, "anna")
        assert len(found) == 0


async def test_who_loses_rights_is_told_nothing_any_more() -> None:
    async with hub_of() as (_, found):
        subscriptions = [found.subscribe(user, Filter(), everything, 60) for user in ("anna", "bert", None)]
        found.end_of({"anna"})
        assert [each.ended for each in subscriptions] == [True, False, False]


async def test_subscriptions_that_nobody_renews_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SWEEP_S", 0.01)
    async with hub_of() as (_, found):
        short = found.subscribe("anna", Filter(), cameras, 0.05)
        renewed = found.subscribe("anna", Filter(), everything, 0.05)
        found.renew(renewed, 999_999_999)
        assert renewed.seconds_left <= hub.LONGEST_S
        with pytest.raises(NotSubscribed):
            await short.take(1)
        assert not renewed.ended
        assert len(found) == 1


async def test_asking_for_messages_keeps_a_subscription() -> None:
    async with hub_of() as (_, found):
        one = found.subscribe("anna", Filter(), everything, 1)
        await one.pull(0, 1)
        assert one.seconds_left > subscription.AFTER_PULL_S - 1


async def test_there_are_so_many_subscriptions_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MOST", 3)
    monkeypatch.setattr(hub, "MOST_OF_ONE", 2)
    async with hub_of() as (_, found):
        kept = [found.subscribe("anna", Filter(), everything, 60) for _ in range(2)]
        with pytest.raises(TooManySubscriptions):
            found.subscribe("anna", Filter(), everything, 60)
        found.subscribe("bert", Filter(), everything, 60)
        with pytest.raises(TooManySubscriptions):
            found.subscribe(None, Filter(), everything, 60)
        found.unsubscribe(kept[0])
        found.subscribe(None, Filter(), everything, 60)


async def test_what_nobody_takes_is_discarded_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "QUEUE", 3)
    one = Subscription("name", None, Filter(), everything, 60)
    for number in range(5):
        one.put(alarm(str(number), ""))
    assert [each.data[1] for each in await one.pull(0, 999)] == ["2", "3", "4"]
    assert one.discarded == 2


def test_answers_have_the_order_of_the_wsdl() -> None:
    one = Subscription("name", None, Filter(), everything, 60)

    def names(element: etree._Element) -> list[str]:
        return [etree.QName(child).localname for child in element]

    answer = answers.subscribed(one, "http://h/onvif/subscription/name", pulls=True)
    assert answer.tag == f"{{{TEV}}}CreatePullPointSubscriptionResponse"
    assert names(answer) == ["SubscriptionReference", "CurrentTime", "TerminationTime"]
    assert "".join(answer[0].itertext()) == "http://h/onvif/subscription/name"
    assert names(answers.renewed(one)) == ["TerminationTime", "CurrentTime"]
    message = Message(MOTION_ALARM, "cam", ("cam",), ("true",), "Changed")
    assert names(answers.pulled(one, [message] * 2)) == [
        "CurrentTime",
        "TerminationTime",
        "NotificationMessage",
        "NotificationMessage",
    ]
    assert names(answers.properties()) == [
        "TopicNamespaceLocation",
        "FixedTopicSet",
        "TopicSet",
        "TopicExpressionDialect",
        "TopicExpressionDialect",
        "MessageContentFilterDialect",
        "MessageContentSchemaLocation",
    ]


def test_all_errors_are_of_one_kind() -> None:
    assert all(
        issubclass(kind, EventError)
        for kind in (BadCallback, BadFilter, BadTermination, NotSubscribed, TooManySubscriptions)
    )
