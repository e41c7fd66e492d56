"""Programs that listen: each reads a URL over a transport and gives the sound that came, still encoded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av

from tests.interop.publish.programs import FFMPEG, GSTREAMER
from tests.interop.publish.running import LIMIT
from tests.support.processes import first_bytes

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
    return first_bytes([FFMPEG, "-v", "error", "-nostdin", *source], wanted, directory)


def gstreamer(form: str, url: str, transport: str, wanted: int, directory: Path) -> bytes:
    """GStreamer's rtspsrc."""
    if transport == "http":
        url, transport = url.replace("rtsp://", "rtsph://"), "tcp"
    source = f"rtspsrc location={url} protocols={transport} latency=200"
    pipeline = f"{source} ! application/x-rtp ! {DEPAYLOADERS[form]} ! fdsink"
    return first_bytes([GSTREAMER, "--quiet", *pipeline.split()], wanted, directory)


def pyav(form: str, url: str, transport: str, wanted: int, directory: Path) -> bytes:
    """PyAV, as a program in Python reads a stream."""
    sound = bytearray()
    with av.open(url, options={"rtsp_transport": transport}, timeout=LIMIT) as container:
        for packet in container.demux(audio=0):
            sound += bytes(packet)
            if len(sound) >= wanted:
                break
    return bytes(sound[:wanted])


LISTEN: dict[str, Listen] = {"ffmpeg": ffmpeg, "gstreamer": gstreamer, "pyav": pyav}
"""The programs by name."""
