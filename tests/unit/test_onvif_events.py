"""Subscriptions: topics and their filters, times, states, limits, and whom the relay calls back."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiohttp import web
from lxml import etree

from relaycore import Relay
from relaycore.addresses import url_host
from relaycore.alerts.model import Alert
from relaycore.events import AlertRaised, CameraBack, CameraLost
from relaycore.onvif.services.events import alarms, answers, callbacks, hub, notifier, subscription
from relaycore.onvif.services.events.callbacks import Callback, resolve_callback
from relaycore.onvif.services.events.errors import (
    BadCallback,
    BadFilter,
    BadTermination,
    EventError,
    NotSubscribed,
    TooManySubscriptions,
)
from relaycore.onvif.services.events.filters import Filter, read_filter
from relaycore.onvif.services.events.hub import Hub
from relaycore.onvif.services.events.messages import Message, notification
from relaycore.onvif.services.events.operations import HANDLERS
from relaycore.onvif.services.events.subscription import Subscription
from relaycore.onvif.services.events.times import duration_s, seconds_until, written
from relaycore.onvif.services.events.topics import (
    BRUTE_FORCE,
    CELL_MOTION,
    ILLEGAL_ACCESS,
    MOTION_ALARM,
    SIGNAL_LOSS,
    TOO_DARK,
    TOPICS,
    Topic,
    topic_set,
)
from relaycore.onvif.soap.names import NSMAP, TEV, TT, WSNT, WSTOP
from relaycore.settings import CameraSettings, OnvifSettings

TIMEOUT = 30.0
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CONCRETE = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
MOVING = (
    "color=gray:size=320x180:rate=25[a];color=white:size=40x40:rate=25[b];"
    "[a][b]overlay=x='mod(t*60,280)':y=60"
)
CAMERA = CameraSettings(camera=f"lavfi:{MOVING}", encoder="libx264", microphone="none")


def filter_of(text: str, dialect: str | None = CONCRETE_SET, prefixes: str = "") -> Filter:
    """The filter of a request with one expression."""
    named = "" if dialect is None else f' Dialect="{dialect}"'
    declared = prefixes or 'xmlns:tns1="http://www.onvif.org/ver10/topics"'
    expression = f"<w:TopicExpression {declared}{named}>{text}</w:TopicExpression>"
    return read_filter(etree.fromstring(f'<f xmlns:w="{WSNT}">{expression}</f>'))


def taken(wanted: Filter) -> list[str]:
    return [str(topic) for topic in TOPICS if wanted.takes(topic)]


@pytest.mark.parametrize(
    ("text", "dialect", "topics"),
    [
        ("tns1:VideoSource/MotionAlarm", CONCRETE, [MOTION_ALARM]),
        (" tns1:VideoSource/MotionAlarm\n", CONCRETE_SET, [MOTION_ALARM]),
        ("tns1:VideoSource/MotionAlarm", None, [MOTION_ALARM]),
        ("tns1:VideoSource/tns1:MotionAlarm", CONCRETE, [MOTION_ALARM]),
        ("VideoSource/MotionAlarm", CONCRETE, [MOTION_ALARM]),
        ("tns1:RuleEngine//.", CONCRETE_SET, [CELL_MOTION]),
        ("tns1:VideoSource//.|tns1:RuleEngine//.", CONCRETE_SET, list(TOPICS[:5])),
        ("tns1:VideoSource/ImageTooDark//. | tns1:Device//.", CONCRETE_SET, [TOO_DARK]),
    ],
)
def test_topics_are_chosen_in_both_dialects(text: str, dialect: str | None, topics: list[Any]) -> None:
    assert taken(filter_of(text, dialect)) == [str(topic) for topic in topics]


def test_prefixes_mean_what_the_request_says() -> None:
    topics = 'xmlns:x="http://www.onvif.org/ver10/topics" xmlns:y="urn:x-relaycore:topics"'
    assert taken(filter_of("x:UserAlarm/y:IllegalAccess", prefixes=topics)) == [str(ILLEGAL_ACCESS)]
    with pytest.raises(BadFilter, match="declared"):
        filter_of("z:VideoSource/MotionAlarm", prefixes=topics)


def test_without_a_filter_all_is_told() -> None:
    assert taken(read_filter(None)) == [str(topic) for topic in TOPICS]
    assert taken(read_filter(etree.fromstring("<f><!-- none --></f>"))) == [str(topic) for topic in TOPICS]


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<w:TopicExpression>tns1:Invalid/Topic</w:TopicExpression>", "TopicNotSupportedFault"),
        ("<w:TopicExpression>tns1:VideoSource</w:TopicExpression>", "TopicNotSupportedFault"),
        ("<w:TopicExpression>tns1:Video Source</w:TopicExpression>", "InvalidTopicExpressionFault"),
        ("<w:TopicExpression>tns1:A//B</w:TopicExpression>", "InvalidTopicExpressionFault"),
        ("<w:TopicExpression></w:TopicExpression>", "InvalidTopicExpressionFault"),
        ("<w:TopicExpression>" + "a" * 3000 + "</w:TopicExpression>", "InvalidTopicExpressionFault"),
        (
            "<w:TopicExpression>" + "|".join(["tns1:VideoSource//."] * 65) + "</w:TopicExpression>",
            "InvalidFilterFault",
        ),
        ('<w:TopicExpression Dialect="x">a</w:TopicExpression>', "TopicExpressionDialectUnknownFault"),
        ("<w:MessageContent>boolean(1)</w:MessageContent>", "InvalidMessageContentExpressionFault"),
        ("<w:MessageContent/>", "InvalidMessageContentExpressionFault"),
        ("<w:MessageContent>boolean(//SimpleItem[@Name='a'])</w:MessageContent>" * 9, "InvalidFilterFault"),
        ("<w:ProducerProperties/>", "InvalidProducerPropertiesExpressionFault"),
        ("<other/>", "InvalidFilterFault"),
    ],
)
def test_what_cannot_be_filtered_is_the_fault_that_says_so(inside: str, fault: str) -> None:
    with pytest.raises(BadFilter) as error:
        read_filter(etree.fromstring(f'<f xmlns:w="{WSNT}">{inside}</f>'))
    assert error.value.fault == fault


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT60S", 60),
        ("PT1M30.5S", 90.5),
        ("P1DT1H", 90_000),
        ("2026-11-26T12:01:00Z", 60),
        ("2026-11-26T13:01:00+01:00", 60),
        ("2026-11-26T12:01:00", 60),
        ("2026-11-26T12:01:00.500Z", 60.5),
    ],
)
def test_terminations_are_durations_or_points_in_time(text: str, seconds: float) -> None:
    assert seconds_until(text, NOW) == seconds


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "60", "PT0S", "-PT5S", "2020-01-01T00:00:00Z", "P1X", "PT9e9S"]
)
def test_others_are_refused(text: str) -> None:
    with pytest.raises(BadTermination):
        seconds_until(text, NOW)


def test_times_have_a_zone() -> None:
    assert written(NOW) == "2026-11-26T12:00:00.000Z"
    assert duration_s("PT0S") == 0


def test_the_set_of_topics_has_each_once_with_its_items() -> None:
    root = topic_set()
    marked = root.xpath("//*[@wstop:topic='true']", namespaces={"wstop": WSTOP})
    assert len(marked) == len(TOPICS)
    motion = root.find(f"{{{NSMAP['tns1']}}}RuleEngine/CellMotionDetector/Motion/{{{TT}}}MessageDescription")
    assert motion is not None
    assert motion.get("IsProperty") == "true"
    assert [item.get("Name") for item in motion.iter(f"{{{TT}}}SimpleItemDescription")] == [
        "VideoSourceConfigurationToken",
        "VideoAnalyticsConfigurationToken",
        "Rule",
        "IsMotion",
    ]
    items = list(etree.fromstring(etree.tostring(root)).iter(f"{{{TT}}}SimpleItemDescription"))
    assert {item.get("Type", "").partition(":")[0] for item in items} == {"tt", "xs"}
    assert {(item.nsmap["tt"], item.nsmap["xs"]) for item in items} == {(TT, NSMAP["xs"])}


def alarm(subject: str, text: str) -> Message:
    return Message(ILLEGAL_ACCESS, "", (), ("true", subject, text), "Changed")


def test_prefixes_in_texts_are_declared_where_they_stand() -> None:
    message = alarm("anna", "<text> & more")
    element = etree.fromstring(etree.tostring(notification(message)))
    topic = element.find(f"{{{WSNT}}}Topic")
    assert topic is not None
    assert topic.text == "tns1:UserAlarm/rc:IllegalAccess"
    assert {topic.nsmap["tns1"], topic.nsmap["rc"]} == {NSMAP["tns1"], NSMAP["rc"]}


def test_what_xml_cannot_hold_is_left_out() -> None:
    message = alarm("an\x01na", "\ud800odd\uffff\0")
    element = etree.fromstring(etree.tostring(notification(message)))
    assert [item.get("Value") for item in element.iter(f"{{{TT}}}SimpleItem")] == ["true", "anna", "odd"]


def told(messages: list[Message]) -> list[tuple[str, str, str | None, str]]:
    """Topic, camera, operation and value."""
    return [(str(each.topic), each.path, each.operation, each.data[0]) for each in messages]


async def until(one: Subscription, wanted: Callable[[Message], bool]) -> Message:
    """The first message that is as wanted."""
    while True:
        for message in await one.pull(60, 1):
            if wanted(message):
                return message


@asynccontextmanager
async def hub_of(*paths: str) -> AsyncIterator[tuple[Relay, Hub]]:
    async with Relay(port=0) as relay, asyncio.timeout(TIMEOUT):
        for path in paths:
            await relay.add_camera(path, CAMERA)
        found = Hub(relay)
        try:
            yield relay, found
        finally:
            await found.close()


def everything(path: str) -> bool:
    return True


def cameras(path: str) -> bool:
    return path != ""


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


# Callbacks


@pytest.mark.parametrize(
    ("url", "subscriber"),
    [
        ("http://127.0.0.1/", "127.0.0.1"),
        ("http://127.9.9.9:80/x", "127.9.9.9"),
        ("http://[::1]/", "::1"),
        ("http://[::ffff:127.0.0.1]/", "127.0.0.1"),
        ("http://localhost:8080/", "127.0.0.1"),
        ("http://2130706433/", "127.0.0.1"),
        ("http://0x7f.1/", "127.0.0.1"),
        ("http://0.0.0.0/", "0.0.0.0"),
        ("http://[::]/", "::"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("http://169.254.1.1/", "169.254.1.1"),
        ("http://[fe80::1]/", "fe80::1"),
        ("http://[fd00:ec2::254]/", "fd00:ec2::254"),
        ("http://100.100.100.200/", "100.100.100.200"),
        ("http://224.0.0.1/", "224.0.0.1"),
        ("http://255.255.255.255/", "255.255.255.255"),
        ("http://[ff02::1]/", "ff02::1"),
        ("http://[64:ff9b::7f00:1]/", "64:ff9b::7f00:1"),
        ("http://[2002:7f00:1::]/", "2002:7f00:1::"),
        # What somebody else listens at.
        ("http://192.168.1.9/", "192.168.1.5"),
        # What is no address to call at.
        ("ftp://192.168.1.5/", "192.168.1.5"),
        ("file:///etc/passwd", "192.168.1.5"),
        ("http://user:word@192.168.1.5/", "192.168.1.5"),
        ("http://192.168.1.5:0/", "192.168.1.5"),
        ("http://192.168.1.5:99999/", "192.168.1.5"),
        ("http://192.168.1.5/\r\nX: y", "192.168.1.5"),
        ("http://192.168.1.5/" + "x" * 600, "192.168.1.5"),
        ("http:///", "192.168.1.5"),
        ("", "192.168.1.5"),
    ],
)
async def test_nobody_is_called_back_there(url: str, subscriber: str) -> None:
    everywhere = ["0.0.0.0/0", "::/0"]
    networks = [] if subscriber == "192.168.1.5" else everywhere
    with pytest.raises(BadCallback):
        await resolve_callback(url, subscriber, networks)


async def test_the_relay_does_not_call_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "reachable_addresses", lambda _: ["192.168.1.2", "fe80::1%eth0"])
    with pytest.raises(BadCallback):
        await resolve_callback("http://192.168.1.2/", "192.168.1.2")


async def test_who_subscribes_is_called_back_and_networks_that_are_named() -> None:
    found = await resolve_callback("http://192.168.1.5:8080/x", "192.168.1.5")
    assert found == Callback("http://192.168.1.5:8080/x", "192.168.1.5", "192.168.1.5")
    assert (await resolve_callback("http://192.168.1.5/", "::ffff:192.168.1.5")).address == "192.168.1.5"
    named = ["2001:db8::/32", "192.168.1.0/24"]
    elsewhere = await resolve_callback("https://192.168.1.9/", "192.168.1.5", named)
    assert elsewhere == Callback("https://192.168.1.9/", "192.168.1.9", "192.168.1.9", is_elsewhere=True)
    assert (await resolve_callback("http://[2001:db8::9]/", "192.168.1.5", named)).is_elsewhere
    assert not (await resolve_callback("http://192.168.1.5/", "192.168.1.5", named)).is_elsewhere
    with pytest.raises(BadCallback):
        await resolve_callback("http://192.168.2.9/", "192.168.1.5", named)


@pytest.mark.parametrize("address", ["10.1.2.3", "2001:db8::7"])
async def test_no_address_of_the_machine_is_called_whatever_the_settings_name(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    own = ("eth7", 7, ipaddress.ip_address(address), 64)
    monkeypatch.setattr(callbacks, "interface_addresses", lambda: [own])
    with pytest.raises(BadCallback):
        await resolve_callback(f"http://{url_host(address)}/", "192.168.1.5", ["0.0.0.0/0", "::/0"])


async def test_a_name_is_called_only_where_all_that_it_means_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: object) -> list[str]:
        return ["192.168.1.9", "127.0.0.1"]

    monkeypatch.setattr(callbacks, "_resolve", resolve)
    with pytest.raises(BadCallback):
        await resolve_callback("http://nvr.example/", "192.168.1.5", ["192.168.1.0/24"])


@pytest.mark.parametrize(
    ("networks", "ends"), [(["192.168.1.0/24"], False), ([], True), (["192.168.2.0/24"], True)]
)
async def test_calls_end_that_the_settings_do_not_allow_any_more(
    monkeypatch: pytest.MonkeyPatch, networks: list[str], ends: bool
) -> None:
    monkeypatch.setattr(hub, "SWEEP_S", 0.01)
    async with hub_of() as (relay, found):
        config = msgspec.structs.replace(relay.config, onvif=OnvifSettings(callbacks=["192.168.1.0/24"]))
        await relay.reload(config)
        callbacks_of = [
            Callback("http://192.168.1.9/", "192.168.1.9", "192.168.1.9", is_elsewhere=True),
            Callback("http://192.168.3.9/", "192.168.3.9", "192.168.3.9"),
        ]
        elsewhere, own = (found.subscribe("anna", Filter(), everything, 60, each) for each in callbacks_of)
        await relay.reload(msgspec.structs.replace(config, onvif=OnvifSettings(callbacks=networks)))
        if ends:
            with pytest.raises(NotSubscribed):
                await elsewhere.take(1)
        assert found.find(own.name, "anna") is own
        assert elsewhere.ended is ends


class Consumer:
    """A subscriber's server. It has a name, so that what the name means is what the relay has pinned."""

    def __init__(self) -> None:
        self.bodies: asyncio.Queue[bytes] = asyncio.Queue()
        self.status = 200
        self.asked: list[str] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        self.bodies.put_nowait(await request.read())
        headers = {"Location": f"http://nvr.invalid:{self.port}/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, headers=headers)

    @property
    def callback(self) -> Callback:
        return Callback(f"http://nvr.invalid:{self.port}/notify", "nvr.invalid", "127.0.0.1")


@pytest.fixture
async def consumer() -> AsyncIterator[Consumer]:
    found = Consumer()
    app = web.Application()
    app.router.add_post("/{path:.*}", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.port = runner.addresses[0][1]
    yield found
    await runner.cleanup()


async def test_subscribers_are_told_where_they_said(consumer: Consumer) -> None:
    async with hub_of("cam") as (relay, found):
        found.subscribe("anna", filter_of("tns1:VideoSource/SignalLoss"), everything, 60, consumer.callback)
        for expected in ("Initialized", "Changed"):
            envelope = etree.fromstring(await consumer.bodies.get())
            (message,) = envelope.iter(f"{{{TT}}}Message")
            assert message.get("PropertyOperation") == expected
            relay._events.emit(CameraLost(path="cam", reason="unplugged"))
        assert set(consumer.asked) == {"/notify"}


@pytest.mark.parametrize("status", [500, 302])
async def test_who_takes_nothing_is_called_no_more_and_is_not_followed(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(notifier, "PAUSE_S", 0.0)
    consumer.status = status
    async with hub_of("cam") as (_, found):
        one = found.subscribe("anna", Filter(), everything, 60, consumer.callback)
        await found._notifiers[one.name].task
        assert one.ended
        assert len(found) == 0
        assert consumer.asked == ["/notify"] * notifier.FAILURES


def test_all_errors_are_of_one_kind() -> None:
    assert all(
        issubclass(kind, EventError)
        for kind in (BadCallback, BadFilter, BadTermination, NotSubscribed, TooManySubscriptions)
    )


# Operations


@dataclass
class Call:
    """A request of somebody."""

    hub: Hub
    body: etree._Element
    path: str = "/onvif/event_service"
    user: str | None = "anna"
    peer: str = "192.168.1.5"
    base: str = "http://192.168.1.2:8554"
    listens_on: str = "192.168.1.2"
    callbacks: Collection[str] = ()

    @property
    def covers(self) -> Callable[[str], bool]:
        """The device has all cameras."""
        return everything


HANDLED = {name: handler for _, name, _, handler in HANDLERS}
ENVELOPE = f'<e xmlns:tev="{TEV}" xmlns:wsnt="{WSNT}" xmlns:wsa="http://www.w3.org/2005/08/addressing">%s</e>'


async def ask(found: Hub, inside: str, **of_call: Any) -> etree._Element:
    """The answer to an operation, as it is read again."""
    body = etree.fromstring(ENVELOPE % inside)[-1]
    answer = await HANDLED[etree.QName(body).localname](Call(found, body, **of_call))
    return etree.fromstring(etree.tostring(answer))


def path_of(answer: etree._Element) -> str:
    """The path of the subscription in an answer."""
    address = answer.find(".//{http://www.w3.org/2005/08/addressing}Address")
    assert address is not None
    assert address.text is not None
    assert address.text.startswith("http://192.168.1.2:8554/onvif/subscription/")
    return address.text.removeprefix("http://192.168.1.2:8554")


def time_of(answer: etree._Element, name: str) -> datetime:
    found = next(answer.iter(f"{{*}}{name}"))
    assert found.text is not None
    return datetime.fromisoformat(found.text)


async def test_a_pull_point_lives_as_clients_use_it() -> None:
    async with hub_of("cam") as (_, found):
        answer = await ask(
            found,
            "<tev:CreatePullPointSubscription><tev:InitialTerminationTime>PT600S</tev:InitialTerminationTime>"
            "</tev:CreatePullPointSubscription>",
        )
        lasts = time_of(answer, "TerminationTime") - time_of(answer, "CurrentTime")
        assert 540 < lasts.total_seconds() <= 600
        path = path_of(answer)
        parts = "<tev:Timeout>%s</tev:Timeout><tev:MessageLimit>%d</tev:MessageLimit>"
        pull = f"<tev:PullMessages>{parts}</tev:PullMessages>"
        first = await ask(found, pull % ("PT60S", 2), path=path)
        assert len(first.findall(f"{{{WSNT}}}NotificationMessage")) == 2
        await ask(found, "<tev:SetSynchronizationPoint/>", path=path)
        all_of_it = await ask(found, pull % ("PT0S", 1000), path=path)
        # Three that waited, and all five anew; motion may have come in between.
        assert len(all_of_it.findall(f"{{{WSNT}}}NotificationMessage")) >= 8
        renew = "<wsnt:Renew><wsnt:TerminationTime>PT1H</wsnt:TerminationTime></wsnt:Renew>"
        renewed = await ask(found, renew, path=path)
        assert (time_of(renewed, "TerminationTime") - time_of(renewed, "CurrentTime")).total_seconds() > 3540
        # Some send all to the service, and say in the header whom they mean.
        to = f"<wsa:To>http://192.168.1.2:8554{path}</wsa:To>"
        await ask(found, to + renew)
        with pytest.raises(NotSubscribed):
            await ask(found, renew)
        with pytest.raises(NotSubscribed):
            await ask(found, renew, path=path, user="bert")
        await ask(found, "<wsnt:Unsubscribe/>", path=path)
        with pytest.raises(NotSubscribed):
            await ask(found, pull % ("PT1S", 1), path=path)


async def test_a_question_for_messages_waits_until_there_is_one() -> None:
    async with hub_of("cam") as (relay, found):
        path = path_of(
            await ask(
                found,
                "<tev:CreatePullPointSubscription><tev:Filter><wsnt:TopicExpression>tns1:VideoSource/SignalLoss"
                "</wsnt:TopicExpression></tev:Filter></tev:CreatePullPointSubscription>",
            )
        )
        pull = "<tev:PullMessages><tev:Timeout>PT60S</tev:Timeout></tev:PullMessages>"
        await ask(found, pull, path=path)
        waiting = asyncio.create_task(ask(found, pull, path=path))
        await asyncio.sleep(0)
        relay._events.emit(CameraLost(path="cam", reason="unplugged"))
        (message,) = (await waiting).iter(f"{{{TT}}}Message")
        (item,) = message.iterfind(f"{{{TT}}}Data/{{{TT}}}SimpleItem")
        assert (item.get("Name"), item.get("Value")) == ("State", "true")


@pytest.mark.parametrize(
    ("inside", "kind"),
    [
        ("<tev:PullMessages><tev:Timeout>soon</tev:Timeout></tev:PullMessages>", BadTermination),
        ("<wsnt:Renew><wsnt:TerminationTime>PT0S</wsnt:TerminationTime></wsnt:Renew>", BadTermination),
        ("<wsnt:Subscribe/>", BadCallback),
        (
            "<wsnt:Subscribe><wsnt:ConsumerReference><wsa:Address>http://127.0.0.1/</wsa:Address>"
            "</wsnt:ConsumerReference></wsnt:Subscribe>",
            BadCallback,
        ),
    ],
)
async def test_what_makes_no_sense_is_refused(inside: str, kind: type[EventError]) -> None:
    async with hub_of() as (_, found):
        path = path_of(await ask(found, "<tev:CreatePullPointSubscription/>"))
        with pytest.raises(kind):
            await ask(found, inside, path=path)


async def test_a_subscriber_is_called_back_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    called: asyncio.Queue[str] = asyncio.Queue()

    async def send(self: notifier.Notifier, client: object, messages: object) -> bool:
        called.put_nowait(self.callback.address)
        return True

    monkeypatch.setattr(notifier.Notifier, "_send", send)
    async with hub_of("cam") as (_, found):
        reference = (
            "<wsnt:ConsumerReference><wsa:Address>http://192.168.1.5/x</wsa:Address></wsnt:ConsumerReference>"
        )
        answer = await ask(found, f"<wsnt:Subscribe>{reference}</wsnt:Subscribe>")
        assert await called.get() == "192.168.1.5"
        await ask(found, "<wsnt:Unsubscribe/>", path=path_of(answer))


async def test_the_service_says_what_it_can() -> None:
    async with hub_of() as (_, found):
        answer = await ask(found, "<tev:GetServiceCapabilities/>")
        assert answer[0].get("MaxPullPoints") == str(hub.MOST)
        assert (await ask(found, "<tev:GetEventProperties/>")).find(f"{{{WSTOP}}}TopicSet") is not None
