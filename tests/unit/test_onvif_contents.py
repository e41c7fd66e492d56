"""Filters for what stands in messages: what they mean, and what is none."""

from __future__ import annotations

import asyncio
import random
from html import escape

import pytest
from lxml import etree

from relaycore import Relay
from relaycore.events import CameraLost
from relaycore.onvif.services.events.contents import LONGEST, MOST_DEPTH
from relaycore.onvif.services.events.errors import BadFilter
from relaycore.onvif.services.events.filters import Filter, read_filter
from relaycore.onvif.services.events.hub import Hub
from relaycore.onvif.services.events.messages import Message, Operation, notification
from relaycore.onvif.services.events.topics import CELL_MOTION, ILLEGAL_ACCESS, MOTION_ALARM
from relaycore.onvif.soap.names import TT, WSNT
from relaycore.settings import CameraSettings

DIALECT = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"


def of(*texts: str, dialect: str | None = DIALECT, prefixes: str = f'xmlns:tt="{TT}"') -> Filter:
    """The filter of a request with these expressions."""
    named = "" if dialect is None else f' Dialect="{dialect}"'
    inside = "".join(
        f"<w:MessageContent {prefixes}{named}>{escape(text)}</w:MessageContent>" for text in texts
    )
    return read_filter(etree.fromstring(f'<f xmlns:w="{WSNT}">{inside}</f>'))


def moving(camera: str, moves: bool, operation: Operation = "Changed") -> Message:
    return Message(
        CELL_MOTION, camera, (camera, camera, "motion"), ("true" if moves else "false",), operation
    )


MESSAGES = [
    *(moving(camera, moves) for camera in ("yard", "hall") for moves in (True, False)),
    moving("yard", True, "Deleted"),
    Message(MOTION_ALARM, "yard", ("yard",), ("true",), "Initialized"),
    Message(ILLEGAL_ACCESS, "", (), ("on", "anna", ""), "Changed"),
]


def wanted(found: Filter) -> list[int]:
    return [number for number, message in enumerate(MESSAGES) if found.wants(message)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ('boolean(//tt:SimpleItem[@Name="IsMotion" and @Value="true"])', [0, 2]),
        ("boolean(//tt:SimpleItem[@Name='IsMotion'])", [0, 1, 2, 3]),
        ('boolean(//tt:SimpleItem[@Name="VideoSourceConfigurationToken" and @Value="yard"])', [0, 1, 4]),
        ('not(boolean(//tt:SimpleItem[@Name="Rule"]))', [5, 6]),
        (
            'boolean(//tt:SimpleItem[@Name="VideoSourceConfigurationToken" and @Value="hall"]) and '
            'boolean(//tt:SimpleItem[@Name="IsMotion" and @Value="true"])',
            [2],
        ),
        (
            'boolean(//tt:SimpleItem[@Value="hall"]) or boolean(//tt:SimpleItem[@Value="anna"]) and '
            'boolean(//tt:SimpleItem[@Name="Rule"])',
            [2, 3],
        ),
        (
            '(boolean(//tt:SimpleItem[@Value="hall"]) or boolean(//tt:SimpleItem[@Value="anna"])) and '
            'boolean(//tt:SimpleItem[@Name="Subject"])',
            [6],
        ),
        ('boolean(//tt:SimpleItem[@Name="Text" and @Value=""])', [6]),
        ('boolean(//tt:SimpleItem[not(@Name="Rule" or @Value="yard")])', [0, 1, 2, 3, 5, 6]),
        ('boolean(//tt:ElementItem[@Name="Rule"])', []),
        ('not(boolean(//tt:ElementItem[@Name="Rule"]))', [0, 1, 2, 3, 4, 5, 6]),
        # As clients write it.
        ('\n boolean( //tt:SimpleItem[ @Name = "IsMotion"\n and @Value="true" ] )\n', [0, 2]),
        ('boolean(//SimpleItem[@Name="Rule"])and(boolean(//SimpleItem[@Value="hall"]))', [2, 3]),
        (
            'boolean(//tt:SimpleItem[@Name="Rule"])OR NOT( boolean(//tt:SimpleItem[@Value="yard"]))',
            [0, 1, 2, 3, 4, 6],
        ),
        ("boolean(//tt:SimpleItem[@Name=”Rule” and @Value=“motion”])", [0, 1, 2, 3, 4]),
    ],
)
def test_messages_are_chosen_by_what_stands_in_them(text: str, numbers: list[int]) -> None:
    assert wanted(of(text)) == numbers


def test_all_expressions_of_a_filter_have_to_hold_and_the_topic_too() -> None:
    both = of("boolean(//tt:SimpleItem[@Value='yard'])", "boolean(//tt:SimpleItem[@Value='true'])")
    assert wanted(both) == [0, 5]
    topic = "<w:TopicExpression>tns1:VideoSource//.</w:TopicExpression>"
    content = "<w:MessageContent>boolean(//tt:SimpleItem[@Value='yard'])</w:MessageContent>"
    assert wanted(read_filter(etree.fromstring(f'<f xmlns:w="{WSNT}">{topic}{content}</f>'))) == [5]


def test_the_prefix_is_that_of_the_schema() -> None:
    text = "boolean(//x:SimpleItem[@Name='Rule'])"
    assert wanted(of(text, prefixes=f'xmlns:x="{TT}"')) == [0, 1, 2, 3, 4]
    assert wanted(of(text.replace("x:", "tt:"), prefixes="")) == [0, 1, 2, 3, 4]
    for prefixes in ("", 'xmlns:x="urn:other"'):
        with pytest.raises(BadFilter, match="prefix x "):
            of(text, prefixes=prefixes)
    with pytest.raises(BadFilter, match="prefix tt "):
        of(text.replace("x:", "tt:"), prefixes='xmlns:tt="urn:other"')


RIGHT = "boolean(//tt:SimpleItem[@Name='a'])"


@pytest.mark.parametrize(
    "text",
    [
        *("", " \n", "boolean", "boolean()", "boolean(1)", "true()", "not(true())", "1 = 1", "not()", "()"),
        *(
            f"{RIGHT} and",
            f"and {RIGHT}",
            f"{RIGHT} {RIGHT}",
            f"{RIGHT})",
            f"({RIGHT}",
            f"{RIGHT} xor {RIGHT}",
        ),
        *(RIGHT[:end] for end in range(len(RIGHT))),
        "//tt:SimpleItem[@Name='a']",
        "boolean(//tt:SimpleItem)",
        "boolean(//tt:SimpleItem[])",
        "boolean(//tt:SimpleItem[1])",
        "boolean(//tt:SimpleItem[@Name])",
        "boolean(//tt:SimpleItem[@Name=a])",
        "boolean(//tt:SimpleItem[@Name!='a'])",
        "boolean(//tt:SimpleItem[@Value > 5])",
        "boolean(//tt:SimpleItem[@Other='a'])",
        "boolean(//tt:SimpleItem[@name='a'])",
        "boolean(//tt:SimpleItem[@Name='a\"])",
        "boolean(//tt:SimpleItem[@Name='a'][@Value='b'])",
        "boolean(//tt:SimpleItem[@Name='a']/@Value)",
        "boolean(//tt:SimpleItem[contains(@Name, 'a')])",
        "boolean(//tt:SimpleItem[@Name=document('http://192.0.2.1/')])",
        "boolean(//tt:SimpleItem[@Name='a' and count(//*)=1])",
        "boolean(//tt:SimpleItems[@Name='a'])",
        "boolean(//tt:Data/tt:SimpleItem[@Name='a'])",
        "boolean(/tt:SimpleItem[@Name='a'])",
        "boolean(//*[@Name='a'])",
        "boolean(//tt:Message[@Name='a'])",
        "boolean(document('file:///etc/passwd'))",
        "count(//tt:SimpleItem[@Name='a'])",
        "boolean($x)",
        f"{RIGHT} | {RIGHT}",
        "(" * (MOST_DEPTH + 1) + RIGHT + ")" * (MOST_DEPTH + 1),
        "not(" * (MOST_DEPTH + 1) + RIGHT + ")" * (MOST_DEPTH + 1),
        "(" * 2000,
        "'" * 2000,
        '"' * 1999,
        "a" * LONGEST,
        f"{RIGHT:>{LONGEST + 1}}",
    ],
)
def test_what_is_not_of_the_dialect_is_refused(text: str) -> None:
    with pytest.raises(BadFilter) as error:
        of(text)
    assert error.value.fault == "InvalidMessageContentExpressionFault"


def test_as_much_as_may_be_is_taken() -> None:
    deep = "(" * MOST_DEPTH + RIGHT + ")" * MOST_DEPTH
    assert wanted(of(deep)) == []
    long = " or ".join([RIGHT.replace("'a'", "'Rule'")] * 48)
    assert wanted(of(f"{long:<{LONGEST}}")) == [0, 1, 2, 3, 4]


def test_other_dialects_are_refused() -> None:
    assert wanted(of("boolean(//tt:SimpleItem[@Name='Rule'])", dialect=None)) == [0, 1, 2, 3, 4]
    with pytest.raises(BadFilter, match="dialect ItemFilter"):
        of(RIGHT, dialect=XPATH)


def expression(chance: random.Random, depth: int = 0) -> str:
    """Any expression of the dialect."""
    kinds = ["boolean"] * 3 + ["and", "or", "not", "inside"] * (depth < 4)
    match chance.choice(kinds):
        case "boolean":
            item = chance.choice(["SimpleItem"] * 5 + ["ElementItem"])
            return f"boolean(//tt:{item}[{comparison(chance)}])"
        case "not":
            return f"not({expression(chance, depth + 1)})"
        case "inside":
            return f"({expression(chance, depth + 1)})"
        case word:
            return f"{expression(chance, depth + 1)} {word} {expression(chance, depth + 1)}"


def comparison(chance: random.Random, depth: int = 0) -> str:
    kinds = ["name", "value"] * 2 + ["and", "or", "not", "inside"] * (depth < 3)
    match chance.choice(kinds):
        case "name":
            names = ["Rule", "Source", "State", "IsMotion", "VideoSourceConfigurationToken", "Text", "none"]
            return f"@Name='{chance.choice(names)}'"
        case "value":
            return f'@Value="{chance.choice(["yard", "hall", "true", "false", "motion", "", "anna"])}"'
        case "not":
            return f"not({comparison(chance, depth + 1)})"
        case "inside":
            return f"({comparison(chance, depth + 1)})"
        case word:
            return f"{comparison(chance, depth + 1)} {word} {comparison(chance, depth + 1)}"


@pytest.mark.parametrize("seed", range(20))
def test_it_means_what_xpath_means(seed: int) -> None:
    chance = random.Random(seed)
    elements = [notification(message) for message in MESSAGES]
    for _ in range(50):
        text = expression(chance)
        if len(text) > LONGEST:
            continue
        asked = etree.XPath(text, namespaces={"tt": TT})
        assert wanted(of(text)) == [number for number, element in enumerate(elements) if asked(element)], text


async def test_a_subscriber_is_told_of_those_messages_alone() -> None:
    camera = CameraSettings(
        camera="lavfi:color=gray:size=320x180:rate=10", encoder="libx264", microphone="none"
    )
    async with Relay(port=0) as relay, asyncio.timeout(30):
        for path in ("yard", "hall"):
            await relay.add_camera(path, camera)
        hub = Hub(relay)
        lost = of("boolean(//tt:SimpleItem[@Name='State' and @Value='true'])")
        one = hub.subscribe(None, lost, lambda _: True, 60)
        relay._events.emit(CameraLost(path="hall", reason="unplugged"))
        (message,) = await one.pull(60, 100)
        assert (message.path, message.operation) == ("hall", "Changed")
        hub.unsubscribe(one)
        await hub.close()
