"""WebRTC between the relay and a real browser, in both directions."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Playwright

from tests.browser.chromium import EXECUTABLE, FLAGS, FLAGS_OF_FAKE_CAMERA
from tests.browser.heard import SILENCE_DB, loudest_db
from tests.browser.narrow import narrow_way
from tests.browser.playing import LIMIT_MS, only, player_in, plays_by
from tests.browser.publisher import LIMIT
from tests.browser.seen import next_picture, wait_for_picture
from tests.browser.watch import watch
from tests.support.server import Server, serve

PUBLISH = """async (url) => {
    const connection = window.publishing = new RTCPeerConnection();
    const wanted = { video: { width: 640, height: 480 }, audio: true };
    const stream = await navigator.mediaDevices.getUserMedia(wanted);
    for (const track of stream.getTracks()) connection.addTransceiver(track, { direction: "sendonly" });
    await connection.setLocalDescription(await connection.createOffer());
    const headers = { "Content-Type": "application/sdp" };
    const response = await fetch(url, { method: "POST", headers, body: connection.localDescription.sdp });
    const answer = await response.text();
    if (response.status !== 201) return [response.status, answer];
    await connection.setRemoteDescription({ type: "answer", sdp: answer });
    while (connection.connectionState !== "connected") await new Promise((done) => setTimeout(done, 50));
    return [201, new URL(response.headers.get("Location"), url).href];
}"""

WITHOUT_UDP = """
const real = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    window.connection = this;
    const lines = description.sdp.split("\\r\\n").filter((line) => !/^a=candidate:.* udp /i.test(line));
    return real.call(this, { type: description.type, sdp: lines.join("\\r\\n") });
};
"""
"""A script for the start of a page: of the relay's addresses, those by UDP are never heard of."""

CARRIER = """async () => {
    const reports = [...(await connection.getStats()).values()];
    const pairs = reports.filter((it) => it.type === "candidate-pair" && it.nominated && it.bytesReceived);
    return pairs.map((pair) => reports.find((it) => it.id === pair.remoteCandidateId).protocol);
}"""
"""The protocols of what ``WITHOUT_UDP`` has left and something has come by."""

THROUGH = """
const real = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    const is_kept = (line) => !line.startsWith("a=candidate:") || / udp .* 127.0.0.1 /i.test(line);
    const lines = sdp.split("\\r\\n").filter(is_kept);
    const narrow = lines.map((line) => line.replace(/^(a=candidate:.* 127.0.0.1) [0-9]+/, "$1 PORT"));
    return real.call(this, { type, sdp: narrow.join("\\r\\n") });
};
"""
"""As ``WITHOUT_UDP``: of the relay's addresses there is one by UDP, at ``PORT``."""

BANDWIDTH = """async ([url, limit]) => {
    for (const end = performance.now() + limit; performance.now() < end; ) {
        const { sessions } = await (await fetch(url)).json();
        const told = sessions.filter((it) => it.protocol === "webrtc" && it.bandwidth !== null);
        if (told.length) return told[0].bandwidth;
    }
    return 0;
}"""
"""What the relay is told of the way to a viewer by WebRTC, in bits a second; 0 where it is not in time."""

DISCARDED = """async ([url, limit]) => {
    for (const end = performance.now() + limit; performance.now() < end; ) {
        const { sessions } = await (await fetch(url)).json();
        const told = sessions.filter((it) => it.protocol === "webrtc" && it.discarded > 0);
        if (told.length) return told[0].discarded;
    }
    return 0;
}"""
"""How many packets a viewer by WebRTC was not sent, once there are some; 0 where there are none in time."""


@pytest.fixture(scope="module")
def open_relay() -> Iterator[Server]:
    """One to which anybody may publish."""
    with serve("--no-camera", "--publish", "any", streams=0) as server:
        yield server


@pytest.fixture
def camera_page(playwright: Playwright, open_relay: Server) -> Iterator[Page]:
    """A page of that relay in a browser with a camera and a microphone, both made up."""
    browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=[*FLAGS, *FLAGS_OF_FAKE_CAMERA])
    page = browser.new_page()
    found = watch(page)
    host, port = open_relay.address
    page.goto(f"http://{host}:{port}/api/v1/openapi.json")
    yield page
    assert found.unexpected() == []
    browser.close()


def test_sound_is_heard_beside_the_picture(page: Page, site: str) -> None:
    only(page, "webrtc")
    page.goto(f"{site}/cam")
    player = player_in(page)
    video = plays_by(player, "webrtc")
    assert loudest_db(video) > SILENCE_DB


def test_pictures_and_sound_come_where_no_datagrams_get_through(page: Page, site: str) -> None:
    page.add_init_script(WITHOUT_UDP)
    only(page, "webrtc")
    page.goto(f"{site}/cam")
    player = player_in(page)
    video = plays_by(player, "webrtc")
    seen = wait_for_picture(video)
    assert seen.wrong_bars() == []
    for _ in range(3):
        following = next_picture(video, seen)
        assert following.counter > seen.counter
        seen = following
    assert loudest_db(video) > SILENCE_DB
    assert page.evaluate(CARRIER) == ["tcp"]


def test_what_the_browser_estimates_of_the_network_is_shown(page: Page, site: str) -> None:
    only(page, "webrtc")
    page.goto(f"{site}/cam")
    plays_by(player_in(page), "webrtc")
    assert page.evaluate(BANDWIDTH, [f"{site}/api/v1/sessions", LIMIT_MS]) > 100_000


def test_on_a_narrow_way_whole_groups_are_cut_short_and_the_picture_goes_on(
    page: Page, site: str, relay: Server
) -> None:
    host, port = relay.address
    with narrow_way((host, port), 300_000) as narrow:
        page.add_init_script(THROUGH.replace("PORT", str(narrow)))
        only(page, "webrtc")
        page.goto(f"{site}/cam")
        video = plays_by(player_in(page), "webrtc")
        assert page.evaluate(DISCARDED, [f"{site}/api/v1/sessions", 3 * LIMIT_MS]) > 0
        seen = wait_for_picture(video)
        following = next_picture(video, seen)
        assert following.counter > seen.counter


def test_what_a_phone_would_publish_is_read_by_ffmpeg(camera_page: Page, open_relay: Server) -> None:
    published_is_read(camera_page, open_relay, "phone")


def test_a_phone_publishes_where_no_datagrams_get_through(camera_page: Page, open_relay: Server) -> None:
    camera_page.add_init_script(WITHOUT_UDP)
    camera_page.reload()
    published_is_read(camera_page, open_relay, "walled")


def published_is_read(camera_page: Page, open_relay: Server, path: str) -> None:
    """What the camera of a page publishes is what ffmpeg reads, and ends."""
    host, port = open_relay.address
    status, session = camera_page.evaluate(PUBLISH, f"http://{host}:{port}/{path}/whip")
    assert status == 201, session
    url = open_relay.url_of(path)
    command = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url]
    command += ["-map", "0:v", "-map", "0:a", "-frames:v", "30", "-t", "5", "-f", "framecrc", "-"]
    read = subprocess.run(command, check=True, capture_output=True, text=True, timeout=6 * LIMIT)
    lines = [line for line in read.stdout.splitlines() if not line.startswith("#")]
    pictures = [line.split(",") for line in lines if line.startswith("0")]
    sounds = [line for line in lines if line.startswith("1")]
    # Of the size that was asked for, until the network is known well a smaller one; and it moves.
    assert len(pictures) >= 20
    assert len(sounds) > 20
    assert len({checksum for *_, checksum in pictures}) > len(pictures) / 2
    assert (
        camera_page.evaluate("async (url) => (await fetch(url, { method: 'DELETE' })).status", session) == 200
    )
    camera_page.wait_for_function("publishing.connectionState !== 'connected'", timeout=LIMIT_MS)
