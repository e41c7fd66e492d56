"""Short clips of each codec, encoded once, of which every picture and every byte of sound is known."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tests.interop.publish.programs import FFMPEG, NEW_FFMPEG
from tests.support.processes import run

__all__ = ["CLIPS", "HEIGHT", "PERIOD", "PICTURES", "WIDTH", "Clip", "Clips", "Planes"]

WIDTH, HEIGHT = 256, 144
"""Size of the pictures: whole macroblocks, as some codecs cannot cut them."""

RATE = 25
"""Pictures a second."""

SECONDS = 4
"""Length of a clip."""

PICTURES = SECONDS * RATE
"""Pictures in a clip."""

PERIOD = 1 / RATE
"""Seconds from picture to picture."""

REPEATS = 60
"""Times that a long copy of a clip repeats it, for publishers that cannot."""

Planes = npt.NDArray[np.uint8]
"""The three planes of a picture with 4:2:0 sampling, one behind the other, as (number of pictures, bytes)."""

GOP = ("-g", "50")
"""A random access point each two seconds."""

JPEG_TABLES = ("-huffman", "default", "-force_duplicated_matrix", "1")
"""The tables that RTP can carry (RFC 2435)."""


@dataclass(frozen=True)
class Clip:
    """How a clip is encoded. ``sampling`` is the pixel format of its pictures, empty for sound."""

    encode: tuple[str, ...]
    sampling: str = "yuv420p"
    rate: int = 48_000
    suffix: str = "mkv"
    program: str = FFMPEG

    @property
    def is_video(self) -> bool:
        """Whether it has pictures; otherwise it has sound."""
        return self.sampling != ""


def _sound(*encode: str, rate: int = 48_000, suffix: str = "mkv") -> Clip:
    return Clip(("-c:a", *encode), sampling="", rate=rate, suffix=suffix)


CLIPS: dict[str, Clip] = {
    "h264": Clip(("-c:v", "libx264", "-preset", "veryfast", "-bf", "0", *GOP)),
    "h264-bframes": Clip(("-c:v", "libx264", "-preset", "veryfast", "-bf", "2", *GOP)),
    "h265": Clip(
        ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "bframes=2:keyint=50:log-level=error")
    ),
    "mpeg4": Clip(("-c:v", "mpeg4", *GOP)),
    "mpeg4-bframes": Clip(("-c:v", "mpeg4", "-bf", "2", *GOP)),
    "mpeg1": Clip(("-c:v", "mpeg1video", "-bf", "2", *GOP)),
    "mpeg2": Clip(("-c:v", "mpeg2video", "-bf", "2", *GOP)),
    "jpeg": Clip(("-c:v", "mjpeg", *JPEG_TABLES, "-q:v", "8"), sampling="yuvj420p"),
    "vp8": Clip(("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", *GOP)),
    "vp9": Clip(("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", *GOP)),
    "av1": Clip(("-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", *GOP), program=NEW_FFMPEG),
    "mpegts": Clip(("-c:v", "libx264", "-preset", "veryfast", "-bf", "2", *GOP), suffix="ts"),
    "aac": _sound("aac"),
    "opus": _sound("libopus"),
    "pcmu": _sound("pcm_mulaw", rate=8000),
    "pcma": _sound("pcm_alaw", rate=8000),
    "g722": _sound("g722", rate=16_000),
    "l16": _sound("pcm_s16be", suffix="nut"),
    "mp2": _sound("mp2"),
    "mp3": _sound("libmp3lame"),
    "ac3": _sound("ac3"),
}
"""The clips by name."""


class Clips:
    """Encodes clips into a directory when they are first asked for; may be used by several threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._locks = {name: threading.Lock() for name in CLIPS}
        self._pictures: dict[str, Planes] = {}

    def file(self, name: str) -> Path:
        """The file of a clip."""
        with self._locks[name]:
            return self._encoded(name)

    def long_file(self, name: str) -> Path:
        """A file in which a clip is repeated."""
        short = self.file(name)
        long = short.with_stem(f"{name}-long")
        with self._locks[name]:
            if not long.exists():
                repeat = ["-stream_loop", str(REPEATS), "-i", str(short), "-c", "copy"]
                run([FFMPEG, "-v", "error", "-nostdin", *repeat, long])
        return long

    def pictures(self, name: str) -> Planes:
        """The decoded pictures of a clip."""
        with self._locks[name]:
            if name not in self._pictures:
                decode = [
                    "-i",
                    str(self._encoded(name)),
                    "-pix_fmt",
                    CLIPS[name].sampling,
                    "-f",
                    "rawvideo",
                    "-",
                ]
                program = CLIPS[name].program
                done = subprocess.run(
                    [program, "-v", "error", "-nostdin", *decode], capture_output=True, check=True
                )
                pictures = np.frombuffer(done.stdout, np.uint8).reshape(PICTURES, -1)
                self._pictures[name] = pictures
            return self._pictures[name]

    def sound(self, name: str) -> bytes:
        """The payload of a clip's sound, without its container."""
        with av.open(str(self.file(name))) as container:
            return b"".join(bytes(packet) for packet in container.demux(audio=0) if packet.size)

    def _encoded(self, name: str) -> Path:
        clip = CLIPS[name]
        file = self._directory / f"{name}.{clip.suffix}"
        if not file.exists():
            if clip.is_video:
                source = f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}"
                form = ["-pix_fmt", clip.sampling]
            else:
                # A tone that rises, over noise: no piece of it comes again.
                source = f"aevalsrc=0.3*sin(2*PI*t*(200+50*t))+0.02*random(0):s={clip.rate}"
                form = []
            made = ["-f", "lavfi", "-i", source, "-t", str(SECONDS), *form, *clip.encode]
            run([clip.program, "-v", "error", "-nostdin", *made, file])
        return file
