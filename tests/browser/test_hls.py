"""HTTP Live Streaming in a page without scripts: Chromium plays it by itself."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.heard import SILENCE_DB, loudest_db
from tests.browser.seen import next_picture, wait_for_picture


def test_a_video_element_plays_pictures_and_sound(page: Page, site: str) -> None:
    markup = (
        '<!doctype html><html lang="en"><title>x</title>'
        '<video id="v" src="/cam/index.m3u8" muted autoplay playsinline></video>'
    )
    page.route("**/made-up", lambda route: route.fulfill(body=markup, content_type="text/html"))
    page.goto(f"{site}/made-up", wait_until="commit")
    video = page.locator("#v")
    first = wait_for_picture(video)
    assert first.pixels.shape == (360, 640, 3)
    assert first.wrong_bars() == []
    assert next_picture(video, first).counter > first.counter
    video.evaluate("(video) => { video.muted = false; }")
    assert loudest_db(video) > SILENCE_DB + 30
