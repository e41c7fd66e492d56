"""Nothing is forgotten: every language has every text, and what a person is shown comes from the catalogues.

The pseudo-language is English with accents: plain letters that are left over are of a text that no catalogue
has.
"""

from __future__ import annotations

import argparse
import html
import logging
import re
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from relaycore import Relay, Track
from relaycore.control.cli import _COMMANDS, _parser, main
from relaycore.control.config import read_config
from relaycore.errors import ConfigurationError, PathError
from relaycore.language import PSEUDO, Message, shown, using
from relaycore.language.catalogues import file_of, tags
from relaycore.language.message import PLACE, translation
from relaycore.language.pseudo import CLOSE, OPEN
from relaycore.settings import Config, PathSettings, ProtocolSettings
from relaycore.web.server import ROUTES
from scripts.messages import PACKAGE, faults_of, found_in, read

SAME_IN_ALL = frozenset(
    {"relaycore", "lavfi", "graph", "h264", "pattern", "rtsp", "rtsps", "http", "https", "ffplay", "ffmpeg"}
)
"""Names that stay as they are."""


TYPED = frozenset(
    {"steady", "auditor", "operator", "publisher", "viewer", "administrator", "ledger", "sqlite", "json"}
)
"""What a person types, or reads as the name of a file."""


def plain_words(text: str) -> list[str]:
    """Words of English outside of what the pseudo-language has accents for, values and code."""
    text = re.sub(r"`[^`]*`|https?://\S+|rtsps?://\S+|--?[\w-]+|\{[^}]*\}|'[^']*'|\"[^\"]*\"", " ", text)
    return [word for word in re.findall(r"[A-Za-z]{3,}", text) if not word.isupper() and word != "WxH"]


@pytest.mark.parametrize("tag", tags())
def test_a_language_has_every_text(tag: str) -> None:
    assert list(faults_of(tag, read(file_of(tag), tag), found_in(PACKAGE))) == []


def test_there_are_the_languages_that_were_promised() -> None:
    assert {"ar", "de", "es", "fr", "zh-Hans"} <= set(tags())


def test_a_plural_in_arabic_has_its_six_forms() -> None:
    said = [translation("{count} reader", "{count} readers", count, "ar") for count in (0, 1, 2, 3, 11, 100)]
    assert len(set(said)) == 6
    assert not PLACE.search(said[1])  # one has a word of its own


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from parsers(sub)


def test_help_comes_from_the_catalogues() -> None:
    with using(PSEUDO):
        everything = list(parsers(_parser()))
        assert len(everything) > len(_COMMANDS)
        for parser in everything:
            text = parser.format_help()
            usage, _, rest = text.partition("\n\n")
            assert usage.startswith(OPEN)
            names = {action.dest for action in parser._actions}
            for action in parser._actions:
                if isinstance(action, argparse._SubParsersAction):
                    names |= set(action.choices)
            left = [word for word in plain_words(rest) if word not in names | SAME_IN_ALL]
            assert [word for word in left if word not in TYPED | kinds()] == [], parser.prog


def kinds() -> set[str]:
    """Values that a person types, which stand in help as they are typed."""
    from relaycore.bench.profiles import PROFILES
    from relaycore.journeys.report import DIMENSIONS
    from relaycore.ledger.records import KINDS

    return {*PROFILES, *DIMENSIONS, *KINDS, *(part for name in PROFILES for part in re.split("[-_]", name))}


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--no-such-option"],
        ["serve", "--port", "many"],
        ["serve", "--port"],
        ["serve", "--lan", "--host", "::1"],
        ["no-such-command"],
        ["check", "/no/such/file.toml"],
        ["user", "role", "nobody"],
        ["bench", "run", "rtsp://127.0.0.1/x", "--profile", "nothing"],
        ["reload", "a.toml", "--against", "b.toml"],
        ["share"],
        ["audit", "list", "--limit", "x"],
        ["report", "journeys", "--by", "nothing"],
    ],
)
def test_mistakes_on_the_command_line_come_from_the_catalogues(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(
            [*arguments, "--language", PSEUDO]
            if arguments[0] != "no-such-command"
            else ["--language", PSEUDO, *arguments]
        )
        == 2
    )
    said = capsys.readouterr().err.removeprefix("relaycore: ")
    assert OPEN in said
    assert CLOSE in said


CONFIGURATIONS = [
    'port = "x"',
    "colour = 1",
    "[paths.a]\nforward = [1]",
    '[paths.a]\nsource = "rtsp://127.0.0.1:8554/a"',
    "[limits]\nno_such_limit = 3",
    '[cameras.a]\nsize = "large"',
    '[[users]]\nname = "anna"\npassword = "x"\n[[users]]\nname = "anna"\npassword = "y"',
    '[paths."a b"]\nread = true',
    "users = 3",
    "language = 'tlh'",
]


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_mistakes_of_a_configuration_come_from_the_catalogues(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_config(text, "x.toml")
    english, said = str(caught.value), shown(caught.value, PSEUDO)
    assert english != said
    words = set(plain_words(english)) & set(plain_words(said))
    assert words <= set(re.findall(r"[A-Za-z]+", text)) | {"toml", "tlh"} | _settings()


def _settings() -> set[str]:
    """Names of settings and limits, which are the same in all languages."""
    return {
        part
        for name in (*Config.__struct_fields__, *PathSettings.__struct_fields__)
        for part in name.split("_")
    } | {part for name in __import__("relaycore")._relaycore.limits() for part in name[0].split("_")}


PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")


@pytest.fixture
async def base() -> AsyncIterator[str]:
    async with Relay(
        port=0,
        anonymous=True,
        paths={"own": PathSettings(protocol=ProtocolSettings(responsible="X", notice=True))},
    ) as relay:
        with relay.publish("own", [Track.h264(PARAMETERS)]):
            host, port = relay.address
            yield f"http://{host}:{port}"


def pages() -> list[str]:
    """The addresses of all pages."""
    return [
        route.path.replace("{path}", "own")
        for route in ROUTES
        if route.method == "GET"
        and any(answer.media_type == "text/html" for answer in route.answers.values())
    ]


async def test_pages_come_from_the_catalogues(base: str) -> None:
    assert "/" in pages()
    async with aiohttp.ClientSession() as http:
        for address in pages():
            async with http.get(f"{base}{address}?language={PSEUDO}", allow_redirects=False) as response:
                text = await response.text()
                if response.status != 200 or response.content_type != "text/html":
                    continue
            assert f'<html lang="{PSEUDO}" dir="ltr"' in text, address
            text = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
            # Names of languages are in those languages.
            text = re.sub(r'<(a|option)\b[^>]*\blang="[^>]*>[^<]*</\1>', " ", text)
            spoken = [
                html.unescape(found) for found in re.findall(r'(?:title|aria-label|alt)="([^"]*)"', text)
            ]
            spoken.append(html.unescape(re.sub(r"<[^>]*>", " ", text)))
            left = [word for said in spoken for word in plain_words(said)]
            assert [word for word in left if word not in SAME_IN_ALL | {"own"}] == [], address


async def test_refusals_come_from_the_catalogues(base: str) -> None:
    async with aiohttp.ClientSession(headers={"Accept-Language": PSEUDO}) as http:
        for method, address in (
            ("GET", "/api/v1/nothing"),
            ("GET", "/api/v1/streams/nothing"),
            ("POST", "/api/v1/streams"),
            ("GET", "/nothing/notice"),
            ("DELETE", "/api/v1/paths/x"),
            ("GET", "/api/v1/ledger/records"),
            ("GET", "/static/texts.tlh.json"),
        ):
            async with http.request(method, base + address) as response:
                if response.status < 400:
                    continue
                found = await response.json()
                assert found["error"].startswith(OPEN), (method, address, found)


def test_logs_stay_english_whoever_is_spoken_to(caplog: pytest.LogCaptureFixture) -> None:
    error = PathError(Message("There is no stream at {path}.", path="cam"))
    with using("de"):
        logging.getLogger("relaycore.test").warning("refused: %s", error)
        assert shown(error) == "Auf cam gibt es keinen Stream."
    assert "refused: There is no stream at cam." in caplog.text


def test_the_program_speaks_the_language_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE", "RELAYCORE_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert main(["check", "nothing.toml"]) == 2
    assert "gibt es nicht" in capsys.readouterr().err
    monkeypatch.setenv("RELAYCORE_LANGUAGE", "es")
    assert main(["check", "nothing.toml"]) == 2
    assert "no existe" in capsys.readouterr().err
    assert main(["check", "nothing.toml", "--language", "fr"]) == 2
    assert "existe pas" in capsys.readouterr().err
    assert main(["check", "nothing.toml", "--language", "tlh"]) == 2
    assert "tlh" in capsys.readouterr().err
