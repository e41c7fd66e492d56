"""Browsers, pages, and the relay that they open.

All tests here are plain functions: Playwright's synchronous interface has an event loop of its own, beside
which no other can run in the same thread. So this folder runs by itself: ``make test-browser``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser.chromium import EXECUTABLE, FLAGS
from tests.browser.watch import Trouble, watch
from tests.support.server import Server, serve

SIZE = (640, 360)
"""Of the stream of :func:`relay`."""


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives the browsers."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium; its pages share nothing."""
    browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def relay() -> Iterator[Server]:
    """A relay with the test pattern and its tone at ``cam``, 640x360 at 30 pictures a second."""
    with serve("--camera", "pattern", "--size", f"{SIZE[0]}x{SIZE[1]}", "--fps", "30") as server:
        yield server


@pytest.fixture(scope="session")
def site(relay: Server) -> str:
    """Where the pages of the relay are, without a slash at the end."""
    host, port = relay.address
    return f"http://{host}:{port}"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """An empty profile."""
    context = browser.new_context(viewport={"width": 1000, "height": 700}, locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page."""
    return context.new_page()


@pytest.fixture(autouse=True)
def trouble(request: pytest.FixtureRequest) -> Iterator[Trouble | None]:
    """Nothing may go wrong unseen in the page of a test, other than what the test expects."""
    if "page" not in request.fixturenames:
        yield None
        return
    found = watch(request.getfixturevalue("page"))
    yield found
    assert found.unexpected() == []
