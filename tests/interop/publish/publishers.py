"""Programs that publish, and the clip that each sends to a path of its own for as long as it is read."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.interop.publish.clips import Clips
from tests.interop.publish.programs import FFMPEG, GSTREAMER, NEW_FFMPEG
from tests.interop.publish.running import LIMIT, RunningRelay

__all__ = ["Publication", "Publications"]

Command = Callable[[Clips, str, str, str], list[str]]
"""The command of a program that publishes a clip to a URL over a transport."""


def ffmpeg(*options: str, program: str = FFMPEG) -> Command:
    """ffmpeg, which sends what is encoded already, again and again."""

    def command(clips: Clips, clip: str, url: str, transport: str) -> list[str]:
        source = ["-re", "-stream_loop", "-1", "-i", str(clips.file(clip)), "-c", "copy"]
        target = ["-f", "rtsp", "-rtsp_transport", transport, url]
        return [program, "-v", "error", "-nostdin", *source, *options, *target]

    return command


def ffmpeg_mpegts(clips: Clips, clip: str, url: str, transport: str) -> list[str]:
    """ffmpeg, which sends a transport stream as it is."""
    source = ["-re", "-f", "mpegtsraw", "-i", str(clips.long_file(clip)), "-map", "0", "-c", "copy"]
    return [FFMPEG, "-v", "error", "-nostdin", *source, "-f", "rtsp", "-rtsp_transport", transport, url]


def gstreamer(parser: str) -> Command:
    """GStreamer's rtspclientsink behind the parser of a codec."""

    def command(clips: Clips, clip: str, url: str, transport: str) -> list[str]:
        source = f"filesrc location={clips.long_file(clip)} ! matroskademux ! {parser}"
        sink = f"rtspclientsink location={url} protocols={transport} latency=0"
        return [GSTREAMER, "--quiet", *f"{source} ! queue ! {sink}".split()]

    return command


def pyav(clips: Clips, clip: str, url: str, transport: str) -> list[str]:
    """PyAV in a program of its own."""
    script = Path(__file__).with_name("publish_pyav.py")
    return [sys.executable, str(script), str(clips.long_file(clip)), url, transport]


EXPERIMENTAL = ("-strict", "experimental")
"""What ffmpeg wants to hear before it sends VP9 and AV1."""

COMMANDS: dict[str, Command] = {
    "ffmpeg": ffmpeg(*EXPERIMENTAL),
    "ffmpeg-latm": ffmpeg("-rtpflags", "latm"),
    "ffmpeg-mpegts": ffmpeg_mpegts,
    "ffmpeg-9": ffmpeg(*EXPERIMENTAL, program=NEW_FFMPEG),
    "gstreamer-h264": gstreamer("h264parse"),
    "gstreamer-h265": gstreamer("h265parse"),
    "gstreamer-mpeg4": gstreamer("mpeg4videoparse"),
    "gstreamer-jpeg": gstreamer("jpegparse"),
    "gstreamer-vp8": gstreamer("identity"),
    "gstreamer-opus": gstreamer("opusparse"),
    "gstreamer-aac": gstreamer("aacparse"),
    "gstreamer-ac3": gstreamer("ac3parse"),
    "pyav": pyav,
}
"""The publishers by name."""


@dataclass(frozen=True)
class Publication:
    """A clip that a program publishes over a transport. Its path is made of these."""

    clip: str
    publisher: str
    transport: str

    @property
    def path(self) -> str:
        """The path, which also names the test."""
        return f"{self.clip}-by-{self.publisher}-{self.transport}"


class Publications:
    """Starts each publisher when it is first asked for, and ends all; may be used by several threads."""

    def __init__(self, relay: RunningRelay, clips: Clips) -> None:
        self.relay = relay
        self.clips = clips
        self._lock = threading.Lock()
        self._running: dict[Publication, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for publisher in self._running.values():
            publisher.kill()
        for publisher in self._running.values():
            publisher.communicate()

    def live(self, publication: Publication) -> str:
        """The path of a publication, which is live."""
        command = COMMANDS[publication.publisher](
            self.clips, publication.clip, self.relay.url(publication.path), publication.transport
        )
        with self._lock:
            if publication not in self._running:
                self._running[publication] = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                )
        try:
            self.relay.wait_live(publication.path)
        except AssertionError as error:
            publisher = self._running[publication]
            publisher.kill()
            said, _ = publisher.communicate(timeout=LIMIT)
            raise AssertionError(f"{command} said {said.decode(errors='replace')!r}") from error
        return publication.path
