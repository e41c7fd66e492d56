"""Paths with sources and forwards, with ffmpeg on the other side."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

from relaycore import PathSettings, Relay
from relaycore.events import ForwardFailed, StreamAdded
from tests.interop.recording import read_file
from tests.support.events import of_kind
from tests.support.media import make_media
from tests.support.processes import run
from tests.support.server import serve

SHADE = 160
PICTURES = 40


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of one shade of grey, with a tone."""
    place = tmp_path_factory.mktemp("media") / "grey.mp4"
    return make_media(place, sound="aac", shade=SHADE, size=(320, 240))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def is_grey(place: Path, pictures: int) -> bool:
    found = read_file(place, limit=pictures)
    assert len(found.pictures) == pictures
    return bool(abs(found.pictures.mean(axis=(1, 2, 3)) - SHADE).max() < 8)


async def record(url: str, output: Path) -> None:
    """What ffmpeg decodes of a URL, over the end of the file and its beginning."""
    await asyncio.to_thread(
        run,
        [
            *("ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url, "-an"),
            *("-frames:v", str(PICTURES), "-c:v", "rawvideo", "-pix_fmt", "rgb24", str(output)),
        ],
    )


async def test_ffmpeg_opens_a_file_that_is_repeated(file: Path, tmp_path: Path) -> None:
    settings = PathSettings(source=str(file), source_on_demand=True)
    async with Relay(port=0, paths={"door": settings}) as relay:
        await record(relay.urls("door")[0], tmp_path / "a.nut")
    assert is_grey(tmp_path / "a.nut", PICTURES)


async def test_ffmpeg_opens_h264_made_of_mpeg4(tmp_path: Path) -> None:
    source = make_media(tmp_path / "a.avi", video="mpeg4", shade=SHADE, size=(320, 240))
    settings = PathSettings(source=str(source), source_on_demand=True, transcode="auto")
    async with Relay(port=0, paths={"door": settings}) as relay:
        await record(relay.urls("door/h264")[0], tmp_path / "a.nut")
    assert is_grey(tmp_path / "a.nut", PICTURES)


async def test_a_path_is_forwarded_over_rtmp_when_the_server_is_there(file: Path, tmp_path: Path) -> None:
    url = f"rtmp://127.0.0.1:{free_port()}/app/key"
    output = tmp_path / "forwarded.flv"
    settings = PathSettings(source=str(file), forward=[url])
    async with Relay(port=0) as relay:
        events = relay.events()
        await relay.set_path("door", settings)
        assert (await of_kind(events, ForwardFailed)).target == url
        command = ["ffmpeg", "-v", "error", "-nostdin", "-listen", "1", "-i", url, "-c", "copy"]
        await asyncio.to_thread(run, [*command, "-frames:v", str(PICTURES), str(output)])
    assert is_grey(output, PICTURES - 5)


async def test_a_path_is_forwarded_over_rtsp_to_another_relay(file: Path, tmp_path: Path) -> None:
    async with Relay(port=0) as target:
        url = target.urls("copy")[0]
        events = target.events()
        async with Relay(port=0, paths={"door": PathSettings(source=str(file), forward=[url])}):
            assert (await of_kind(events, StreamAdded)).path == "copy"
            await record(url, tmp_path / "a.nut")
    assert is_grey(tmp_path / "a.nut", PICTURES)


@pytest.mark.parametrize("codec", ["opus", "aac"])
def test_ffmpeg_hears_the_sound_of_a_path_by_itself(tmp_path: Path, codec: str) -> None:
    """AAC of the pattern as Opus, and the G.711 that ffmpeg publishes as AAC."""
    output = tmp_path / "a.nut"
    with serve("--camera", "pattern", "--size", "320x240", "--fps", "30") as server:
        url = server.url
        publish: subprocess.Popen[bytes] | None = None
        if codec == "aac":
            url = server.url_of("phone")
            tone = ("-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=8000", "-c:a", "pcm_mulaw")
            publish = subprocess.Popen(
                (
                    "ffmpeg",
                    "-v",
                    "error",
                    "-nostdin",
                    "-re",
                    *tone,
                    "-f",
                    "rtsp",
                    "-rtsp_transport",
                    "tcp",
                    url,
                )
            )
        try:
            record_sound(f"{url}/{codec}", output)
        finally:
            if publish is not None:
                publish.kill()
                publish.wait()
    found = read_file(output)
    power = abs(np.fft.rfft(found.sound)) ** 2
    loudest = np.fft.rfftfreq(len(found.sound), 1 / found.sound_rate)[power.argmax()]
    assert loudest == pytest.approx(1000, abs=20)


def record_sound(url: str, output: Path) -> None:
    """Two seconds of a URL, which may not be there at first."""
    play = ("ffmpeg", "-v", "error", "-nostdin", "-y", "-rtsp_transport", "tcp", "-i", url, "-t", "2")
    for _ in range(20):
        done = subprocess.run((*play, "-c:a", "pcm_s16le", str(output)), timeout=45, check=False)
        if done.returncode == 0:
            return
    raise AssertionError(f"{url} cannot be played")
