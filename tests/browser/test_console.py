"""The console shows what the relay has and does, as it happens, and lets nobody do more than they may."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.barriers import barriers
from tests.browser.seen import next_picture, wait_for_picture
from tests.browser.watch import Trouble, watch
from tests.support.server import Server, serve

LIMIT_MS: Final = 20_000
"""Time for what takes a moment; only a hang takes that long."""

PASSWORDS: Final = {"anna": "open sesame", "vera": "guess my name", "otto": "nobody knows"}

CONFIGURATION: Final = """
port = 0
state_folder = {folder!r}
[ledger]
enabled = true
[cameras.cam]
camera = "pattern"
size = "640x360"
[paths.gate]
source = "rtsp://127.0.0.1:9/stream"
source_on_demand = true
[[users]]
name = "anna"
password = "open sesame"
role = "administrator"
[[users]]
name = "otto"
password = "nobody knows"
role = "operator"
[[users]]
name = "vera"
password = "guess my name"
role = "viewer"
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A relay with users, a ledger, a camera, and a path that waits."""
    folder = tmp_path_factory.mktemp("console")
    file = folder / "relaycore.toml"
    file.write_text(CONFIGURATION.format(folder=str(folder)), encoding="utf-8")
    with serve(str(file)) as server:
        yield server


Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, guarded: Server) -> Iterator[Opened]:
    """Opens the console as a user; nothing may go wrong unseen in any page."""
    contexts: list[BrowserContext] = []
    troubles: list[Trouble] = []

    def opened(user: str, address: str = "/", **options: Any) -> Page:
        host, port = guarded.address
        given = {"viewport": {"width": 1200, "height": 900}, "locale": "en-GB", **options}
        context = browser.new_context(base_url=f"http://{host}:{port}", **given)
        login = context.request.post("/login", data={"user": user, "password": PASSWORDS[user]})
        assert login.ok
        context.set_default_timeout(LIMIT_MS)
        contexts.append(context)
        page = context.new_page()
        troubles.append(watch(page))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    # A browser complains of each answer that refuses.
    refused = "the server responded with a status of 4"
    assert [text for trouble in troubles for text in trouble.unexpected() if refused not in text] == []


def card(page: Page, path: str) -> Locator:
    """The card of a path."""
    return page.locator(f'article[data-path="{path}"]')


def ask(page: Page, method: str, address: str, body: Any = None) -> int:
    """The status of what a script of the page asks."""
    status: int = page.evaluate(
        """async ([method, address, body]) => {
            const options = { method };
            if (body !== null) {
                options.headers = { "Content-Type": "application/json" };
                options.body = JSON.stringify(body);
            }
            return (await fetch(address, options)).status;
        }""",
        [method, address, body],
    )
    return status


@contextmanager
def watching(server: Server, user: str, path: str) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody watches a path over RTSP."""
    host, port = server.address
    url = f"rtsp://{user}:{PASSWORDS[user].replace(' ', '%20')}@{host}:{port}/{path}"
    command = ["ffmpeg", "-loglevel", "quiet", "-rtsp_transport", "tcp", "-i", url, "-f", "null", "-"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_paths_have_a_card_with_state_picture_and_figures(opened: Opened) -> None:
    page = opened("anna")
    expect(card(page, "cam").locator(".badge")).to_have_text("Live")
    expect(card(page, "gate").locator(".badge")).to_have_text("On demand")
    picture = card(page, "cam").locator(".picture img:not([hidden])")
    seen = wait_for_picture(picture)
    assert seen.wrong_bars() == []
    next_picture(picture, seen)
    expect(card(page, "cam").locator(".rate")).to_contain_text("kbit/s")
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    link = card(page, "cam").get_by_role("link", name="cam")
    expect(link).to_have_attribute("href", "/cam")


def test_sessions_come_and_go_without_asking_and_are_ended(opened: Opened, guarded: Server) -> None:
    page = opened("otto")
    # Whoever looks at the picture of a card has a session, too.
    row = page.locator("tr[data-session]", has_text="rtsp/tcp")
    expect(page.locator("tr[data-session]", has_text="otto")).to_be_visible()
    expect(row).to_have_count(0)
    with watching(guarded, "vera", "cam") as process:
        expect(row).to_contain_text("vera")
        row.get_by_role("button", name="End the session of vera at cam").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("vera at cam")
        dialog.get_by_role("button", name="End session").click()
        process.wait(LIMIT_MS / 1000)
        expect(row).to_have_count(0)


def test_a_path_is_added_and_removed_and_others_see_it_at_once(opened: Opened) -> None:
    page, other = opened("otto"), opened("vera")
    expect(card(other, "cam")).to_be_visible()
    page.get_by_role("button", name="Add path").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Path").fill("house/door")
    dialog.get_by_label("Source", exact=True).fill("rtsp://bo:secret@127.0.0.1:9/x")
    dialog.get_by_label("only while somebody watches").check()
    dialog.get_by_role("button", name="Add path").click()
    expect(page.get_by_role("dialog").locator("pre")).to_contain_text('[paths."house/door"]')
    page.get_by_role("button", name="Close").click()
    expect(card(page, "house/door")).to_contain_text("rtsp://***@127.0.0.1:9/x")
    for shown in (page, other):
        expect(card(shown, "house/door").locator(".badge")).to_have_text("On demand")
    card(page, "house/door").get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    for shown in (page, other):
        expect(card(shown, "house/door")).to_have_count(0)


def test_cameras_are_added_stopped_started_and_removed_as_others_watch(opened: Opened) -> None:
    page, other = opened("otto"), opened("vera")
    expect(card(other, "cam")).to_be_visible()
    page.get_by_role("button", name="Add camera").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Path").fill("yard")
    dialog.get_by_label("Camera").select_option("pattern")
    dialog.get_by_role("button", name="Add camera").click()
    page.get_by_role("button", name="Close").click()
    for shown in (page, other):
        expect(card(shown, "yard").locator(".badge")).to_have_text("Live")
    card(page, "yard").get_by_role("button", name="Stop").click()
    for shown in (page, other):
        expect(card(shown, "yard").locator(".badge")).to_have_text("Stopped")
    card(page, "yard").get_by_role("button", name="Start").click()
    for shown in (page, other):
        expect(card(shown, "yard").locator(".badge")).to_have_text("Live")
    card(page, "yard").get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    for shown in (page, other):
        expect(card(shown, "yard")).to_have_count(0)


def test_where_people_are_to_read_first_no_picture_is_shown(opened: Opened) -> None:
    page = opened("otto")
    wish = {"protocol": {"responsible": "Crane Ltd", "notice": True}}
    assert ask(page, "PUT", "/api/v1/paths/cam", wish) == 201
    page.reload()
    expect(card(page, "cam").locator(".badge")).to_have_text("Live")
    expect(card(page, "cam").locator(".rate")).to_contain_text("bit/s")
    expect(card(page, "cam").locator(".picture img:not([hidden])")).to_have_count(0)
    assert ask(page, "DELETE", "/api/v1/paths/cam") == 200
    expect(card(page, "cam").locator(".picture img:not([hidden])")).to_be_visible()


def test_what_is_refused_is_said_in_the_dialog(opened: Opened) -> None:
    page = opened("otto")
    page.get_by_role("button", name="Add path").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Path").fill("x")
    dialog.get_by_label("Source", exact=True).fill("ftp://127.0.0.1/x")
    dialog.get_by_role("button", name="Add path").click()
    expect(dialog.get_by_role("alert")).to_contain_text("source")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    expect(card(page, "x")).to_have_count(0)


def test_a_viewer_is_shown_nothing_that_a_viewer_may_not_do(opened: Opened) -> None:
    page = opened("vera")
    expect(card(page, "cam").locator(".badge")).to_have_text("Live")
    for name in ("Add path", "Add camera", "Stop", "Remove", "Show records"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    for name in ("Alerts", "Ledger"):
        expect(page.get_by_role("heading", name=name)).to_have_count(0)
    assert ask(page, "POST", "/api/v1/paths/cam/stop") == 403
    assert ask(page, "PUT", "/api/v1/paths/x", {}) == 403
    assert ask(page, "DELETE", "/api/v1/sessions/x") == 403
    assert ask(page, "GET", "/api/v1/ledger") == 403
    assert ask(page, "GET", "/api/v1/events?alerts=true") == 403


def test_an_administrator_reads_the_ledger_when_asking_for_it(opened: Opened) -> None:
    page = opened("anna")
    expect(page.get_by_role("heading", name="Alerts")).to_be_visible()
    page.get_by_label("Record", exact=True).select_option("act")
    page.get_by_role("button", name="Show records").click()
    rows = page.locator("section", has=page.get_by_role("heading", name="Ledger")).locator("tbody tr")
    expect(rows.first).to_contain_text("anna")
    expect(rows.first).to_contain_text("readLedger")


def test_who_is_logged_out_is_led_to_the_login(opened: Opened) -> None:
    page = opened("vera")
    other = page.context.new_page()
    other.goto("/")
    expect(card(other, "cam").locator(".badge")).to_have_text("Live")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    # It is told no more, asks why, and is sent away.
    other.wait_for_url("**/login?next=%2F")


def test_a_page_of_another_site_stops_nothing(opened: Opened, guarded: Server) -> None:
    page = opened("anna")
    expect(card(page, "cam").locator(".badge")).to_have_text("Live")
    port = guarded.address[1]
    evil = page.context.new_page()
    evil.goto(f"http://other.localhost:{port}/healthz")
    evil.evaluate(
        """(url) => fetch(url, { method: "POST", mode: "no-cors", credentials: "include" })""",
        f"http://127.0.0.1:{port}/api/v1/paths/cam/stop",
    )
    page.reload()
    expect(card(page, "cam").locator(".badge")).to_have_text("Live")
    assert ask(page, "POST", "/api/v1/paths/cam/start") == 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_nothing_keeps_people_out(opened: Opened, scheme: str, width: int) -> None:
    page = opened("anna", color_scheme=scheme, viewport={"width": width, "height": 800})
    expect(card(page, "cam").locator(".badge")).to_have_text("Live")
    page.get_by_role("button", name="Show records").click()
    expect(page.locator("table.stays tbody tr").first).to_be_visible()
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Add camera").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert barriers(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Add camera")).to_be_focused()


def test_it_is_written_from_right_to_left(opened: Opened) -> None:
    page = opened("anna", "/?language=ar", viewport={"width": 390, "height": 800})
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(card(page, "cam").locator(".badge")).not_to_have_text("Live")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page) == []


def test_without_scripts_it_says_where_the_streams_are(opened: Opened, guarded: Server) -> None:
    page = opened("vera", java_script_enabled=False)
    expect(page.get_by_text(guarded.url)).to_be_visible()
    expect(page.get_by_role("link", name="cam")).to_have_attribute("href", "/cam")


def test_it_comes_back_by_itself_when_the_relay_does(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    page.set_default_timeout(LIMIT_MS)
    with serve("--camera", "pattern", "--size", "320x240") as server:
        port = server.address[1]
        page.goto(f"http://127.0.0.1:{port}/")
        expect(page.locator("#bar .state")).to_have_text("Live")
    expect(page.locator("#bar .state")).to_have_text("Connecting")
    with serve("--camera", "pattern", "--size", "320x240", "--path", "other", "--port", str(port)):
        expect(page.locator("#bar .state")).to_have_text("Live")
        expect(card(page, "other")).to_be_visible()
        expect(card(page, "cam")).to_have_count(0)
    page.close()
