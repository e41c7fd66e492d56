"""Every codec that ffmpeg and GStreamer publish, read by ffmpeg: it decodes without an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from relaycore import Relay
from relaycore.events import StreamAdded
from tests.support.processes import run

GOLDEN = Path(__file__).parent.parent / "golden"

LIMIT = 20.0
"""Seconds until a stream that does not come fails a test."""

FRAMES = 20
"""Pictures, or blocks of sound, to decode."""

PICTURES = "-re -f lavfi -i testsrc2=size=160x96:rate=25"
SOUND = "-re -f lavfi -i sine=440:sample_rate=48000 -ac 2"

FFMPEG = {
    "mpeg4": f"-re -stream_loop -1 -i {GOLDEN}/mpeg/mpeg4.m4v -c copy",
    "mpegvideo": f"-re -stream_loop -1 -i {GOLDEN}/mpeg/mpeg1.m1v -c copy",
    "jpeg": f"{PICTURES} -c:v mjpeg -huffman default -force_duplicated_matrix 1",
    "h264": f"{PICTURES} -c:v libx264 -preset ultrafast -g 25",
    "h264-intra-refresh": f"{PICTURES} -c:v libx264 -x264-params intra-refresh=1:keyint=10:bframes=0",
    "h265": f"{PICTURES} -c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25",
    "vp8": f"{PICTURES} -c:v libvpx -deadline realtime -g 25",
    "vp9": f"{PICTURES} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25 -strict experimental",
    "aac": f"{SOUND} -c:a aac",
    "latm": f"{SOUND} -c:a aac -flags +global_header -rtpflags latm",
    "opus": f"{SOUND} -c:a libopus",
    "pcmu": f"{SOUND} -ac 1 -ar 8000 -c:a pcm_mulaw",
    "pcma": f"{SOUND} -ar 16000 -c:a pcm_alaw",
    "g722": f"{SOUND} -ac 1 -ar 16000 -c:a g722",
    "l16": f"{SOUND} -c:a pcm_s16be",
    "layer2": f"{SOUND} -c:a mp2",
    "layer3": f"{SOUND} -c:a libmp3lame",
}
"""What ffmpeg publishes: its options."""

PATTERN = "videotestsrc is-live=true ! video/x-raw,width=160,height=96,framerate=25/1,format=I420"
TONE = "audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! audioconvert"

GSTREAMER = {
    "mpegts": f"{PATTERN} ! x264enc tune=zerolatency key-int-max=25 ! mpegtsmux alignment=7",
    "jpeg-422": f"{PATTERN.replace('I420', 'Y42B')} ! jpegenc",
    "aac": f"{TONE} ! avenc_aac ! aacparse",
    "ac3": f"{TONE} ! avenc_ac3 ! ac3parse",
}
"""What GStreamer publishes: a pipeline up to its sink."""


def ffmpeg(options: str, url: str) -> list[str]:
    """The command with which ffmpeg publishes."""
    return ["ffmpeg", "-v", "error", "-nostdin", *options.split(), "-f", "rtsp", url]


def gstreamer(pipeline: str, url: str) -> list[str]:
    """The command with which GStreamer publishes."""
    sink = f"rtspclientsink name=sink location={url} protocols=tcp"
    return ["gst-launch-1.0", "--quiet", *sink.split(), *pipeline.split(), "!", "sink."]


@asynccontextmanager
async def published(relay: Relay, command: list[str]) -> AsyncIterator[None]:
    """Run a publisher; the stream is there."""
    events = relay.events()
    quiet = asyncio.subprocess.DEVNULL
    publisher = await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet)
    try:
        async with asyncio.timeout(LIMIT):
            while not isinstance(await anext(events), StreamAdded):
                pass
        yield
    finally:
        publisher.kill()
        await publisher.wait()


def decode(url: str) -> None:
    """Decode some frames with ffmpeg, which fails at the first error."""
    reader = ["ffmpeg", "-v", "error", "-xerror", "-nostdin", "-rtsp_transport", "tcp", "-i", url]
    output = ["-frames:v", str(FRAMES), "-frames:a", str(FRAMES), "-f", "framemd5", "-"]
    lines = run([*reader, *output]).splitlines()
    assert len([line for line in lines if not line.startswith("#")]) == FRAMES


@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in FFMPEG.items()])
async def test_what_ffmpeg_publishes_decodes(options: str) -> None:
    async with Relay(port=0) as relay:
        url = relay.urls("live")[0]
        async with published(relay, ffmpeg(options, url)):
            await asyncio.to_thread(decode, url)


@pytest.mark.parametrize(
    "pipeline", [pytest.param(pipeline, id=name) for name, pipeline in GSTREAMER.items()]
)
async def test_what_gstreamer_publishes_decodes(pipeline: str) -> None:
    async with Relay(port=0) as relay:
        url = relay.urls("live")[0]
        async with published(relay, gstreamer(pipeline, url)):
            await asyncio.to_thread(decode, url)
