"""Browsers without scripts, and those that know no modules, show pictures all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.browser.seen import next_picture, wait_for_picture
from tests.browser.watch import Trouble


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    context = browser.new_context(java_script_enabled="without_scripts" not in request.node.name)
    yield context
    context.close()


def test_pictures_come_without_scripts(page: Page, site: str, trouble: Trouble) -> None:
    # What scripts would need is loaded ahead; after some seconds Chromium says that nobody has used it.
    trouble.expect("was preloaded using link preload but not used")
    page.goto(f"{site}/cam", wait_until="commit")
    picture = page.get_by_role("img", name="cam")
    seen = wait_for_picture(picture)
    assert seen.wrong_bars() == []
    assert next_picture(picture, seen).counter > seen.counter


def test_pictures_come_where_modules_are_not_known(page: Page, site: str) -> None:
    """As such a browser takes the page: it skips modules, and runs what is for those who do not know them."""

    def make_old(route: Route) -> None:
        answer = route.fetch()
        text = (
            answer.text().replace('type="module"', 'type="x-module"').replace("<script nomodule", "<script")
        )
        route.fulfill(response=answer, body=text)

    page.route(f"{site}/cam", make_old)
    page.goto(f"{site}/cam", wait_until="commit")
    seen = wait_for_picture(page.get_by_role("img", name="cam"))
    assert seen.wrong_bars() == []
