"""Each way from the relay into the browser: the right picture, the right sound, and on after a restart."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, Request

from tests.browser.heard import SILENCE_DB, loudest_db
from tests.browser.playing import NOTE_NEXT, NOTE_PLAYING, only, player_in, plays_by
from tests.browser.publisher import Publisher
from tests.browser.seen import next_picture, wait_for_picture
from tests.browser.watch import Trouble
from tests.support.server import Server

TRANSPORTS = ("webrtc", "mse", "hls", "mjpeg")
"""From the fastest down; all that the relay has."""

WITH_SOUND = ("webrtc", "mse", "hls")

ADDRESSES = {"webrtc": "whep", "mse": "ws", "hls": "index.m3u8", "mjpeg": "mjpeg"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_right_picture_moves_on(page: Page, site: str, transport: str) -> None:
    only(page, transport)
    page.goto(f"{site}/cam")
    media = plays_by(player_in(page), transport)
    seen = wait_for_picture(media)
    assert seen.wrong_bars() == []
    for _ in range(3):
        following = next_picture(media, seen)
        assert following.counter > seen.counter
        assert following.taken_ms > seen.taken_ms
        seen = following


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_it_goes_on_when_the_publisher_has_come_again(
    page: Page, site: str, relay: Server, trouble: Trouble, transport: str
) -> None:
    trouble.expect("/live", "Failed to load resource")
    only(page, transport)
    with Publisher(relay, "live") as publisher:
        page.goto(f"{site}/live")
        before = wait_for_picture(plays_by(player_in(page), transport))
        publisher.stop()
        publisher.start()
        seen = before
        # What is shown at last was taken after the restart: before it, no more than a second was on its way.
        while seen.taken_ms < before.taken_ms + 3000:
            seen = next_picture(plays_by(player_in(page), transport), seen)
        assert seen.wrong_bars() == []


@pytest.mark.parametrize("transport", WITH_SOUND)
def test_the_tone_is_heard_once_sound_is_on(page: Page, site: str, transport: str) -> None:
    only(page, transport)
    page.goto(f"{site}/cam")
    player = player_in(page)
    media = plays_by(player, transport)
    player.get_by_role("button", name="Turn sound on").click()
    assert loudest_db(media) > SILENCE_DB + 30


@pytest.mark.parametrize(("blocked", "used"), list(pairwise(TRANSPORTS)))
def test_the_next_is_used_where_the_better_one_is_blocked(
    page: Page, site: str, trouble: Trouble, blocked: str, used: str
) -> None:
    trouble.expect("net::ERR", "Failed to load resource", "WebSocket connection")
    only(page, blocked, used)
    address = f"{site}/cam/{ADDRESSES[blocked]}*"
    page.route(address, lambda route: route.abort())
    page.route_web_socket(address.replace("http", "ws"), lambda socket: socket.close())
    page.goto(f"{site}/cam")
    player = player_in(page)
    wait_for_picture(plays_by(player, used))
    player.evaluate(NOTE_PLAYING)
    page.unroute_all()
    page.evaluate("dispatchEvent(new Event('online'))")
    if blocked != "mse":  # Playwright cannot let go of the addresses of WebSockets.
        assert player.evaluate(NOTE_NEXT) == blocked
        wait_for_picture(plays_by(player, blocked))


def test_what_only_the_browser_sees_is_reported(page: Page, site: str) -> None:
    reports: list[dict[str, Any]] = []

    def keep(request: Request) -> None:
        if request.url.endswith("/cam/journey"):
            assert request.post_data is not None
            reports.append(json.loads(request.post_data))

    page.on("request", keep)
    with page.expect_response("**/cam/journey") as first:
        page.goto(f"{site}/cam")
    assert first.value.status == 204
    with page.expect_response("**/cam/journey") as last:
        player_in(page).get_by_role("button", name="Stop").click()
    assert last.value.status == 204
    began, ended = reports
    assert "end" not in began
    assert 0 < began["video_startup_time"] == ended["video_startup_time"]
    assert ended["end"] == "ended"
    assert ended["sid"] == began["sid"]
    assert ended["playing_time"] > 0
