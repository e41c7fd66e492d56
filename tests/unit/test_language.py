"""Messages, the choice of a language, numbers and dates."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from relaycore.errors import ConfigurationError, PathError
from relaycore.language import (
    PSEUDO,
    Message,
    _,
    _n,
    current,
    day,
    direction,
    known,
    message_lines,
    message_n,
    moment,
    name_of,
    negotiate,
    number,
    of_environment,
    percent,
    shown,
    using,
)
from relaycore.language.message import END, ISOLATE, translation
from relaycore.language.pseudo import pseudo


def test_a_message_is_english_to_programs_and_translated_to_people() -> None:
    said = Message("There is no path {path}.", path="cam")
    assert said == "There is no path cam."
    error = PathError(said)
    assert (str(error), type(str(error))) == ("There is no path cam.", str)
    assert shown(error, PSEUDO) == pseudo("There is no path {path}.").replace("{path}", "cam")
    assert shown(error) == "There is no path cam."


def test_what_is_inside_of_a_message_is_translated_with_it() -> None:
    outer = Message("It failed: {error}", error=PathError(Message("The end.")))
    assert outer == "It failed: The end."
    assert pseudo("The end.") in shown(outer, PSEUDO)


def test_values_are_taken_as_they_are() -> None:
    assert Message("{a} and {b}", a="{b}", b="%s {c}") == "{b} and %s {c}"
    assert Message("{known} but {unknown}", known=1) == "1 but {unknown}"
    assert Message('{ "json": true }') == '{ "json": true }'


def test_mistakes_are_translated_line_by_line() -> None:
    error = ConfigurationError(Message("One."), "plain", Message("Two {x}.", x=2))
    assert str(error) == "One.\nplain\nTwo 2."
    assert shown(error, PSEUDO).split("\n")[0] == pseudo("One.")
    assert shown(error, PSEUDO).split("\n")[1] == "plain"
    assert pickle.loads(pickle.dumps(message_lines(error.mistakes))) == str(error)


def test_a_message_survives_the_way_to_another_process() -> None:
    said = message_n("{count} viewer of {path}", "{count} viewers of {path}", 3, path="x")
    other = pickle.loads(pickle.dumps(said))
    assert other == "3 viewers of x"
    assert shown(other, PSEUDO) == shown(said, PSEUDO) != said


async def test_each_task_speaks_the_language_it_was_begun_in() -> None:
    both = asyncio.Barrier(2)

    async def speak() -> str:
        await both.wait()
        return await asyncio.to_thread(current)

    with using("fr"):
        french = asyncio.create_task(speak())
    with using("ar"):
        arabic = asyncio.create_task(speak())
    assert [*await asyncio.gather(french, arabic)] == ["fr", "ar"]
    assert current() == "en"


def test_an_address_in_a_text_from_right_to_left_keeps_its_order() -> None:
    with using("ar"):
        assert _("{url}!", url="rtsp://a/b") == f"{ISOLATE}rtsp://a/b{END}!"
        assert _("{port}!", port=8554) == "8554!"
    assert direction("ar") == "rtl"
    assert direction("zh-Hans") == "ltr"


def test_english_has_two_forms_and_groups_digits() -> None:
    assert _n("{count} viewer", "{count} viewers", 1) == "1 viewer"
    assert _n("{count} viewer", "{count} viewers", 0) == "0 viewers"
    assert _n("{count} viewer", "{count} viewers", 1234) == "1,234 viewers"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("fr", "fr"),
        ("fr-CA", "fr"),
        ("fr_CA.UTF-8", "fr"),
        ("de_DE@euro", "de"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("ZH-hans-sg", "zh-Hans"),
        ("en-GB", "en"),
        ("en-xa", PSEUDO),
        ("tlh", None),
        ("", None),
        ("../../x", None),
        ("f" * 10_000, None),
        ("-" * 10_000, None),
    ],
)
def test_a_language_is_known_by_its_tag_or_locale(wanted: str, found: str | None) -> None:
    assert known(wanted) == found


@pytest.mark.parametrize(
    ("accepted", "found"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("tlh, de;q=0.5, es;q=0.9", "es"),
        ("de;q=0, ar", "ar"),
        ("tlh", None),
        ("*", None),
        ("", None),
        ("fr;q=x, de;q=2, es;q=-1, ar;q=0.1", "ar"),
        (";;;,,,=q;", None),
        (",".join(["tlh"] * 500) + ",fr", None),
    ],
)
def test_the_language_that_a_browser_likes_best(accepted: str, found: str | None) -> None:
    assert negotiate(accepted) == found


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "de_DE"}, "de"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "es_ES"}, "es"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, None),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "tlh:ar:de"}, "ar"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "ar"}, None),
        ({"LANG": "tlh"}, None),
        ({}, None),
    ],
)
def test_the_language_of_a_process(environment: dict[str, str], found: str | None) -> None:
    assert of_environment(environment) == found


@pytest.mark.parametrize(
    ("language", "numbers"),
    [
        ("en", ("1,234.5", "1,234", "26%")),
        ("de", ("1.234,5", "1.234", "26\xa0%")),
        ("fr", ("1\u202f234,5", "1\u202f234", "26\xa0%")),
        ("zh-Hans", ("1,234.5", "1,234", "26%")),
    ],
)
def test_numbers_are_written_as_in_the_language(language: str, numbers: tuple[str, str, str]) -> None:
    with using(language):
        assert (number(1234.5, digits=1), number(1234), percent(0.257)) == numbers


def test_numbers_in_arabic_have_the_digits_of_addresses() -> None:
    with using("ar"):
        assert number(1234) == "1,234"
        assert "26" in percent(0.257)


def test_dates_are_written_as_in_the_language() -> None:
    when = datetime(2026, 11, 5, 14, 30, tzinfo=UTC)
    assert day(when, language="en") == "Nov 5, 2026"
    assert day(date(2026, 11, 5), "long", language="de") == "5. November 2026"
    assert day(when, "long", language="fr") == "5 novembre 2026"
    assert day(when, "long", language="es") == "5 de noviembre de 2026"
    assert day(when, language="zh-Hans") == "2026年11月5日"
    assert "نوفمبر" in day(when, "long", language="ar")
    assert "14:30" in moment(when, language="de")


def test_each_language_has_its_own_name() -> None:
    assert [name_of(tag) for tag in ("en", "fr", "de", "es", "ar")] == [
        "English",
        "Français",
        "Deutsch",
        "Español",
        "العربية",
    ]


def test_the_pseudo_language_leaves_what_is_no_word() -> None:
    said = pseudo("Type `serve` or --lan for {name} at rtsp://host/cam")
    for kept in ("`serve`", "--lan", "{name}", "rtsp://host/cam"):
        assert kept in said
    assert "Type" not in said
    assert translation("", None, 0, PSEUDO) == ""


def test_english_needs_no_babel() -> None:
    code = (
        "import sys; from relaycore.control.cli import main; main(['version', '--language', 'en']);"
        "sys.exit('babel' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=45).returncode == 0
