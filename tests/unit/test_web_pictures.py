"""Single pictures and series of them over HTTP: the right ones, made once, for those who may."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from fractions import Fraction
from typing import Any

import aiohttp
import av
import numpy as np
import pytest
from aiohttp import web

from relaycore import Relay, Track, User
from relaycore.http_digest import HttpDigest
from relaycore.settings import PathSettings
from relaycore.web import lasting
from relaycore.web.keys import PICTURES
from relaycore.web.pictures import handlers, multipart, stills
from relaycore.web.pictures.jpeg import JpegEncoder, scaled_size
from relaycore.web.server import Web
from relaycore.web.viewing import Visit, begin_visit
from tests.support.http import TIMEOUT, Raw

ANNA = User(name="anna", password="open sesame")
BO = User(name="bo", password="open barley")

SIZE = (96, 64)


def shade(luma: int, size: tuple[int, int] = SIZE) -> av.VideoFrame:
    """A grey picture."""
    return av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), luma, np.uint8), format="bgr24")


def jpeg_of(frame: av.VideoFrame) -> bytes:
    """A JPEG as RTP can carry it, which means with the tables that everybody has."""
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"huffman": "default", "force_duplicated_matrix": "1"}
    picture = frame.reformat(format="yuvj420p", dst_color_range=2)
    picture.pts = 0
    return b"".join(bytes(packet) for packet in encoder.encode(picture))


def jpeg(luma: int) -> bytes:
    return jpeg_of(shade(luma))


def seen(data: bytes) -> tuple[int, int, float]:
    """Width, height and mean brightness of a JPEG."""
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    (frame,) = decoder.decode(av.Packet(data))
    return frame.width, frame.height, float(frame.to_ndarray(format="gray").mean())


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0) as relay:
        yield relay


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(TIMEOUT)) as session:
        yield session


def url(relay: Relay, target: str) -> str:
    host, port = relay.address
    return f"http://{host}:{port}/{target}"


def pictures_of(relay: Relay) -> Any:
    web = relay._running.web
    assert isinstance(web, Web)
    return web._app[PICTURES]


@pytest.mark.parametrize(
    ("size", "wanted", "expected"),
    [
        ((640, 360), None, (640, 360)),
        ((640, 360), 320, (320, 180)),
        ((640, 360), 4000, (640, 360)),
        ((641, 361), None, (640, 360)),
        ((3000, 2), 16, (16, 2)),
        ((1, 1), None, (2, 2)),
    ],
)
def test_a_picture_is_never_enlarged_and_keeps_its_shape(
    size: tuple[int, int], wanted: int | None, expected: tuple[int, int]
) -> None:
    assert scaled_size(*size, wanted) == expected


@pytest.mark.parametrize("full", [True, False])
def test_colours_stay_what_they_are(full: bool) -> None:
    """Black and white of either range come out as those of a JPEG."""
    for luma, expected in ((16, 0), (235, 255)) if not full else ((0, 0), (255, 255)):
        planes = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
        planes[: SIZE[1]] = luma
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.color_range = 2 if full else 1
        assert seen(JpegEncoder(*SIZE).encode(frame))[2] == pytest.approx(expected, abs=3)


async def test_the_newest_picture_of_motion_jpeg_is_given_as_it_is(
    relay: Relay, http: aiohttp.ClientSession
) -> None:
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        for luma in (40, 90, 200):
            publisher.write(0, newest := jpeg(luma))
        async with http.get(url(relay, "cam/snapshot.jpg")) as response:
            body = await response.read()
            assert (response.status, response.content_type) == (200, "image/jpeg")
            assert response.headers["Cache-Control"] == "private, no-cache"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        # On its way it went through RTP, which leaves out what is no part of the picture.
        assert seen(body) == seen(newest)
        async with http.get(url(relay, "cam/snapshot.jpg?width=48")) as response:
            assert seen(await response.read()) == pytest.approx((48, 32, 200), abs=2)


async def test_the_newest_picture_of_h264_is_decoded(relay: Relay, http: aiohttp.ClientSession) -> None:
    with relay.publish("cam") as publisher:
        for luma in (60, 180):
            await asyncio.to_thread(publisher.write_frame, shade(luma))
        asking = asyncio.create_task(http.get(url(relay, "cam/snapshot.jpg")))
        async with asyncio.timeout(TIMEOUT):
            while not asking.done():
                await asyncio.to_thread(publisher.write_frame, shade(180))
                await asyncio.sleep(0.01)
        async with asking.result() as response:
            width, height, brightness = seen(await response.read())
        assert (width, height) == SIZE
        assert brightness == pytest.approx(180, abs=4)


async def test_who_has_the_picture_already_is_told_so(relay: Relay, http: aiohttp.ClientSession) -> None:
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        publisher.write(0, jpeg(40))
        async with http.get(url(relay, "cam/snapshot.jpg")) as response:
            tag = response.headers["ETag"]
            assert "GMT" in response.headers["Last-Modified"]
        headers = {"If-None-Match": f'"other", W/{tag}'}
        async with http.get(url(relay, "cam/snapshot.jpg"), headers=headers) as response:
            assert (response.status, await response.read()) == (304, b"")
        publisher.write(0, jpeg(50))
        async with asyncio.timeout(TIMEOUT):
            while True:  # until the one before is too old to be given to others
                async with http.get(url(relay, "cam/snapshot.jpg"), headers=headers) as response:
                    if response.status == 200:
                        assert response.headers["ETag"] != tag
                        break


async def test_many_askers_cost_one_picture(
    relay: Relay, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    take = stills.Stills._collect

    async def counted(self: stills.Stills, path: str) -> Any:
        decoded.append(path)
        return await take(self, path)

    monkeypatch.setattr(stills.Stills, "_collect", counted)
    monkeypatch.setattr(stills, "FRESH_S", TIMEOUT)
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        publisher.write(0, jpeg(40))

        async def ask(width: int) -> bytes:
            async with http.get(url(relay, f"cam/snapshot.jpg?width={width}")) as response:
                assert response.status == 200
                return await response.read()

        found = await asyncio.gather(*(ask(32 if number % 2 else 48) for number in range(30)))
        assert len(set(found)) == 2
        assert decoded == ["cam"]
        assert set(pictures_of(relay).stills._taken["cam"].made) == {32, 48}


async def test_a_damaged_picture_is_not_given_while_there_is_a_whole_one(
    relay: Relay, http: aiohttp.ClientSession
) -> None:
    with relay.publish("cam", [Track.of("vp8")]) as publisher:
        publisher.write(0, b"\x10\x02\x00\x9d\x01\x2a\x10\x00\x10\x00garbage")
        async with http.get(url(relay, "cam/snapshot.jpg")) as response:
            assert response.status == 404
            assert "damaged" in (await response.json())["error"]


@pytest.mark.parametrize(
    "query", ["width=15", "width=3841", "width=x", "width=-1", "width=32&width=33", "width=1e9", "width="]
)
@pytest.mark.parametrize("target", ["snapshot.jpg", "mjpeg"])
async def test_wrong_sizes_are_refused(
    relay: Relay, http: aiohttp.ClientSession, query: str, target: str
) -> None:
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        publisher.write(0, jpeg(40))
        async with http.get(url(relay, f"cam/{target}?{query}")) as response:
            assert response.status == 400
            assert "width" in (await response.json())["error"]


@pytest.mark.parametrize("fps", ["0", "0.05", "61", "nan", "inf", "fast"])
async def test_wrong_rates_are_refused(relay: Relay, http: aiohttp.ClientSession, fps: str) -> None:
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        publisher.write(0, jpeg(40))
        async with http.get(url(relay, f"cam/mjpeg?fps={fps}")) as response:
            assert response.status == 400


@pytest.mark.parametrize("target", ["snapshot.jpg", "mjpeg"])
async def test_there_is_no_picture_where_there_is_no_stream(
    relay: Relay, http: aiohttp.ClientSession, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("nowhere", "bad%20path", "..%2fx"):
        async with http.get(url(relay, f"{path}/{target}")) as response:
            assert response.status == 404
    monkeypatch.setattr(stills, "PATIENCE_S", 0.05)
    config = b"\x11\x88"
    with relay.publish("sound", [Track.aac(config)]):
        async with http.get(url(relay, f"sound/{target}")) as response:
            assert response.status == 404
            assert "no pictures" in (await response.json())["error"]
    with relay.publish("silent", [Track.jpeg()]):
        async with http.get(url(relay, "silent/snapshot.jpg")) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("target", ["snapshot.jpg", "mjpeg"])
async def test_only_who_may_read_the_path_sees_it(target: str) -> None:
    paths = {"cam": PathSettings(read=["anna"])}
    login = HttpDigest(ANNA.name, ANNA.password)
    other = HttpDigest(BO.name, BO.password)
    async with Relay(port=0, users=[ANNA, BO], paths=paths) as relay:
        with relay.publish("cam", [Track.jpeg()]) as publisher:
            publisher.write(0, jpeg(40))
            async with aiohttp.ClientSession() as http, http.get(url(relay, f"cam/{target}")) as response:
                assert response.status == 401
                assert "Digest" in response.headers["WWW-Authenticate"]
            async with (
                aiohttp.ClientSession(middlewares=[other]) as http,
                http.get(url(relay, f"cam/{target}")) as response,
            ):
                assert response.status == 403
            async with (
                aiohttp.ClientSession(middlewares=[login]) as http,
                http.get(url(relay, f"cam/{target}")) as response,
            ):
                assert response.status == 200
                if target == "mjpeg":
                    relay.end_sessions("anna")
                    with pytest.raises(aiohttp.ClientPayloadError):
                        await response.read()


class Parts:
    """Reads the parts of a series, and holds them against RFC 2046."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        found = re.fullmatch(
            r"multipart/x-mixed-replace; boundary=([\w-]+)", response.headers["Content-Type"]
        )
        assert found is not None
        self._boundary = f"--{found[1]}\r\n".encode()
        self._content = response.content
        self._begun = False

    async def next(self) -> bytes:
        """The next picture, read to the boundary behind it, which has to come without another picture."""
        async with asyncio.timeout(TIMEOUT):
            if not self._begun:
                assert await self._content.readexactly(len(self._boundary)) == self._boundary
                self._begun = True
            head = (await self._content.readuntil(b"\r\n\r\n")).decode()
            found = re.fullmatch(r"Content-Type: image/jpeg\r\nContent-Length: (\d+)\r\n\r\n", head)
            assert found is not None, head
            picture = await self._content.readexactly(int(found[1]))
            assert await self._content.readexactly(2 + len(self._boundary)) == b"\r\n" + self._boundary
        return picture


async def test_each_picture_comes_as_a_part(relay: Relay, http: aiohttp.ClientSession) -> None:
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        publisher.write(0, jpeg(40))
        async with http.get(url(relay, "cam/mjpeg")) as response:
            assert response.headers["Cache-Control"] == "no-store"
            parts = Parts(response)
            assert seen(await parts.next())[2] == pytest.approx(40, abs=2)
            for luma in (80, 120, 160):
                publisher.write(0, jpeg(luma))
                assert seen(await parts.next())[2] == pytest.approx(luma, abs=2)
            publisher.close()
            async with asyncio.timeout(TIMEOUT):
                assert await response.content.read() == b""


async def test_h264_is_made_to_pictures_once_for_all_who_watch(
    relay: Relay, http: aiohttp.ClientSession
) -> None:
    await relay.add_camera("cam", camera="pattern", size="320x240", fps=30, microphone="none")
    series = pictures_of(relay).series
    async with (
        http.get(url(relay, "cam/mjpeg?width=160")) as one,
        http.get(url(relay, "cam/mjpeg?width=160")) as two,
    ):
        for parts in (Parts(one), Parts(two)):
            assert seen(await parts.next())[:2] == (160, 120)
        assert len(series) == 1
    async with asyncio.timeout(TIMEOUT):
        while len(series):
            async with http.get(url(relay, "healthz")):
                pass


async def test_fewer_pictures_come_where_fewer_are_wanted(relay: Relay, http: aiohttp.ClientSession) -> None:
    """By the times of capture, which the test sets."""
    second = 1_000_000_000
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        publisher.write(0, jpeg(10), captured_ns=second)
        async with http.get(url(relay, "cam/mjpeg?fps=2")) as response:
            parts = Parts(response)
            assert seen(await parts.next())[2] == pytest.approx(10, abs=2)
            for tenths in range(1, 5):
                publisher.write(0, jpeg(100), captured_ns=second + tenths * second // 10)
            publisher.write(0, jpeg(200), captured_ns=second + second // 2)
            assert seen(await parts.next())[2] == pytest.approx(200, abs=2)


async def test_there_are_only_so_many_series(
    relay: Relay, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multipart, "MOST_SERIES", 1)
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        publisher.write(0, jpeg(40))
        async with http.get(url(relay, "cam/mjpeg")) as response:
            assert response.status == 200
            async with http.get(url(relay, "cam/mjpeg")) as same:
                assert same.status == 200
            async with http.get(url(relay, "cam/mjpeg?fps=5")) as other:
                assert (other.status, other.headers["Retry-After"]) == (503, "1")


async def test_who_reads_nothing_holds_up_nobody_and_is_left() -> None:
    """Its pictures are the newest once it reads again; when it does not, its connection is closed."""
    async with AsyncExitStack() as stack, Relay(port=0, limits={"http_timeout_s": 1}) as relay:
        noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
        large = jpeg_of(av.VideoFrame.from_ndarray(noise, format="bgr24"))
        with relay.publish("cam", [Track.jpeg()]) as publisher:
            publisher.write(0, large)
            stalled = await Raw.connect(relay.address)
            stack.push_async_callback(stalled.close)
            stalled.send(b"GET /cam/mjpeg HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with aiohttp.ClientSession() as http, http.get(url(relay, "cam/mjpeg")) as response:
                parts = Parts(response)
                (only,) = pictures_of(relay).series._series.values()
                async with asyncio.timeout(TIMEOUT):
                    while only.viewers < 2:
                        await parts.next()
                        publisher.write(0, large)
                    while only.viewers == 2:
                        await parts.next()
                        publisher.write(0, large)


async def test_who_looks_again_and_again_is_one_session_until_that_stops(
    relay: Relay, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "IDLE_S", 0.3)
    events = relay.events()
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        publisher.write(0, jpeg(40))
        for width in (16, 32, 64):
            async with http.get(url(relay, f"cam/snapshot.jpg?width={width}")) as response:
                assert response.status == 200
        (session,) = relay.sessions()
        assert (session.protocol, session.path) == ("mjpeg", "cam")
        assert session.first_picture_ns is not None
        assert session.bytes > 0
        async with asyncio.timeout(TIMEOUT):
            while relay.sessions():
                await anext(events)


async def test_a_series_is_a_session_and_ends_when_that_does(
    relay: Relay, http: aiohttp.ClientSession
) -> None:
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        publisher.write(0, jpeg(40))
        async with http.get(url(relay, "cam/mjpeg")) as response:
            await Parts(response).next()
            (session,) = relay.sessions()
            assert session.protocol == "mjpeg"
            assert session.user_agent == response.request_info.headers["User-Agent"]
            assert relay.kick(session.id)
            async with asyncio.timeout(TIMEOUT):
                with pytest.raises(aiohttp.ClientPayloadError):
                    await response.read()


async def test_who_leaves_before_the_answer_leaves_no_session_and_is_no_mistake_of_the_relay(
    relay: Relay,
    http: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def begin_and_lose(request: web.Request, *arguments: Any) -> Visit:
        visit = await begin_visit(request, *arguments)
        assert request.transport is not None
        request.transport.abort()
        return visit

    monkeypatch.setattr(handlers, "begin_visit", begin_and_lose)
    with relay.publish("cam", [Track.jpeg()]) as publisher:
        publisher.write(0, jpeg(40))
        with pytest.raises(aiohttp.ClientError):
            await http.get(url(relay, "cam/mjpeg"))
        async with asyncio.timeout(TIMEOUT):
            while relay.sessions():  # noqa: ASYNC110 (nothing is told to a test of the end of one)
                await asyncio.sleep(0)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("target", ["snapshot.jpg", "mjpeg"])
async def test_there_are_as_many_viewers_as_the_path_may_have(
    http: aiohttp.ClientSession, target: str
) -> None:
    async with Relay(port=0, paths={"cam": PathSettings(most_readers=1)}) as relay:
        with relay.publish("cam", [Track.jpeg()]) as publisher:
            publisher.write(0, jpeg(40))
            async with http.get(url(relay, "cam/mjpeg")) as response:
                await Parts(response).next()
                async with http.get(url(relay, f"cam/{target}")) as refused:
                    assert refused.status == 503
                    assert "readers" in (await refused.json())["error"]
