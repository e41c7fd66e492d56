"""H.265, VP8, VP9 and AV1 from an application to players: each decodes the pictures that the encoder made."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import av
import pytest

from relaycore import AccessUnitReader, Publisher, Relay, Track, now_ns
from tests.support.processes import first_bytes, run

GOLDEN = Path(__file__).parent.parent / "golden"

FILES = {
    "h265": "h265/open_gop.h265",
    "vp8": "vp8/partitions.ivf",
    "vp9": "vp9/superframes.ivf",
    "av1": "av1/hidden_frames.ivf",
}
"""A stream of each codec, made by ``tests/golden/make_video.py``."""

PICTURES = 30
"""Pictures to decode: the streams are repeated to be long enough."""

PERIOD = 1 / 30
"""Seconds from picture to picture."""

GSTREAMER = {
    "h265": "rtph265depay ! h265parse ! avdec_h265",
    "vp8": "rtpvp8depay ! vp8dec",
    "vp9": "rtpvp9depay ! vp9dec",
}
"""How GStreamer of Debian reads each codec; its AV1 depayloader came later."""

DECODERS = {"h265": "hevc", "vp8": "vp8", "vp9": "vp9", "av1": "libdav1d"}
"""FFmpeg's decoder of each codec."""

Play = Callable[[str, str, Path], list[str]]
"""Decodes from a URL, over a transport, and gives the digest of each picture."""


def digest(frame: av.VideoFrame) -> str:
    """The digest of a picture's samples."""
    return hashlib.md5(frame.to_ndarray(format="yuv420p").tobytes()).hexdigest()


def play_pyav(url: str, transport: str, directory: Path) -> list[str]:
    """PyAV with the newest FFmpeg."""
    found: list[str] = []
    with av.open(url, options={"rtsp_transport": transport}, timeout=20.0) as container:
        for frame in container.decode(video=0):
            found.append(digest(frame))
            if len(found) == PICTURES:
                return found
    raise AssertionError(f"the stream ended after {len(found)} pictures")


def play_ffmpeg(url: str, transport: str, directory: Path) -> list[str]:
    """Debian's ffmpeg."""
    source = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", transport, "-i", url]
    pictures = ["-fps_mode", "passthrough", "-frames:v", str(PICTURES), "-pix_fmt", "yuv420p"]
    lines = run([*source, *pictures, "-f", "framemd5", "-"]).splitlines()
    return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]


def play_gstreamer(codec: str) -> Play:
    """GStreamer's rtspsrc."""

    def play(url: str, transport: str, directory: Path) -> list[str]:
        width, height = size(codec)
        source = f"rtspsrc location={url} protocols={transport} latency=200 ! {GSTREAMER[codec]}"
        pipeline = f"{source} ! videoconvert ! video/x-raw,format=I420 ! fdsink"
        command = ["gst-launch-1.0", "--quiet", *pipeline.split()]
        picture_bytes = width * height * 3 // 2
        raw = first_bytes(command, picture_bytes * PICTURES, directory)
        pictures = [raw[start : start + picture_bytes] for start in range(0, len(raw), picture_bytes)]
        return [hashlib.md5(picture).hexdigest() for picture in pictures]

    return play


def size(codec: str) -> tuple[int, int]:
    """Width and height of a codec's stream."""
    with av.open(str(GOLDEN / FILES[codec])) as container:
        video = container.streams.video[0]
        return video.width, video.height


def access_units(codec: str) -> list[bytes]:
    """The access units of a codec's stream, as FFmpeg's demuxers give them."""
    with av.open(str(GOLDEN / FILES[codec])) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def encoded(codec: str) -> list[str]:
    """The digests of the pictures that a codec's stream holds."""
    with av.open(str(GOLDEN / FILES[codec])) as container:
        return [digest(frame) for frame in container.decode(video=0)]


def assert_in_sequence(found: list[str], codec: str) -> None:
    """Each picture is the one after the one before it, in the stream that is repeated."""
    pictures = encoded(codec)
    assert len(set(pictures)) == len(pictures)
    numbers = [pictures.index(picture) if picture in pictures else None for picture in found]
    assert len(numbers) == PICTURES
    for number, following in pairwise(numbers):
        assert number is not None, numbers
        assert following == (number + 1) % len(pictures), numbers


@asynccontextmanager
async def published(relay: Relay, codec: str) -> AsyncIterator[str]:
    """Publish a codec's stream again and again, and give its URL."""
    publisher = relay.publish("own", [Track.of(codec)], can_force_key_frames=False)

    async def feed(publisher: Publisher) -> None:
        units, start, number = access_units(codec), now_ns(), 0
        while True:
            captured_ns = start + round(number * PERIOD * 1e9)
            publisher.write(0, units[number % len(units)], captured_ns=captured_ns)
            number += 1
            # The rate of the pictures, which is what a live source has; nothing is waited for.
            await asyncio.sleep((captured_ns - now_ns()) / 1e9 + PERIOD)

    feeding = asyncio.create_task(feed(publisher))
    try:
        yield relay.urls("own")[0]
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        publisher.close()


PLAYS: list[tuple[str, str, Play]] = [
    *((codec, "pyav", play_pyav) for codec in FILES),
    *((codec, "ffmpeg", play_ffmpeg) for codec in GSTREAMER),
    *((codec, "gstreamer", play_gstreamer(codec)) for codec in GSTREAMER),
]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(("codec", "play"), [pytest.param(c, p, id=f"{c}-{name}") for c, name, p in PLAYS])
async def test_players_decode_what_was_encoded(
    codec: str, play: Play, transport: str, tmp_path: Path
) -> None:
    async with Relay(port=0) as relay, published(relay, codec) as url:
        found = await asyncio.to_thread(play, url, transport, tmp_path)
    assert_in_sequence(found, codec)


@pytest.mark.parametrize("codec", FILES)
async def test_access_units_of_the_library_decode_to_what_was_encoded(codec: str) -> None:
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    found: list[str] = []

    async def decode(reader: AccessUnitReader) -> None:
        async for unit in reader:
            frames = decoder.decode(av.Packet(unit.data))
            found.extend(digest(frame) for frame in frames)
            if len(found) >= PICTURES:
                return

    async with Relay(port=0) as relay, published(relay, codec):
        async with asyncio.timeout(20):
            await decode(relay.read("own"))
    assert_in_sequence(found[:PICTURES], codec)


@pytest.mark.parametrize("codec", FILES)
async def test_decoded_pictures_of_the_library_are_those_that_were_encoded(codec: str) -> None:
    pictures = encoded(codec)
    async with Relay(port=0) as relay, published(relay, codec), relay.frames("own") as frames:
        async with asyncio.timeout(20):
            found = [digest(await anext(frames)) for _ in range(PICTURES)]
    # A program that is slower than the stream gets the newest picture: some may be missing.
    assert set(found) <= set(pictures)
