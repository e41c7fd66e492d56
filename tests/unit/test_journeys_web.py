"""Attempts to view over HTTP are counted exactly, and players in browsers add what only they see."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from relaycore import Relay, User
from relaycore.journeys import journeys as running
from relaycore.journeys import player
from relaycore.journeys.attempt import Attempt
from relaycore.journeys.counts import Counts, Group, fold_report
from relaycore.journeys.player import PlayerReport, Players, sid_of
from relaycore.journeys.report import Funnel, Question, ask
from relaycore.journeys.stages import ASKED_NOTHING, ASKS_WITHIN_NS
from relaycore.web import server, viewing
from relaycore.web.answers import Refused
from relaycore.web.lasting import IDLE_S
from relaycore.web.routes import Route
from relaycore.web.viewing import admit_viewer, begin_visit

ANNA = User(name="anna", password="open sesame", role="viewer")
SID = "6d1e6a1c-5f43-4a8e-9d1f-000000000001"
CMCD = {"CMCD": f'sid="{SID}",st=l'}
TIMEOUT_S = 10


async def _watch(request: web.Request) -> web.StreamResponse:
    """Shows a first picture, and stays until the session is ended."""
    viewer = await admit_viewer(request)
    async with await begin_visit(request, viewer, "hls") as visit:
        response = web.StreamResponse()
        await response.prepare(request)
        visit.handle.add(5)
        visit.handle.first_picture()
        await response.write(b"first")
        await visit.ended.wait()
    return response


async def _leave(request: web.Request) -> web.StreamResponse:
    """Begins a session and leaves at once."""
    viewer = await admit_viewer(request)
    async with await begin_visit(request, viewer, "mjpeg"):
        return web.Response(text="seen")


async def _hurry(request: web.Request) -> web.StreamResponse:
    """Begins a session, shows a picture, and finds out later that the client asks for nothing more."""
    viewer = await admit_viewer(request)
    async with await begin_visit(request, viewer, "hls") as visit:
        visit.handle.add(5)
        visit.handle.first_picture()
        visit.end(ASKED_NOTHING)
        return web.Response(text="seen")


async def _absent(request: web.Request) -> web.StreamResponse:
    """Finds out late that there is nothing to show."""
    await admit_viewer(request)
    raise Refused(406, "It cannot be shown so.")


HANDLERS = {"watch": _watch, "leave": _leave, "hurry": _hurry, "absent": _absent}


@pytest.fixture(autouse=True)
def _routes(monkeypatch: pytest.MonkeyPatch) -> None:
    more = [
        Route(
            method="GET",
            path=f"/{{path}}/{name}",
            name=name,
            summary="",
            access="open",
            handler=handler,
            answers={},
        )
        for name, handler in HANDLERS.items()
    ]
    monkeypatch.setattr(server, "ROUTES", [*more, *server.ROUTES])
    monkeypatch.setattr(viewing, "_MEANS", dict.fromkeys(HANDLERS, "hls") | {"leave": "mjpeg"})
    monkeypatch.setattr(running, "WATCHED_NS", 1)


class Browser:
    """A client of one relay."""

    def __init__(self, relay: Relay, http: aiohttp.ClientSession) -> None:
        self.relay = relay
        self.http = http

    def url(self, path: str) -> str:
        host, port = self.relay.address
        return f"http://{host}:{port}/{path}"

    async def get(self, path: str, login: str | None = None, **options: Any) -> int:
        headers = {"Authorization": aiohttp.encode_basic_auth("anna", login)} if login else {}
        async with self.http.get(self.url(path), headers=headers, **options) as answer:
            await answer.read()
            return answer.status

    async def watch(self, query: dict[str, str]) -> None:
        """Watches until the operator has seen enough."""
        headers = {"Authorization": aiohttp.encode_basic_auth("anna", ANNA.password)}
        async with self.http.get(self.url("cam/watch"), params=query, headers=headers) as answer:
            assert await answer.content.readexactly(5) == b"first"
            (session,) = self.relay.sessions()
            self.relay.kick(session.id)
            await answer.read()

    async def report(self, body: Any, path: str = "cam") -> int:
        async with self.http.post(self.url(f"{path}/journey"), json=body) as answer:
            await answer.read()
            return answer.status


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    chrome = (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"
    )
    async with (
        asyncio.timeout(TIMEOUT_S),
        Relay(port=0, users=[ANNA], basic=True, state_folder=str(tmp_path)) as relay,
        aiohttp.ClientSession(headers={"User-Agent": chrome}) as http,
    ):
        with relay.publish("cam"):
            yield Browser(relay, http)


def funnel(folder: Path, **question: str) -> Funnel:
    return ask(folder, Question(**question)).all  # type: ignore[arg-type]


def kept(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("journeys.sqlite*"))


def ended(found: Funnel) -> dict[tuple[str, str], int]:
    return {(stage.stage, cause.cause): cause.count for stage in found.stages for cause in stage.ended}


async def test_attempts_over_http_that_end_at_each_stage_are_counted_exactly(
    browser: Browser, tmp_path: Path
) -> None:
    assert await browser.get("cam/watch") == 401
    assert await browser.get("cam/watch", "guess") == 401
    assert await browser.get("none/watch", ANNA.password) == 404
    assert await browser.get("cam/leave", ANNA.password) == 200
    await browser.watch({})
    await browser.relay.aclose()
    found = funnel(tmp_path, client="Chrome")
    assert [stage.passed for stage in found.stages] == [5, 3, 3, 2, 2, 1, 1, 1, 1, 1]
    assert [stage.skipped for stage in found.stages] == [0, 3, *[0] * 8]
    assert ended(found) == {
        ("connected", "no credentials"): 1,
        ("connected", "wrong credentials"): 1,
        ("authorised", "not found"): 1,
        ("set_up", "client ended it"): 1,
    }
    report = ask(tmp_path, Question())
    assert {part.name: part.attempts for part in report.protocols} == {"hls": 4, "mjpeg": 1}
    assert {part.name: part.attempts for part in report.paths} == {"cam": 4, "": 1}
    assert report.all.playbacks is None


async def test_what_is_refused_late_and_who_leaves_without_a_word_are_counted_where_they_came_to(
    browser: Browser, tmp_path: Path
) -> None:
    assert ASKS_WITHIN_NS == IDLE_S * 1e9
    assert await browser.get("cam/absent", ANNA.password) == 406
    assert await browser.get("cam/hurry", ANNA.password) == 200
    await browser.relay.aclose()
    found = funnel(tmp_path)
    assert [stage.passed for stage in found.stages] == [2, 2, 2, 1, 1, 1, 1, 1, 0, 0]
    assert ended(found) == {
        ("authorised", "offer refused"): 1,
        ("first_key_frame", "client ended it"): 1,
    }


async def test_a_player_adds_what_it_saw(browser: Browser, tmp_path: Path) -> None:
    body = {"sid": SID, "stages": {"connected": 12.5}}
    assert await browser.report(body) == 404  # was not let in
    await browser.get("cam/watch", "guess", params=CMCD)
    assert await browser.report(body) == 404
    await browser.watch(CMCD)
    assert await browser.report(body, "other") == 404
    assert await browser.report(body) == 204
    whole = {
        "sid": SID,
        "stages": {"connected": 12.5, "first_key_frame": 80},
        "video_startup_time": 100,
        "playing_time": 9000,
        "rebuffering_count": 2,
        "rebuffering_time": 1000,
    }
    assert await browser.report(whole) == 204
    assert await browser.report({**whole, "end": "video_playback_failure", "error": "decode"}) == 204
    assert await browser.report(whole) == 404  # it has ended
    await browser.watch(CMCD)
    assert await browser.report({"sid": SID, "playing_time": 1000}) == 204
    await browser.relay.aclose()
    found = funnel(tmp_path, path="cam", client="Chrome", protocol="hls", transport="tcp")
    playbacks = found.playbacks
    assert playbacks is not None
    assert (playbacks.count, playbacks.video_playback_failures, playbacks.lost) == (2, 1, 1)
    assert (playbacks.playing_s, playbacks.rebuffering_count) == (10.0, 2)
    assert playbacks.rebuffering_ratio == pytest.approx(1 / 11, abs=1e-6)
    assert playbacks.video_startup_ms == pytest.approx(100, rel=0.06)
    assert [(error.cause, error.count) for error in playbacks.errors] == [("decode", 1)]
    assert [(seen.stage, seen.count) for seen in playbacks.stages] == [
        ("connected", 1),
        ("first_key_frame", 1),
    ]
    # What players say changes nothing of what the relay saw.
    assert (found.attempts, found.stages[-1].passed) == (2, 2)
    assert SID.encode() not in kept(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sid": "short"},
        {"sid": "x" * 65},
        {"sid": "a b" * 9},
        {},
        {"user": "anna"},
        {"stages": {"connected": -1}},
        {"stages": {"connected": 1e12}},
        {"stages": {"made up": 1}},
        {"stages": [1]},
        {"playing_time": "long"},
        {"playing_time": None},
        {"rebuffering_count": 1.5},
        {"rebuffering_count": 10**9},
        {"end": "exit_before_video_start", "video_startup_time": 1},
        {"error": "<script>"},
    ],
)
async def test_reports_that_are_not_right_are_refused_with_a_reason(
    browser: Browser, wrong: dict[str, Any]
) -> None:
    body = {"sid": SID, **wrong} if wrong else {}
    async with browser.http.post(browser.url("cam/journey"), json=body) as answer:
        assert answer.status == 422
        assert "not right" in (await answer.json())["error"]


async def test_what_is_no_report_is_refused(browser: Browser) -> None:
    url = browser.url("cam/journey")
    headers = {"Content-Type": "application/json"}
    for data, status in (
        (b"", 400),
        (b"\xff\xfe", 400),
        (b"[" * 4000, 400),
        (b" " * 5000, 413),
        (b"[]", 422),
        (b"NaN", 400),
    ):
        async with browser.http.post(url, data=data, headers=headers) as answer:
            assert answer.status == status, data[:9]
    async with browser.http.post(url, data=b"{}", headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 415


def test_whatever_is_in_a_report_is_taken_or_refused() -> None:
    """Random bodies made of right and wrong parts end in a report or in a reason, never otherwise."""
    chance = random.Random(7)
    values: list[Any] = [
        None,
        True,
        -1,
        0,
        1.5,
        1e308,
        2**70,
        "",
        "ended",
        SID,
        [],
        {},
        {"connected": 3},
        "\ud800x",
    ]
    fields = [*PlayerReport.__struct_fields__, "other", ""]
    taken = 0
    refused = 0
    for _ in range(5000):
        body = {name: chance.choice(values) for name in chance.sample(fields, chance.randrange(len(fields)))}
        if chance.random() < 0.7:
            body["sid"] = SID
        try:
            report = msgspec.convert(msgspec.json.decode(json.dumps(body)), PlayerReport)
        except msgspec.DecodeError:
            refused += 1
            continue
        taken += 1
        counts = Counts()
        fold_report(counts, Group("2026-01-01", "cam", "Chrome", "webrtc", "udp"), report)
        assert all(0 < count <= player.MOST_MS for sums in counts.values() for count in sums.values())
    assert min(taken, refused) > 100


@pytest.mark.parametrize(
    ("query", "headers", "sid"),
    [
        (CMCD, {}, SID),
        ({"CMCD": f'br=3200,sid="{SID}"'}, {}, SID),
        ({"CMCD": f"sid%3D%22{SID}%22"}, {}, SID),
        ({}, {"CMCD-Session": f'cid="cam", sid="{SID}"'}, SID),
        ({}, {}, None),
        ({"CMCD": 'sid="short"'}, {}, None),
        ({"CMCD": f"sid={SID}"}, {}, None),
        ({"CMCD": f'sid="{"x" * 100}"'}, {}, None),
        ({"CMCD": f'asid="{SID}"'}, {}, None),
    ],
)
def test_the_id_of_a_player_in_a_request(
    query: dict[str, str], headers: dict[str, str], sid: str | None
) -> None:
    assert sid_of(query, headers) == sid


def test_players_who_are_too_many_or_silent_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "MOST_PLAYERS", 3)
    now = 1
    monkeypatch.setattr(player, "now_ns", lambda: now)
    told: list[PlayerReport] = []
    players = Players(lambda _, report: told.append(report))

    def attempt(path: str = "cam") -> Attempt:
        return Attempt(path, "webrtc", user_agent=None, secure=False, tell=lambda *_: None)

    def sid(number: int) -> str:
        return f"{number:016}"

    for number in range(4):
        players.expect(sid(number), attempt())
        players.take("cam", PlayerReport(sid=sid(number), rebuffering_count=number))
    assert [report.sid for report in told] == [sid(0)]
    assert not players.take("cam", PlayerReport(sid=sid(0)))
    now += player.SILENT_NS
    players.expect(sid(9), attempt())
    assert [report.sid for report in told] == [sid(0), sid(1), sid(2), sid(3)]
    # Over another protocol the playback goes on; at another path it is a new one.
    players.take("cam", PlayerReport(sid=sid(9), rebuffering_count=5))
    players.expect(sid(9), attempt())
    players.close()
    assert told[-1].rebuffering_count == 5
