"""What is reported of journeys: the same exact numbers in the terminal, on the page and over HTTP."""

from __future__ import annotations

import json
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import msgspec
import pytest

from relaycore import Relay, User
from relaycore.control.cli import main
from relaycore.journeys.counts import NO_PATH, UNCOUNTED, Counts, Group, Name
from relaycore.journeys.histogram import bucket_of
from relaycore.journeys.page import report_page
from relaycore.journeys.report import Question, ask
from relaycore.journeys.stages import STAGES
from relaycore.journeys.store import Store
from tests.support.rtsp import Client

EVIL = '<script>alert("x")</script>'


def counts_of(group: Group, passed: list[int], ended: dict[tuple[str, str], int]) -> Counts:
    """So many attempts that passed each stage, each in 20 ms."""
    counts = Counts()
    for stage, number in zip(STAGES, passed, strict=True):
        counts[group][Name(stage, "passed")] = number
        counts[group][Name(stage, "took", str(bucket_of(20_000_000)))] = number
    counts[group][Name("first_key_frame", "startup", str(bucket_of(90_000_000)))] = passed[7]
    for (stage, cause), number in ended.items():
        counts[group][Name(stage, "ended", cause)] = number
    return counts


def fill(folder: Path) -> None:
    store = Store(folder)
    vlc = Group("2026-03-01", "yard", "VLC", "rtsp", "udp")
    store.add(
        counts_of(
            vlc,
            [10, 10, 9, 9, 9, 8, 7, 6, 5, 4],
            {
                ("connected", "no credentials"): 1,
                ("set_up", "client closed the connection"): 1,
                ("playing", "stream ended"): 1,
                ("first_packet", "silent"): 1,
                ("first_key_frame", "client ended it"): 1,
                ("watched", "silent"): 1,
            },
        )
    )
    lost = Group("2026-03-02", NO_PATH, "FFmpeg", "rtsps", "")
    store.add(counts_of(lost, [3, 3, 3, *[0] * 7], {("authorised", "not found"): 3}))
    evil = Group("2026-03-02", EVIL, "FFmpeg", "rtsps", "tcp")
    store.add(counts_of(evil, [2] * 10, {}))
    left_out = Counts()
    left_out[Group("2026-03-02", NO_PATH, "", "", "")][Name("connected", UNCOUNTED)] = 7
    store.add(left_out)
    store.close()


def test_each_stage_has_its_count_its_median_and_the_causes_of_ends(tmp_path: Path) -> None:
    fill(tmp_path)
    report = ask(tmp_path, Question())
    assert (str(report.since), str(report.until), report.uncounted) == ("2026-03-01", "2026-03-02", 7)
    assert [stage.passed for stage in report.all.stages] == [15, 15, 14, 11, 11, 10, 9, 8, 7, 6]
    assert report.all.attempts == 15
    assert (report.all.start_failures, report.all.exits_before_start, report.all.refused) == (5, 1, 1)
    assert report.all.startup_ms == pytest.approx(90, rel=0.06)
    assert report.all.stages[4].median_ms == pytest.approx(20, rel=0.06)
    assert [(cause.cause, cause.count) for cause in report.all.stages[2].ended] == [("not found", 3)]
    assert {funnel.name: funnel.attempts for funnel in report.paths} == {"yard": 10, NO_PATH: 3, EVIL: 2}
    assert [funnel.name for funnel in report.clients] == ["VLC", "FFmpeg"]
    assert [(funnel.name, funnel.attempts) for funnel in report.days] == [
        ("2026-03-01", 10),
        ("2026-03-02", 5),
    ]
    some = ask(tmp_path, Question(client="FFmpeg", transport="tcp"))
    assert [stage.passed for stage in some.all.stages] == [2] * 10
    assert some.uncounted == 0


def test_of_many_paths_those_with_most_attempts_are_reported(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(130):
        group = Group(f"2026-{number // 28 + 1:02}-{number % 28 + 1:02}", f"path{number}", "VLC", "rtsp", "")
        attempts = 1000 if number == 7 else number
        counts = Counts()
        counts[group][Name("connected", "passed")] = attempts
        store.add(counts)
    store.close()
    report = ask(tmp_path, Question())
    assert report.all.attempts == sum(range(130)) - 7 + 1000
    assert [part.name for part in report.paths] == [
        "path7",
        *(f"path{number}" for number in range(129, 30, -1)),
    ]
    assert [part.attempts for part in report.paths] == [1000, *range(129, 30, -1)]
    assert [part.attempts for part in report.days] == list(range(30, 130))


def test_where_nothing_was_counted_there_is_nothing_to_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = ask(tmp_path, Question())
    assert report.all.attempts == 0
    assert report.since is None
    assert "nothing was counted" in report_page(Question(), report)
    assert main(["report", "journeys", "--state-folder", str(tmp_path)]) == 0
    assert "No attempt" in capsys.readouterr().out


def test_the_terminal_shows_the_funnel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path)
    command = ["report", "journeys", "--state-folder", str(tmp_path)]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if "│ authorised " in line)
    assert [cell.strip() for cell in line.split("│")[1:-1]][:4] == ["authorised", "14", "93 %", "3"]
    assert "not found 3" in line
    assert main([*command, "--by", "client"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if "│ VLC " in line)
    assert [cell.strip() for cell in line.split("│")[2:12]] == [
        "10",
        "10",
        "9",
        "9",
        "9",
        "8",
        "7",
        "6",
        "5",
        "4",
    ]
    assert main([*command, "--json", "--since", "2026-03-02"]) == 0
    assert json.loads(capsys.readouterr().out)["all"]["attempts"] == 5
    assert main([*command, "--since", "yesterday"]) == 2
    assert "2026-01-31" in capsys.readouterr().err
    assert main([*command, "--by", "person"]) == 2


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.urls: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.urls += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_runs_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    page = tmp_path / "journeys.html"
    assert main(["report", "journeys", "--state-folder", str(tmp_path), "--html", str(page)]) == 0
    found = Elements()
    found.feed(page.read_text(encoding="utf-8"))
    assert "svg" in found.names
    assert not found.names & {"script", "link", "img", "iframe", "object"}
    assert not found.urls
    assert EVIL in found.text
    assert all(number in found.text for number in ("14 · 93 % · 3 ended here", "not found 3", "(not there)"))


async def test_the_api_gives_the_same_numbers_to_whoever_may_look(tmp_path: Path) -> None:
    fill(tmp_path)
    users = [User(name="anna", password="open sesame", role="viewer")]
    login = {"Authorization": aiohttp.encode_basic_auth("anna", "open sesame")}
    async with Relay(port=0, users=users, basic=True, state_folder=str(tmp_path)) as relay:
        host, port = relay.address
        client = await Client.connect(f"rtsp://{host}:{port}/nowhere")
        assert (await client.request("DESCRIBE")).status == 401
        url = f"http://{host}:{port}/api/v1/journeys"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            assert answer.status == 401
        async with aiohttp.ClientSession(headers=login) as http:
            async with http.get(url) as answer:
                found = await answer.json()
            assert answer.status == 200
            for query in ("since=yesterday", "path=a&path=b", "who=anna"):
                async with http.get(f"{url}?{query}") as answer:
                    assert answer.status == 400
        await client.close()
    before = ask(tmp_path, Question(until=date(2026, 3, 2)))
    assert found == msgspec.to_builtins(before)
    assert ask(tmp_path, Question()).all.attempts == 16


async def test_a_relay_that_counts_nothing_says_so() -> None:
    async with Relay(port=0, anonymous=True) as relay, aiohttp.ClientSession() as http:
        host, port = relay.address
        async with http.get(f"http://{host}:{port}/api/v1/journeys") as answer:
            assert answer.status == 404
            assert "state_folder" in (await answer.json())["error"]
