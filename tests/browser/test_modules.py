"""What the player decides by itself: which way, when again, how fast, and what it reads of what it gets."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.film import make_fragments
from tests.browser.modules import call

ALL = {"webrtc": True, "mse": True, "hls": True, "mjpeg": True}
OFFERED = list(ALL)


@pytest.fixture
def page(page: Page, site: str) -> Page:
    """A page of the relay that allows what the tests do."""
    page.goto(f"{site}/healthz")
    return page


@pytest.mark.parametrize(
    ("abilities", "offered", "wishes", "order"),
    [
        (ALL, OFFERED, {}, ["webrtc", "mse", "hls", "mjpeg"]),
        ({**ALL, "webrtc": False}, OFFERED, {}, ["mse", "hls", "mjpeg"]),
        ({"hls": True, "mjpeg": True}, OFFERED, {}, ["hls", "mjpeg"]),
        (ALL, ["mjpeg", "mse"], {}, ["mse", "mjpeg"]),
        (ALL, OFFERED, {"only": ["mjpeg", "hls"]}, ["hls", "mjpeg"]),
        (ALL, OFFERED, {"codecs": ["H265", "OPUS"]}, ["mse", "hls", "mjpeg"]),
        (ALL, OFFERED, {"codecs": ["H264", "MPEG4-GENERIC"]}, ["webrtc", "mse", "hls", "mjpeg"]),
        ({}, OFFERED, {}, []),
        (ALL, OFFERED, {"silent": ["webrtc", "mjpeg"]}, ["webrtc", "mse", "hls", "mjpeg"]),
        (ALL, OFFERED, {"silent": ["webrtc", "mjpeg"], "sound": True}, ["mse", "hls", "webrtc", "mjpeg"]),
    ],
)
def test_the_fastest_way_that_is_possible_comes_first(
    page: Page, abilities: dict[str, bool], offered: list[str], wishes: dict[str, Any], order: list[str]
) -> None:
    assert call(page, "choose.js", "return m.choose(...a)", abilities, offered, wishes) == order


PAUSES = "return a[0].map((attempts) => m.pauseAfter(attempts, () => a[1]))"


def test_pauses_double_up_to_a_bound_and_are_no_two_viewers_the_same(page: Page) -> None:
    longest = call(
        page, "backoff.js", "return a[0].map((n) => m.pauseAfter(n, () => 1))", [1, 2, 3, 4, 5, 6, 60]
    )
    assert longest == [0.5, 1, 2, 4, 8, 15, 15]
    shortest = call(page, "backoff.js", PAUSES, [1, 6], 0)
    assert shortest == [0.25, 7.5]


@pytest.mark.parametrize(
    ("now", "ranges", "rate", "jumps"),
    [
        (0, [], 1, False),
        (9.9, [[0, 10]], 1, False),
        (9.99, [[0, 10]], 0.97, False),
        (9.75, [[0, 10]], 1.04, False),
        (9.5, [[0, 10]], 1.1, False),
        (5, [[0, 10]], 1, True),
        (0, [[100, 100.5]], 1, True),
        (9.5, [[0, 10], [10.1, 10.3]], 1, False),
        (10.05, [[0, 10], [10.1, 10.3]], 1, True),
        (3, [[0, 10], [20, 30]], 1, True),
    ],
    ids=[
        "nothing is there",
        "as it should be",
        "little in hand",
        "a little late",
        "late",
        "far behind",
        "before all",
        "a gap is coming",
        "in a gap",
        "what was left out",
    ],
)
def test_it_stays_at_the_live_edge(
    page: Page, now: float, ranges: list[list[float]], rate: float, jumps: bool
) -> None:
    found = call(page, "live_edge.js", "return new m.LiveEdge().steer(...a)", now, ranges)
    assert found["rate"] == rate
    assert (found["jump"] is not None) == jumps
    if jumps:
        start, end = ranges[-1]
        assert max(start, end - 0.2) <= found["jump"] <= end


def test_it_keeps_more_in_hand_where_that_was_too_little(page: Page) -> None:
    first, after, later = call(
        page,
        "live_edge.js",
        "const e = new m.LiveEdge(); const t = [e.target]; for (let i = 0; i < 20; i++) e.starved();"
        "t.push(e.target); e.wentWell(10000); t.push(e.target); return t",
    )
    assert first < after == 1.5
    assert later < first


PARTS = [b"\xff\xd8one\xff\xd9", b"", b"\r\n\r\n--b\r\ninside\r\n"]


def multipart(parts: list[bytes], head: str = "Content-Length: {}") -> bytes:
    return b"".join(
        b"--b\r\nX: y\r\n" + head.format(len(part)).encode() + b"\r\n\r\n" + part + b"\r\n" for part in parts
    )


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_parts_are_put_together_wherever_they_were_cut(page: Page, step: int) -> None:
    body = multipart(PARTS)
    pieces = [list(body[at : at + step]) for at in range(0, len(body), step)]
    found = call(
        page,
        "parts.js",
        "const reader = new m.PartReader('b');"
        "return a[0].flatMap((piece) => reader.push(new Uint8Array(piece))).map((part) => [...part])",
        pieces,
    )
    assert [bytes(part) for part in found] == PARTS


@pytest.mark.parametrize(
    "body",
    [
        multipart([b"x"], "X: {}"),
        multipart([b"x"], "Content-Length: 99999999999"),
        b"x" * 9000,
        b"--c\r\n\r\n",
    ],
    ids=["no length", "too long", "no head", "another boundary"],
)
def test_parts_that_cannot_be_read_are_refused(page: Page, body: bytes) -> None:
    found = call(
        page,
        "parts.js",
        "try { new m.PartReader('b').push(new Uint8Array(a[0])); } catch (error) { return error.message }",
        list(body),
    )
    assert "part" in found


def test_codecs_are_read_of_the_initialisation(page: Page) -> None:
    init, *fragments = make_fragments(io.BytesIO())
    assert len(fragments) > 3
    script = """
    const bytes = Uint8Array.from(atob(a[0]), (c) => c.charCodeAt(0)).buffer;
    const found = m.readInit(bytes);
    const supported = MediaSource.isTypeSupported(found.mime);
    return [found.mime, found.hasSound, [...found.timescales.keys()], supported]"""
    mime, has_sound, tracks, supported = call(page, "mp4.js", script, base64.b64encode(init).decode())
    assert mime.startswith('video/mp4; codecs="avc1.')
    assert "mp4a.40.2" in mime
    assert has_sound
    assert tracks == [1, 2]
    assert supported


@pytest.mark.parametrize("size", [0, 4, 7, 8, 40, 300])
def test_cut_boxes_end_nothing(page: Page, size: int) -> None:
    init = make_fragments(io.BytesIO())[0]
    script = """
    const bytes = Uint8Array.from(atob(a[0]), (c) => c.charCodeAt(0)).buffer;
    m.readInit(bytes); m.referenceTime(bytes, new Map()); return m.firstBox(bytes)"""
    assert call(page, "mp4.js", script, base64.b64encode(init[:size]).decode()) in ("", "ftyp")


def test_the_time_of_a_picture_is_read_of_its_fragment(page: Page) -> None:
    """1970-01-01 00:00:10.5 at 2.5 seconds of media time."""
    ntp = (2208988800 + 10).to_bytes(4, "big") + (1 << 31).to_bytes(4, "big")
    body = b"\1\0\0\0" + (1).to_bytes(4, "big") + ntp + (225_000).to_bytes(8, "big")
    box = (8 + len(body)).to_bytes(4, "big") + b"prft" + body
    script = "return m.referenceTime(new Uint8Array(a[0]).buffer, new Map([[1, 90000]]))"
    assert call(page, "mp4.js", script, list(box)) == {"wallclock": 10_500, "media": 2.5}
