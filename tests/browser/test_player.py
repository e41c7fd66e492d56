"""The player: gets a picture by whatever way there is, keeps it, and can be used by everybody."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.browser.barriers import barriers
from tests.browser.heard import SILENCE_DB, loudest_db
from tests.browser.playing import LIMIT_MS, player_in, plays, plays_by
from tests.browser.seen import next_picture, wait_for_picture
from tests.browser.stand_in import StandIn, stand_in
from tests.browser.watch import Trouble
from tests.support.server import Server, serve


@pytest.fixture
def between(relay: Server, site: str) -> Iterator[StandIn]:
    """A server in front of the relay that makes trouble."""
    with stand_in(site, relay.url) as server:
        yield server


def embed(page: Page, between: StandIn, attributes: str) -> Locator:
    """The player in an empty page of the same origin."""
    between.pages["/embedded"] = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>embedded</title>
<link rel="icon" href="/static/icon.svg">
<script type="module" src="/static/player/player.js"></script>
<main><h1>Embedded</h1><relaycore-player {attributes}></relaycore-player></main>"""
    page.goto(f"{between.site}/embedded")
    return page.locator("relaycore-player")


@pytest.mark.parametrize("transport", ["mse", "mjpeg"])
def test_each_transport_plays_the_right_picture(page: Page, between: StandIn, transport: str) -> None:
    player = embed(page, between, f'src="/cam" transports="{transport}"')
    media = plays_by(player, transport)
    first = wait_for_picture(media)
    assert first.wrong_bars() == []
    assert next_picture(media, first).counter > first.counter


def test_sound_is_played_once_it_is_turned_on(page: Page, between: StandIn) -> None:
    player = embed(page, between, 'src="/cam" transports="mse"')
    media = plays_by(player, "mse")
    assert media.evaluate("(video) => video.muted")
    player.get_by_role("button", name="Turn sound on").click()
    assert loudest_db(media) > SILENCE_DB + 30


def test_a_way_that_is_blocked_is_left_and_taken_again_when_it_is_free(
    page: Page, between: StandIn, trouble: Trouble
) -> None:
    trouble.expect("/cam/ws", "Failed to load resource")
    between.refuse["ws"] = 0
    player = embed(page, between, 'src="/cam"')
    first = wait_for_picture(plays_by(player, "mjpeg"))
    del between.refuse["ws"]
    page.evaluate("dispatchEvent(new Event('online'))")
    seen = wait_for_picture(plays_by(player, "mse"))
    assert seen.counter > first.counter
    expect(player.locator("canvas:not(.last)")).to_have_count(0)


NOTE = """(player) => {
    const last = player.shadowRoot.querySelector(".last");
    let wasKept = false;
    new MutationObserver(() => (wasKept ||= !last.hidden)).observe(last, { attributes: true });
    player.again = new Promise((done) => {
        player.addEventListener("playing", ({ detail }) => done([detail.transport, wasKept]), { once: true });
    });
}"""
"""Keeps how it plays again, and whether its last picture was shown until then."""


@pytest.mark.parametrize("transport", ["mse", "mjpeg"])
def test_it_goes_on_after_the_connection_was_cut(
    page: Page, between: StandIn, trouble: Trouble, transport: str
) -> None:
    trouble.expect("/cam/", "net::ERR")
    player = embed(page, between, f'src="/cam" transports="{transport}"')
    first = wait_for_picture(plays_by(player, transport))
    player.evaluate(NOTE)
    between.cut()
    assert player.evaluate("(player) => player.again") == [transport, True]
    expect(player.locator(".last")).to_be_hidden()
    assert wait_for_picture(plays_by(player, transport)).counter > first.counter


def test_it_tells_of_a_picture_that_stands_still(page: Page, between: StandIn) -> None:
    player = embed(page, between, 'src="/cam" transports="mjpeg"')
    before = wait_for_picture(plays_by(player, "mjpeg"))
    between.stalled.set()
    expect(player.get_by_role("status")).to_contain_text("stands still", timeout=LIMIT_MS)
    between.stalled.clear()
    expect(player.get_by_role("status")).to_be_empty(timeout=LIMIT_MS)
    assert next_picture(plays_by(player, "mjpeg"), before).counter > before.counter


def test_where_nothing_is_live_it_waits_and_says_so(page: Page, site: str, trouble: Trouble) -> None:
    trouble.expect("404", "Failed to load resource")
    answer = page.goto(f"{site}/nobody/is/here")
    assert answer is not None
    assert answer.status == 404
    status = page.get_by_role("status")
    expect(status).to_contain_text("Nothing is live at nobody/is/here", timeout=LIMIT_MS)
    assert barriers(page) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "Ask the person who runs it"), (401, "Log in to watch cam")],
    ids=["not allowed", "who is it"],
)
def test_it_says_what_to_do_where_it_may_not(
    page: Page, between: StandIn, trouble: Trouble, status: int, words: str
) -> None:
    trouble.expect("Failed to load resource")
    between.refuse["player"] = status
    player = embed(page, between, 'src="/cam"')
    expect(player.get_by_role("status")).to_contain_text(words, timeout=LIMIT_MS)
    if status == 401:
        link = player.get_by_role("link", name="Log in")
        assert link.get_attribute("href") == f"{between.site}/login?next=%2Fembedded"
    assert barriers(page) == []


def test_the_page_of_a_path_plays_it(page: Page, between: StandIn) -> None:
    """Under its own policy, which lets nothing in that is not of this server."""
    page.goto(f"{between.site}/cam")
    player = page.locator("relaycore-player")
    media = plays_by(player, "mse")
    assert wait_for_picture(media).wrong_bars() == []
    assert barriers(page) == []
    assert page.title() == "cam"


FOCUSED = "document.activeElement.shadowRoot?.activeElement?.ariaLabel ?? null"
"""The name of what has the focus in the player; null where nothing in it has."""


def test_everything_can_be_done_with_the_keyboard(page: Page, between: StandIn) -> None:
    page.goto(f"{between.site}/cam")
    player = page.locator("relaycore-player")
    media = plays_by(player, "mse")
    names: list[str | None] = []
    while (name := page.evaluate(FOCUSED)) is not None or not names:
        names.append(name)
        page.keyboard.press("Tab")
    assert [name for name in names if name not in (None, "Picture in picture")] == [
        "Stop",
        "Turn sound on",
        "Volume",
        "Save this picture",
        "Delay and quality",
        "Full screen",
    ]
    player.get_by_role("button", name="Stop").focus()
    page.keyboard.press("m")
    assert not media.evaluate("(video) => video.muted")
    page.keyboard.press("ArrowDown")
    assert media.evaluate("(video) => video.volume") == pytest.approx(0.9)
    page.keyboard.press("i")
    figures = player.locator("dl.figures")
    expect(figures).to_contain_text("WebSocket (MSE)", timeout=LIMIT_MS)
    expect(figures).to_contain_text("\u2066640 \u00d7 360\u2069")
    assert barriers(page) == []
    page.keyboard.press("i")
    expect(figures).to_be_hidden()
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement?.localName === 'relaycore-player'", timeout=LIMIT_MS)
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement === null", timeout=LIMIT_MS)
    with page.expect_download(timeout=LIMIT_MS) as download:
        page.keyboard.press("s")
    assert download.value.suggested_filename.startswith("cam-")
    assert download.value.path().read_bytes().startswith(b"\xff\xd8")
    page.keyboard.press("k")
    expect(player.get_by_role("status")).to_have_text("Stopped.")
    page.keyboard.press("k")
    plays_by(player, "mse")


NOTICE = """
[cameras.cam]
camera = "pattern"
size = "320x240"
[paths.cam]
purpose = "safety of the crane"
[paths.cam.protocol]
responsible = "Crane Ltd"
contact = "privacy@crane.example"
notice = true
"""


def test_a_notice_is_shown_before_the_first_picture(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "relaycore.toml"
    file.write_text(NOTICE)
    with serve(str(file)) as relay, stand_in("http://{}:{}".format(*relay.address), relay.url) as between:
        page.goto(f"{between.site}/cam")
        player = page.locator("relaycore-player")
        expect(player.get_by_role("status")).to_have_text("Before you watch cam", timeout=LIMIT_MS)
        for words in ("Crane Ltd", "privacy@crane.example", "safety of the crane", "not kept by relaycore"):
            expect(player.locator(".notice")).to_contain_text(words)
        assert barriers(page) == []
        assert not {"ws", "mjpeg", "whep", "index.m3u8"} & between.asked.keys()
        player.get_by_role("button", name="Watch").click()
        wait_for_picture(plays_by(player, "mse"))
        page.reload()
        plays_by(page.locator("relaycore-player"), "mse")


NOTE_SERVERS = """
window.servers = [];
const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
    constructor(configuration) {
        super(configuration);
        const named = ({ urls, username }) => [urls].flat()[0] + " " + username;
        servers.push(this.getConfiguration().iceServers.map(named));
    }
};
"""
"""The servers of every connection, as the browser has them."""


def test_webrtc_may_connect_through_the_servers_of_the_relay(page: Page, tmp_path: Path) -> None:
    """Of use or not: the relay is reached without them here, and none of them is there."""
    file = tmp_path / "relaycore.toml"
    server = '[[ice_servers]]\nurl = "turn:127.0.0.1:9"\nusername = "relay"\ncredential = "open sesame"\n'
    file.write_text(f'{server}[cameras.cam]\ncamera = "pattern"\nsize = "320x240"\n')
    with serve(str(file)) as relay:
        page.add_init_script(NOTE_SERVERS)
        page.goto("http://{}:{}/cam".format(*relay.address))
        assert wait_for_picture(plays_by(player_in(page), "webrtc")).wrong_bars() == []
        assert page.evaluate("servers[0]") == ["turn:127.0.0.1:9 relay"]


@pytest.mark.parametrize("transport", ["webrtc", "mse", "hls", "mjpeg"])
def test_a_page_of_another_origin_plays_by_every_way_what_a_share_link_opens(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, transport: str
) -> None:
    monkeypatch.setenv("RELAYCORE_STATE_FOLDER", str(tmp_path / "state"))
    file = tmp_path / "relaycore.toml"
    with stand_in("http://127.0.0.1:9", "") as elsewhere:
        origin = elsewhere.site.replace("127.0.0.1", "other.localhost")
        file.write_text(
            f'embed_origins = ["{origin}"]\n'
            '[[users]]\nname = "anna"\npassword = "open sesame"\n'
            '[cameras.cam]\ncamera = "pattern"\nsize = "320x240"\n'
        )
        command = [sys.executable, "-m", "relaycore", "share", "cam"]
        command += ["--for", "1h", "--purpose", "a visit"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"share=([^\s&]+)", printed)
        assert found is not None, printed
        with serve(str(file)) as relay:
            site = "http://{}:{}".format(*relay.address)
            answers: list[Response] = []
            page.on("response", lambda answer: answers.append(answer))

            def show(query: str) -> Locator:
                elsewhere.pages["/"] = f"""<!doctype html><html lang="en"><title>elsewhere</title>
                    <link rel="icon" href="{site}/static/icon.svg">
                    <script type="module" src="{site}/static/player/player.js"></script>
                    <relaycore-player src="{site}/cam{query}" transports="{transport}"></relaycore-player>"""
                page.goto(f"{origin}/")
                return player_in(page)

            player = show(f"?share={found[1]}")
            assert wait_for_picture(plays_by(player, transport)).wrong_bars() == []
            told = [answer.headers for answer in answers if answer.url.startswith(f"{site}/cam")]
            allowed = {headers.get("access-control-allow-origin") for headers in told}
            assert allowed <= {origin, None}
            assert not any("access-control-allow-credentials" in headers for headers in told)
            # Without the link it is not for everybody, whatever the page may embed.
            trouble.expect("401", "WebSocket connection", "Failed to load resource")
            show("")
            expect(page.get_by_role("link", name="Log in")).to_be_visible(timeout=LIMIT_MS)


def test_a_page_of_another_origin_plays_where_it_is_named(
    page: Page, tmp_path: Path, trouble: Trouble
) -> None:
    with stand_in("http://127.0.0.1:9", "") as elsewhere:
        origin = elsewhere.site.replace("127.0.0.1", "other.localhost")
        file = tmp_path / "relaycore.toml"
        file.write_text(
            f'embed_origins = ["{origin}"]\n[cameras.cam]\ncamera = "pattern"\nsize = "320x240"\n'
        )
        with serve(str(file)) as relay:
            site = "http://{}:{}".format(*relay.address)
            elsewhere.pages["/"] = f"""<!doctype html><html lang="en"><title>elsewhere</title>
                <link rel="icon" href="{site}/static/icon.svg">
                <script type="module" src="{site}/static/player/player.js"></script>
                <relaycore-player src="{site}/cam"></relaycore-player>"""
            page.goto(f"{origin}/")
            player = player_in(page)
            assert wait_for_picture(plays(player)).wrong_bars() == []
            player.evaluate("(player) => { player.setAttribute('transports', 'mjpeg'); player.play(); }")
            assert wait_for_picture(plays_by(player, "mjpeg")).wrong_bars() == []
            trouble.expect("CORS", "net::ERR_FAILED", "WebSocket connection")
            page.goto(f"{elsewhere.site}/")
            status = page.get_by_role("status")
            expect(status).to_contain_text("You may not watch cam", timeout=LIMIT_MS)
