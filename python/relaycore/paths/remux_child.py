"""The program of a child process that writes a stream to another server.

Its standard input is a line of JSON, ``{"url": ..., "muxer": ..., "options": {...}}``, and behind it the
stream in a container of NUT. It ends with the input, and with status 1 and a line on standard error when the
server takes nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import Any, Final

import av

from relaycore.capture.device_errors import reason_of
from relaycore.capture.ffmpeg_log import captured_log

__all__ = ["main"]

# The header tells all there is to know, and what follows is to go on at once.
_AT_ONCE: Final = {"analyzeduration": "1", "probesize": "32", "fpsprobesize": "0", "fflags": "nobuffer"}


def main() -> int:
    """Runs it; gives the exit status."""
    # Ctrl-C reaches the whole group: the parent decides when this ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order: dict[str, Any] = json.loads(_line(0))
    with captured_log() as log:
        try:
            _copy(order["url"], order["muxer"], order["options"])
        except (av.FFmpegError, OSError, ValueError) as error:
            sys.stderr.write(f"{log.last_error() or reason_of(error)}\n")
            return 1
    return 0


def _copy(url: str, muxer: str, options: dict[str, str]) -> None:
    with (
        open(0, "rb", buffering=0, closefd=False) as pipe,
        av.open(pipe, "r", format="nut", container_options=_AT_ONCE) as source,
        av.open(url, "w", format=muxer, container_options=options) as target,
    ):
        copies: dict[int, av.stream.Stream] = {
            stream.index: target.add_stream_from_template(stream, opaque=True)
            for stream in source.streams.video
        }
        for stream in source.streams.audio:
            # Sound that the container does not know is left out; a picture that it does not know is an error.
            with contextlib.suppress(ValueError):
                copies[stream.index] = target.add_stream_from_template(stream, opaque=True)
        for packet in source.demux():
            if packet.dts is not None and packet.stream_index in copies:
                packet.stream = copies[packet.stream_index]
                target.mux_one(packet)


def _line(descriptor: int) -> bytes:
    """The first line of a pipe, and not a byte more: the rest is FFmpeg's."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            break
        line += byte
    return line


if __name__ == "__main__":
    sys.exit(main())
