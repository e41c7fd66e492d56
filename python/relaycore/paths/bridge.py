"""A child process that carries media between a pipe and a connection.

Two things need one. The FFmpeg inside PyAV is built without SRT, which the ``ffmpeg`` program has. And PyAV
holds the GIL while it connects to where it writes, so that a server which does not answer would stop the
whole program. A child that hangs can be ended.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO, Final, Self

from relaycore.errors import SourceError
from relaycore.language import Message
from relaycore.settings import masked

__all__ = ["Bridge"]

END_S: Final = 2.0
"""Seconds that the child gets to end by itself."""

MOST_SAID: Final = 4096
"""Bytes of what the child said that are looked at."""

_LIVE: Final = ("-nostdin", "-v", "fatal", "-fflags", "nobuffer")
_COPY: Final = ("-map", "0:v?", "-map", "0:a?", "-c", "copy", "-f", "mpegts")


class Bridge:
    """One connection. ``stream`` is the pipe: read from it, or write to it, a container of ``format``.

    SourceError when the program is not there. Used by one thread, but for :meth:`kill`.
    """

    def __init__(self, command: Sequence[str], *, sends: bool, container: str) -> None:
        self.format = container
        self._said: str | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the connection)
        try:
            self._process = subprocess.Popen(  # noqa: S603 (no shell, and the URL was checked)
                command,
                stdin=subprocess.PIPE if sends else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if sends else subprocess.PIPE,
                stderr=self._errors,
                # Unbuffered: a read must give what is there, and not wait for more.
                bufsize=0,
            )
        except OSError as error:
            self._errors.close()
            raise SourceError(
                Message(
                    "{command} cannot be started ({strerror}).", command=command[0], strerror=error.strerror
                )
            ) from None
        stream = self._process.stdin if sends else self._process.stdout
        assert stream is not None
        self.stream: IO[bytes] = stream

    @classmethod
    def receive_srt(cls, url: str) -> Self:
        """Reads an SRT connection."""
        command = [
            _ffmpeg(),
            *_LIVE,
            "-i",
            url,
            *_COPY,
            "-flush_packets",
            "1",
            "pipe:1",
        ]
        return cls(command, sends=False, container="mpegts")

    @classmethod
    def send_srt(cls, url: str) -> Self:
        """Writes to an SRT connection."""
        command = [_ffmpeg(), *_LIVE, "-f", "mpegts", "-i", "pipe:0", *_COPY, url]
        return cls(command, sends=True, container="mpegts")

    @classmethod
    def send(cls, url: str, muxer: str, options: Mapping[str, str]) -> Self:
        """Writes to whatever FFmpeg can write to, with one of its muxers. See :mod:`.remux_child`."""
        made = cls([sys.executable, "-m", "relaycore.paths.remux_child"], sends=True, container="nut")
        # Not in its arguments: those can be read by every user of the machine.
        order = json.dumps({"url": url, "muxer": muxer, "options": dict(options)})
        made.stream.write(order.encode() + b"\n")
        return made

    def reason(self) -> str | None:
        """What the child said last, before or after :meth:`close`; ``None`` when it said nothing."""
        if self._errors.closed:
            return self._said
        self._errors.seek(0, 2)
        self._errors.seek(max(0, self._errors.tell() - MOST_SAID))
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return masked(lines[-1].rstrip(".")) if lines else None

    def kill(self) -> None:
        """Ends the child at once; from any thread. What waits in the pipe fails."""
        self._process.kill()

    def close(self) -> None:
        """Ends the connection, by force when the child does not end by itself."""
        self.stream.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said = self.reason()
        self._errors.close()


def _ffmpeg() -> str:
    program = shutil.which("ffmpeg")
    if program is None:
        raise SourceError(
            Message("SRT needs the program ffmpeg with libsrt: install it, or use another protocol.")
        )
    return program
