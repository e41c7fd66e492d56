"""Programs that listen: each reads a URL over a transport and gives the sound that came, still encoded."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import av

from tests.interop.publish.programs import FFMPEG, GSTREAMER
from tests.interop.publish.running import LIMIT

__all__ = ["LISTEN", "Listen"]

Listen = Callable[[str, str, str, int, Path], bytes]
"""Takes so many bytes of a clip at a URL over a transport (``tcp``, ``udp`` or ``http``)."""

DEPAYLOADERS = {
    "aac": "rtpmp4gdepay",
    "opus": "rtpopusdepay",
    "pcmu": "rtppcmudepay",
    "pcma": "rtppcmadepay",
    "g722": "rtpg722depay",
    "l16": "rtpL16depay",
    "mp2": "rtpmpadepay",
    "mp3": "rtpmpadepay",
    "ac3": "rtpac3depay",
}
"""GStreamer's element for each format."""


def ffmpeg(form: str, url: str, transport: str, wanted: int, directory: Path) -> bytes:
    """Debian's ffmpeg, which copies what comes."""
    source = ["-rtsp_transport", transport, "-i", url, "-map", "0", "-c", "copy", "-f", "data", "-"]
    return _first_bytes([FFMPEG, "-v", "error", "-nostdin", *source], wanted, directory)


def gstreamer(form: str, url: str, transport: str, wanted: int, directory: Path) -> bytes:
    """GStreamer's rtspsrc."""
    if transport == "http":
        url, transport = url.replace("rtsp://", "rtsph://"), "tcp"
    source = f"rtspsrc location={url} protocols={transport} latency=200"
    pipeline = f"{source} ! application/x-rtp ! {DEPAYLOADERS[form]} ! fdsink"
    return _first_bytes([GSTREAMER, "--quiet", *pipeline.split()], wanted, directory)


def pyav(form: str, url: str, transport: str, wanted: int, directory: Path) -> bytes:
    """PyAV, as a program in Python reads a stream."""
    sound = bytearray()
    with av.open(url, options={"rtsp_transport": transport}, timeout=LIMIT) as container:
        for packet in container.demux(audio=0):
            sound += bytes(packet)
            if len(sound) >= wanted:
                break
    return bytes(sound[:wanted])


def _first_bytes(command: list[str], wanted: int, directory: Path) -> bytes:
    complaints = directory / "complaints"
    with (
        complaints.open("wb") as errors,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as player,
    ):
        assert player.stdout is not None
        try:
            sound = player.stdout.read(wanted)
        finally:
            player.kill()
    assert len(sound) == wanted, f"{command} ended after {len(sound)} bytes: {complaints.read_text()}"
    return sound


LISTEN: dict[str, Listen] = {"ffmpeg": ffmpeg, "gstreamer": gstreamer, "pyav": pyav}
"""The programs by name."""
