"""Pictures over HTTP in a page without scripts: an ``<img>`` that moves, and one that stands."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.seen import next_picture, wait_for_picture
from tests.browser.watch import Trouble


@pytest.mark.parametrize("fps", ["", "?fps=2"])
def test_a_series_moves_on(page: Page, site: str, fps: str) -> None:
    """Also where few pictures come: each is shown without waiting for the one behind it."""
    markup = f'<!doctype html><html lang="en"><title>x</title><img id="i" src="/cam/mjpeg{fps}">'
    page.route("**/made-up", lambda route: route.fulfill(body=markup, content_type="text/html"))
    page.goto(f"{site}/made-up", wait_until="commit")
    image = page.locator("#i")
    first = wait_for_picture(image)
    assert first.pixels.shape == (360, 640, 3)
    assert first.wrong_bars() == []
    second = next_picture(image, first)
    assert second.counter > first.counter
    page.goto("about:blank")


def test_a_single_picture_is_shown(page: Page, site: str, trouble: Trouble) -> None:
    trouble.expect("favicon.ico")
    page.goto(f"{site}/cam/snapshot.jpg?width=320")
    seen = wait_for_picture(page.locator("img"))
    assert seen.pixels.shape == (180, 320, 3)
    assert seen.wrong_bars() == []
