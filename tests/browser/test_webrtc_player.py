"""What the player makes of WHEP, whatever a server answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.heard import SILENCE_DB, loudest_db
from tests.browser.playing import LIMIT_MS, NOTE_NEXT, NOTE_PLAYING, player_in, plays_by
from tests.browser.seen import wait_for_picture
from tests.browser.stand_in import StandIn, stand_in
from tests.browser.whep import WHEP
from tests.support.server import Server

COLOUR = """(video) => {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}"""


@pytest.fixture
def between(relay: Server, site: str) -> Iterator[StandIn]:
    with stand_in(site, relay.url) as server:
        server.offers = ["webrtc", "mjpeg"]
        yield server


def test_it_plays_and_takes_leave(page: Page, between: StandIn) -> None:
    page.add_init_script(WHEP)
    page.goto(f"{between.site}/cam")
    player = player_in(page)
    video = plays_by(player, "webrtc")
    red, green, blue = video.evaluate(COLOUR)
    assert blue > 150 > max(red, green)
    player.get_by_role("button", name="Delay and quality").click()
    expect(player.locator("dl.figures")).to_contain_text("WebRTC", timeout=LIMIT_MS)
    player.get_by_role("button", name="Stop").click()
    page.wait_for_function("whep.asked.includes('DELETE')", timeout=LIMIT_MS)
    assert page.evaluate("whep.asked") == ["POST", "DELETE"]


@pytest.mark.parametrize(
    "lie",
    ["whep.status = 500", "whep.status = 406", "whep.sendsVideo = false"],
    ids=["an error", "not acceptable", "no video"],
)
def test_another_way_is_taken_where_there_is_no_picture(page: Page, between: StandIn, lie: str) -> None:
    page.add_init_script(WHEP + lie)
    page.goto(f"{between.site}/cam")
    wait_for_picture(plays_by(player_in(page), "mjpeg"))


def test_it_begins_again_when_the_connection_is_gone(page: Page, between: StandIn) -> None:
    """As after a loss of the network: nothing says goodbye."""
    page.add_init_script(WHEP)
    page.goto(f"{between.site}/cam")
    player = player_in(page)
    plays_by(player, "webrtc")
    player.evaluate(NOTE_PLAYING)
    page.evaluate("whep.end.close()")
    assert player.evaluate(NOTE_NEXT) == "webrtc"
    assert page.evaluate("whep.asked") == ["POST", "DELETE", "POST"]


def test_another_way_is_taken_for_the_sound_once_that_is_on(page: Page, between: StandIn) -> None:
    between.offers = ["webrtc", "mse", "mjpeg"]
    page.add_init_script(WHEP)
    page.goto(f"{between.site}/cam")
    player = player_in(page)
    plays_by(player, "webrtc")
    player.get_by_role("button", name="Turn sound on").click()
    video = plays_by(player, "mse")
    assert not video.evaluate("(video) => video.muted")
    assert loudest_db(video) > SILENCE_DB + 30
