"""The names that recorders guess lead to the only camera."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import av
import pytest

from relaycore import Relay
from relaycore.http_digest import HttpDigest
from relaycore.paths.aliases import aliases_of, path_of
from relaycore.settings import CameraSettings, Config, PathSettings, User

MAIN, SUB = (1280, 720), (640, 360)

PATIENCE = 60.0
"""Seconds after which a test that waits has failed."""


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    camera = CameraSettings(camera="pattern", size="1280x720", fps=30, encoder="libx264")
    async with asyncio.timeout(PATIENCE), Relay(Config(port=0, cameras={"front": camera})) as relay:
        yield relay


def size_of(url: str, transport: str = "tcp") -> tuple[int, int]:
    """The size of the first picture that FFmpeg decodes, with all tracks set up."""
    with av.open(url, options={"rtsp_transport": transport}, timeout=PATIENCE) as container:
        frame = next(container.decode(video=0))
        return frame.width, frame.height


@pytest.mark.parametrize(
    ("name", "size", "transport"),
    [
        ("stream1", MAIN, "tcp"),
        ("Streaming/Channels/102", SUB, "udp"),
        ("cam/realmonitor?channel=1&subtype=0", MAIN, "tcp"),
        ("cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif", SUB, "tcp"),
        ("front/sub", SUB, "tcp"),
    ],
)
async def test_ffmpeg_plays_by_guessed_names(
    relay: Relay, name: str, size: tuple[int, int], transport: str
) -> None:
    url = f"rtsp://127.0.0.1:{relay.address[1]}/{name}"
    assert await asyncio.to_thread(size_of, url, transport) == size


async def status_of(relay: Relay, name: str) -> int:
    """The status of an answer to DESCRIBE."""
    host, port = relay.address
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"DESCRIBE rtsp://{host}:{port}/{name} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


async def test_every_name_is_found_and_no_other(relay: Relay) -> None:
    for name in ("h264", "live.sdp", "media.amp", "Streaming/Channels/1", "11", "12", "stream2"):
        assert await status_of(relay, name) == 200, name
    for name in ("stream3", "cam/realmonitor", "cam/realmonitor?channel=2&subtype=0", "front/h264"):
        assert await status_of(relay, name) == 404, name


async def test_a_second_camera_or_the_setting_ends_them(relay: Relay) -> None:
    await relay.add_camera("back", camera="pattern", size="320x180", encoder="libx264")
    assert await status_of(relay, "stream1") == 404
    await relay.remove_camera("back")
    assert await status_of(relay, "stream1") == 200
    await relay.reload(Config(port=0, cameras=relay.config.cameras, aliases=False))
    assert await status_of(relay, "stream1") == 404


async def test_a_stream_and_a_path_of_that_name_go_first(relay: Relay) -> None:
    with relay.publish("stream2"):
        assert relay.named_path("stream2") == "stream2"
    assert relay.named_path("stream2") == "front/sub"
    await relay.set_path("stream2", PathSettings(read=False))
    assert await status_of(relay, "stream2") in (401, 403)


async def test_rules_are_those_of_the_camera(relay: Relay) -> None:
    await relay.set_path("front", PathSettings(read=False))
    for name in ("stream1", "stream2", "front/sub"):
        assert await status_of(relay, name) == 403, name


async def test_a_picture_by_a_guessed_name_takes_digest() -> None:
    camera = CameraSettings(camera="pattern", size="320x180", fps=30, encoder="libx264")
    config = Config(port=0, cameras={"front": camera}, users=[User(name="anna", password="secret of anna")])
    async with asyncio.timeout(PATIENCE), Relay(config) as relay:
        base = f"http://127.0.0.1:{relay.address[1]}"
        digest = HttpDigest("anna", "secret of anna")
        async with aiohttp.ClientSession() as stranger, aiohttp.ClientSession(middlewares=[digest]) as anna:
            for url in ("/snapshot.jpg", "/stream1/snapshot.jpg", "/stream2/snapshot.jpg"):
                async with stranger.get(base + url) as answer:
                    assert answer.status == 401
                async with anna.get(base + url) as answer:
                    assert answer.status == 200
                    assert (await answer.read()).startswith(b"\xff\xd8")


def test_names_are_there_for_exactly_one_camera() -> None:
    assert aliases_of([], ()) == []
    assert aliases_of(["a", "b"], ()) == []
    one = aliases_of(["stream1"], {"12"})
    assert path_of(one, "stream1", "") is None
    assert path_of(one, "12", "") is None
    assert path_of(one, "cam/realmonitor", "subtype=1&channel=1") == "stream1/sub"
    assert path_of(one, "cam/realmonitor", "subtype=1") is None
