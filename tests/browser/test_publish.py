"""A page makes a camera of the device that it is opened on, and says what it does and what is wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.browser.barriers import barriers
from tests.browser.chromium import EXECUTABLE, FLAGS, FLAGS_OF_FAKE_CAMERA
from tests.browser.watch import Trouble, watch
from tests.browser.whip import WHIP
from tests.support.server import Server, serve

LIMIT_MS = 20_000
"""Time for what takes a moment; only a hang takes that long."""

USERS = """
port = 0
[[users]]
name = "vera"
password = "guess my name"
role = "viewer"
[[users]]
name = "paul"
password = "open sesame"
role = "publisher"
[paths.phone]
"""


@pytest.fixture(scope="module")
def open_relay() -> Iterator[Server]:
    """A relay that anybody of this machine may publish to."""
    with serve("--no-camera", "--publish", "any", streams=0) as server:
        yield server


@pytest.fixture(scope="module")
def phone(playwright: Playwright) -> Iterator[Browser]:
    """A browser with a camera and a microphone, which pages may use."""
    browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=[*FLAGS, *FLAGS_OF_FAKE_CAMERA])
    yield browser
    browser.close()


@pytest.fixture
def camera(phone: Browser, open_relay: Server) -> Iterator[Page]:
    """The page of the path ``phone`` with a WHIP server of the test; nothing goes wrong unseen in it."""
    host, port = open_relay.address
    context = phone.new_context(
        viewport={"width": 390, "height": 780}, locale="en-GB", base_url=f"http://{host}:{port}"
    )
    page, found = opened(context)
    yield page
    context.close()
    assert found.unexpected() == []


def opened(context: BrowserContext, address: str = "/phone/publish") -> tuple[Page, Trouble]:
    """The page in a context, and what goes wrong in it."""
    context.set_default_timeout(LIMIT_MS)
    page = context.new_page()
    found = watch(page)
    page.add_init_script(WHIP)
    page.goto(address)
    return page, found


def test_it_publishes_picture_and_sound_until_it_is_stopped(camera: Page) -> None:
    expect(camera.get_by_role("status")).to_have_text("Nobody sees this yet.")
    camera.get_by_role("button", name="Start").click()
    expect(camera.get_by_role("status")).to_have_text("Live at phone")
    assert camera.evaluate("whip.tracks.map((track) => track.kind).sort()") == ["audio", "video"]
    camera.wait_for_function("async () => await whip.received() > 5")
    # The first codec of the offer is the one that is used.
    offer = camera.evaluate("whip.offers[0]")
    video = next(line for line in offer.splitlines() if line.startswith("m=video"))
    assert f"a=rtpmap:{video.split()[3]} H264/90000" in offer
    assert offer.count("a=sendonly") == 2
    expect(camera.locator(".figures")).to_contain_text("bit/s")
    camera.get_by_role("button", name="Stop").click()
    expect(camera.get_by_role("status")).to_have_text("Nobody sees this yet.")
    assert camera.evaluate("whip.asked") == ["POST", "DELETE"]
    assert camera.locator("video").evaluate("(video) => video.srcObject.active"), "the picture stays in sight"


def test_another_camera_and_another_size_go_on_with_the_session(camera: Page) -> None:
    camera.get_by_role("button", name="Start").click()
    expect(camera.get_by_role("status")).to_have_text("Live at phone")
    camera.get_by_label("Size").select_option("480")
    camera.wait_for_function("() => document.querySelector('video').videoHeight === 480")
    camera.get_by_label("Camera", exact=True).select_option("user")
    before = camera.evaluate("whip.received()")
    camera.wait_for_function("async (before) => await whip.received() > before + 5", arg=before)
    assert camera.evaluate("whip.asked") == ["POST"]


def test_sound_is_turned_off_and_on(camera: Page) -> None:
    camera.get_by_role("button", name="Start").click()
    expect(camera.get_by_role("status")).to_have_text("Live at phone")
    sound = camera.get_by_role("button", name="Sound")
    tracks = "() => document.querySelector('video').srcObject.getAudioTracks().map((track) => track.enabled)"
    expect(sound).to_have_attribute("aria-pressed", "true")
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "false")
    assert camera.evaluate(tracks) == [False]
    sound.click()
    assert camera.evaluate(tracks) == [True]


def test_a_lost_connection_comes_back(camera: Page) -> None:
    camera.get_by_role("button", name="Start").click()
    expect(camera.get_by_role("status")).to_have_text("Live at phone")
    camera.evaluate("() => { whip.lost = whip.end; whip.end.close(); }")
    camera.wait_for_function("() => whip.end !== whip.lost")
    expect(camera.get_by_role("status")).to_have_text("Live at phone", timeout=LIMIT_MS)
    camera.wait_for_function("async () => await whip.received() > 5")


def test_the_relay_takes_it_and_gives_it_to_readers(phone: Browser, open_relay: Server) -> None:
    host, port = open_relay.address
    context = phone.new_context(base_url=f"http://{host}:{port}", locale="en-GB")
    context.set_default_timeout(LIMIT_MS)
    page = context.new_page()
    found = watch(page)
    page.goto("/phone/publish")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("status")).to_have_text("Live at phone", timeout=LIMIT_MS)
    url = open_relay.url_of("phone")
    command = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url]
    command += ["-map", "0:v", "-map", "0:a", "-frames:v", "20", "-t", "5", "-f", "framecrc", "-"]
    read = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    lines = [line.split(",") for line in read.stdout.splitlines() if not line.startswith("#")]
    pictures = [line for line in lines if line[0].strip() == "0"]
    assert len({line[-1] for line in pictures}) > len(pictures) / 2, "it moves"
    assert any(line[0].strip() == "1" for line in lines), "with sound"
    page.get_by_role("button", name="Stop").click()
    open_relay.wait_for("session ended")
    context.close()
    assert found.unexpected() == []


def test_who_may_only_watch_is_not_given_the_page(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "relaycore.toml"
    file.write_text(USERS, encoding="utf-8")
    with serve(str(file), streams=0) as server:
        host, port = server.address
        for user, password, status in (("vera", "guess my name", 403), ("paul", "open sesame", 200)):
            context = browser.new_context(base_url=f"http://{host}:{port}")
            page = context.new_page()
            # Who is unknown is led to the login, and back.
            page.goto("/phone/publish")
            page.wait_for_url("**/login?next=%2Fphone%2Fpublish")
            assert context.request.post("/login", data={"user": user, "password": password}).ok
            answer = page.goto("/phone/publish")
            assert answer is not None
            assert answer.status == status
            context.close()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "Refused by the test."),
        (404, "takes no pictures from browsers"),
        (415, "Refused by the test."),
    ],
)
def test_what_will_not_change_is_said_and_not_tried_again(camera: Page, status: int, said: str) -> None:
    camera.evaluate("(status) => { whip.status = status; }", status)
    camera.get_by_role("button", name="Start").click()
    expect(camera.get_by_role("alert")).to_contain_text(said)
    expect(camera.get_by_role("status")).to_have_text("Nobody sees this yet.")
    assert camera.evaluate("whip.asked") == ["POST"]


@pytest.mark.parametrize(
    ("status", "said"), [(503, "Refused by the test."), (409, "Refused"), (0, "does not answer")]
)
def test_what_may_change_is_said_and_tried_again(camera: Page, status: int, said: str) -> None:
    camera.evaluate("(status) => { whip.status = status; }", status)
    camera.get_by_role("button", name="Start").click()
    expect(camera.get_by_role("alert")).to_contain_text(said)
    expect(camera.get_by_role("status")).to_have_text("Trying again")
    camera.evaluate("() => { whip.status = 201; }")
    expect(camera.get_by_role("status")).to_have_text("Live at phone", timeout=LIMIT_MS)
    expect(camera.get_by_role("alert")).to_be_hidden()


def test_who_leaves_the_page_ends_the_session(camera: Page) -> None:
    camera.get_by_role("button", name="Start").click()
    expect(camera.get_by_role("status")).to_have_text("Live at phone")
    camera.evaluate("() => window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert camera.evaluate("whip.asked") == ["POST", "DELETE"]


def test_without_a_camera_it_says_so(browser: Browser, open_relay: Server) -> None:
    host, port = open_relay.address
    context = browser.new_context(base_url=f"http://{host}:{port}", permissions=["camera", "microphone"])
    page, _ = opened(context)
    expect(page.get_by_role("alert")).to_contain_text("no such camera")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("no such camera")
    context.close()


def test_without_permission_it_says_what_to_do(browser: Browser, open_relay: Server) -> None:
    host, port = open_relay.address
    context = browser.new_context(base_url=f"http://{host}:{port}")
    page, _ = opened(context)
    page.evaluate(
        """() => {
            const refused = new DOMException("no", "NotAllowedError");
            navigator.mediaDevices.getUserMedia = () => Promise.reject(refused);
        }"""
    )
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("Allow it in the settings of the browser")
    expect(page.get_by_role("button", name="Start")).to_be_enabled()
    context.close()


@pytest.mark.parametrize("tls", [False, True])
def test_an_address_without_encryption_is_told_what_helps(browser: Browser, tmp_path: Any, tls: bool) -> None:
    options = ["--state-folder", str(tmp_path), *(["--tls"] if tls else [])]
    with serve("--no-camera", "--publish", "any", *options, streams=0) as server:
        host, port = server.address
        context = browser.new_context(base_url=f"http://{host}:{port}", locale="en-GB")
        context.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false });")
        page, found = opened(context)
        expect(page.get_by_role("alert")).to_contain_text("encrypted")
        expect(page.get_by_role("button", name="Start")).to_have_count(0)
        address = f"https://{host}:{port}/phone/publish"
        if tls:
            link = page.get_by_role("link", name="Open this page encrypted")
            expect(link).to_have_attribute("href", address)
        else:
            expect(page.get_by_text("--tls")).to_be_visible()
            expect(page.get_by_text(address)).to_be_visible()
        assert barriers(page) == []
        context.close()
        assert found.unexpected() == []


@pytest.mark.parametrize("size", [(390, 780), (844, 390), (1200, 800)])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_nothing_keeps_people_out(
    phone: Browser, open_relay: Server, size: tuple[int, int], language: str
) -> None:
    host, port = open_relay.address
    width, height = size
    context = phone.new_context(
        base_url=f"http://{host}:{port}", locale=language, viewport={"width": width, "height": height}
    )
    page, found = opened(context)
    page.locator("button.start").click()
    page.locator("main[data-state=live]").wait_for()
    expect(page.locator(".figures")).to_contain_text(":")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page) == []
    context.close()
    assert found.unexpected() == []
