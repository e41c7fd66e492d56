"""The eyes and ears of the tests see and hear what is there, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Route

from tests.browser.barriers import barriers
from tests.browser.film import make_film
from tests.browser.heard import SILENCE_DB, loudest_db
from tests.browser.seen import next_picture, wait_for_picture
from tests.browser.watch import Trouble

PAGE = '<!doctype html><html lang="en"><title>film</title><video id="v" src="/film.mp4" muted></video>'


def show(page: Page, site: str, film: Path) -> None:
    """A page of the relay's origin that plays a film."""

    def answer(route: Route) -> None:
        if route.request.url.endswith("/film.mp4"):
            route.fulfill(path=film, content_type="video/mp4")
        else:
            route.fulfill(body=PAGE, content_type="text/html")

    page.route(f"{site}/film**", answer)
    page.goto(f"{site}/film")
    page.locator("#v").evaluate("(video) => { video.loop = true; return video.play(); }")


def test_a_relay_answers_a_browser(page: Page, site: str) -> None:
    answer = page.goto(f"{site}/")
    assert answer is not None
    assert answer.status == 200
    assert barriers(page) == []


def test_pictures_and_sound_of_a_film_are_known(page: Page, site: str, tmp_path: Path) -> None:
    show(page, site, make_film(tmp_path / "film.mp4"))
    video = page.locator("#v")
    first = wait_for_picture(video)
    assert first.pixels.shape == (360, 640, 3)
    assert first.wrong_bars() == []
    assert first.taken_ms == first.counter * 40
    second = next_picture(video, first)
    assert second.counter != first.counter
    video.evaluate("(video) => { video.muted = false; }")
    assert loudest_db(video) > SILENCE_DB + 30


def test_silence_and_other_pictures_are_known(page: Page, site: str, tmp_path: Path) -> None:
    show(page, site, make_film(tmp_path / "film.mp4", sound=False))
    video = page.locator("#v")
    seen = wait_for_picture(video)
    video.evaluate("(video) => { video.muted = false; }")
    assert loudest_db(video) < SILENCE_DB
    grey = replace(seen, pixels=np.full_like(seen.pixels, 128))
    assert len(grey.wrong_bars()) == 8


@pytest.mark.parametrize("address", ["http://192.0.2.1/x.js", "http://example.org/x.js"])
def test_a_page_that_asks_elsewhere_is_found_out(
    page: Page, site: str, trouble: Trouble, address: str
) -> None:
    page.route("**/elsewhere", lambda route: route.fulfill(body="<title>x</title>", content_type="text/html"))
    page.route(address, lambda route: route.abort())
    page.goto(f"{site}/elsewhere")
    with page.expect_request(address):
        page.evaluate("(url) => { fetch(url).catch(() => {}); }", address)
    assert f"asked {address}" in trouble.unexpected()
    trouble.expect(address, "net::ERR")
