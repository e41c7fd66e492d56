"""What a subscription is about: topics and their filters, times, and what messages look like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from relaycore.onvif.services.events.errors import (
    BadFilter,
    BadTermination,
)
from relaycore.onvif.services.events.filters import Filter, read_filter
from relaycore.onvif.services.events.messages import notification
from relaycore.onvif.services.events.times import duration_s, seconds_until, written
from relaycore.onvif.services.events.topics import (
    CELL_MOTION,
    ILLEGAL_ACCESS,
    MOTION_ALARM,
    TOO_DARK,
    TOPICS,
    topic_set,
)
from relaycore.onvif.soap.names import NSMAP, TT, WSNT, WSTOP
from tests.support.onvif_events import (
    CONCRETE_SET,
    alarm,
    filter_of,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CONCRETE = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"


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
