"""Data protocols: what is on record of a path, who may read it, and how it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest

from relaycore import (
    CameraSettings,
    Config,
    LedgerSettings,
    MaskSettings,
    PathSettings,
    Relay,
    Track,
    User,
)
from relaycore.control.cli import main
from relaycore.http_digest import HttpDigest
from relaycore.privacy.page import notice_page, record_page
from relaycore.privacy.record import fields_of, protocol_of, protocols_of
from relaycore.settings import ProtocolSettings, RetentionSettings, TlsSettings
from tests.support.rtsp import Client

EVIL = '<script>alert("x")</script> & \'"'
YARD = ProtocolSettings(
    responsible="Crane Ltd",
    contact="privacy@crane.example",
    legal_basis="legitimate interest",
    subjects="workers",
    recipients=["the guard", "the police on request"],
    transfers="none",
    kept="24 hours in the recorder",
    measures="a locked room",
    notice=True,
)
CONFIG = Config(
    cameras={"yard": CameraSettings(masks=[MaskSettings(rectangle=[0, 0, 1, 1])])},
    paths={
        "yard": PathSettings(purpose="safety of the crane", protocol=YARD),
        "door": PathSettings(source="rtsp://anna:hunter2@camera/1"),
    },
    ledger=LedgerSettings(enabled=True, retention=RetentionSettings(session=1, refusal=0)),
    tls=TlsSettings(required=True),
)


def test_what_is_set_and_what_follows_from_the_configuration_is_on_record() -> None:
    found = protocol_of(CONFIG, "yard")
    assert (found.purpose, found.recipients, found.notice) == ("safety of the crane", YARD.recipients, True)
    assert {kept.what: kept.time for kept in found.kept}.items() >= {
        ("pictures and sound, by those who get them", "24 hours in the recorder"),
        ("who watched or published, with their network", "1 day"),
        ("who was refused, with their network", "for ever"),
        ("who changed settings or read the record", "365 days"),
    }
    assert found.measures == [
        "1 part of the picture is hidden by privacy masks",
        "connections are encrypted",
        "it is on record who watches",
        "a locked room",
    ]
    assert all(text for _, text in fields_of(found))


def test_every_path_has_one_and_a_rendition_that_of_its_source() -> None:
    assert [found.path for found in protocols_of(CONFIG)] == ["door", "yard"]
    assert protocol_of(CONFIG, "yard/h264").responsible == "Crane Ltd"
    plain = protocol_of(Config(), "any")
    assert (plain.responsible, plain.measures, plain.notice) == ("", [], False)
    assert [kept.what for kept in plain.kept] == ["pictures and sound"]


class Elements(HTMLParser):
    """The names of all elements, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        assert not {"src", "href"} & {name for name, _ in attrs}, "nothing is fetched"

    def handle_data(self, data: str) -> None:
        self.text += data


def test_what_somebody_wrote_is_only_ever_text() -> None:
    protocol = ProtocolSettings(responsible=EVIL, recipients=[EVIL])
    config = Config(paths={"a": PathSettings(purpose=EVIL, protocol=protocol)})
    for page in (record_page(protocols_of(config)), notice_page(protocol_of(config, "a"))):
        elements = Elements(page)
        assert "script" not in elements.names
        assert elements.text.count(EVIL) == 3
    assert "Record of processing" in record_page([])


FILE = """
[cameras.yard]
camera = "pattern"
[paths.yard]
purpose = "safety"
[paths.yard.protocol]
responsible = "Crane Ltd"
notice = true
[paths.door]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "relaycore.toml"
    found.write_text(FILE)
    return found


def test_the_report_is_a_table_json_or_a_page(
    file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["report", "protocol", str(file)]) == 0
    output = capsys.readouterr().out
    assert re.search(r"Responsible\s+│ Crane Ltd", output)
    assert output.count("not set") > 5
    assert main(["report", "protocol", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["paths"]
    assert [(path["path"], path["purpose"]) for path in found] == [("door", ""), ("yard", "safety")]
    page = tmp_path / "record.html"
    assert main(["report", "protocol", str(file), "--html", str(page)]) == 0
    assert "Crane Ltd" in Elements(page.read_text(encoding="utf-8")).text
    assert main(["report", "protocol", str(file), "--html", str(tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert main(["report", "protocol", str(tmp_path / "none.toml")]) == 2


def test_check_shows_protocols(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(file)]) == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    assert ["yard", "Crane Ltd", "safety", "", "everybody"] in rows


PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")
"""Parameter sets of a 64x48 picture, without which there is no description to give."""

ANNA = User(name="anna", password="open sesame")


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    paths = {
        "house/yard": PathSettings(purpose=EVIL, protocol=YARD),
        "inside": PathSettings(protocol=ProtocolSettings(responsible="Crane Ltd")),
    }
    async with Relay(port=0, users=[ANNA], paths=paths) as relay:
        yield relay


async def get(relay: Relay, path: str, user: User | None = None) -> tuple[int, Mapping[str, str], str]:
    host, port = relay.address
    logins = () if user is None else (HttpDigest(user.name, user.password),)
    async with (
        aiohttp.ClientSession(middlewares=logins) as http,
        http.get(f"http://{host}:{port}{path}") as response,
    ):
        return response.status, response.headers, await response.text()


async def test_everybody_may_read_a_notice(relay: Relay) -> None:
    status, headers, text = await get(relay, "/api/v1/paths/house/yard/protocol")
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert json.loads(text)["responsible"] == "Crane Ltd"
    status, headers, text = await get(relay, "/house/yard/notice")
    assert status == 200
    assert headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    page = Elements(text)
    assert not {"script", "style", "img", "form"} & page.names
    assert EVIL in page.text


@pytest.mark.parametrize("path", ["inside", "nowhere", "bad%20path", "..%2fx"])
async def test_no_other_is_told_to_strangers_nor_whether_there_is_one(relay: Relay, path: str) -> None:
    for target in (f"/api/v1/paths/{path}/protocol", f"/{path}/notice"):
        status, headers, text = await get(relay, target)
        assert status == 401
        assert "Digest" in headers["WWW-Authenticate"]
        assert "Crane" not in text
        assert (await get(relay, target, ANNA))[0] == (200 if path == "inside" else 404)


async def description(relay: Relay, path: str) -> list[str]:
    """The lines of the description of a stream, up to its tracks."""
    client = await Client.connect(relay.urls(path)[0])
    async with client:
        found = await client.request("DESCRIBE", headers={"Accept": "application/sdp"})
    return found.body.decode().split("m=")[0].splitlines()


async def test_readers_are_told_before_they_watch(relay: Relay) -> None:
    await relay.reload(Config(port=0, paths=dict(relay.paths)))
    tracks = [Track.h264(PARAMETERS)]
    with relay.publish("house/yard", tracks), relay.publish("inside", tracks):
        lines = await description(relay, "house/yard")
        host, port = relay.address
        at = lines.index("s=house/yard")
        assert lines[at + 1] == f"i={EVIL}"
        assert lines[at + 2] == f"u=http://{host}:{port}/house/yard/notice"
        assert (await get(relay, lines[at + 2].partition(f":{port}")[2]))[0] == 200
        assert not [line for line in await description(relay, "inside") if line[0] in "iu"]
        await relay.set_path("inside", PathSettings(purpose="safety"))
        told = [line for line in await description(relay, "inside") if line[0] in "iu"]
        assert told == ["i=safety"]


async def test_a_notice_changes_with_the_settings(relay: Relay) -> None:
    await relay.set_path("inside", PathSettings(protocol=YARD))
    assert (await get(relay, "/inside/notice"))[0] == 200
    await relay.remove_path("house/yard")
    assert (await get(relay, "/house/yard/notice"))[0] == 401
