"""SRT by way of the ``ffmpeg`` program: the FFmpeg inside PyAV is built without it.

The program moves MPEG-TS between the SRT connection and a pipe and changes nothing in the access units. It is
a child process, so a peer that hangs is ended by ending the child.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from typing import IO, Final, Self

from relaycore.errors import SourceError
from relaycore.settings import masked

__all__ = ["SrtBridge"]

END_S: Final = 2.0
"""Seconds that the program gets to end by itself."""

_LIVE: Final = ("-fflags", "nobuffer")
_COPY: Final = ("-map", "0:v?", "-map", "0:a?", "-c", "copy", "-f", "mpegts")


class SrtBridge:
    """One SRT connection. ``stream`` is the pipe: read from it, or write to it, MPEG-TS.

    SourceError when there is no ``ffmpeg``. Used by one thread, but for :meth:`close`.
    """

    def __init__(self, arguments: list[str], *, sends: bool) -> None:
        program = shutil.which("ffmpeg")
        if program is None:
            raise SourceError(
                "SRT needs the program ffmpeg with libsrt: install it, or use another protocol."
            )
        self._said: str | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the connection)
        try:
            self._process = subprocess.Popen(  # noqa: S603 (no shell, and the URL was checked)
                [program, "-nostdin", "-v", "fatal", *arguments],
                stdin=subprocess.PIPE if sends else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if sends else subprocess.PIPE,
                stderr=self._errors,
                # Unbuffered: a read must give what is there, and not wait for more.
                bufsize=0,
            )
        except OSError as error:
            self._errors.close()
            raise SourceError(f"ffmpeg, which SRT needs, cannot be started ({error.strerror}).") from None
        stream = self._process.stdin if sends else self._process.stdout
        assert stream is not None
        self.stream: IO[bytes] = stream

    @classmethod
    def receive(cls, url: str) -> Self:
        """A connection that is read."""
        return cls([*_LIVE, "-i", url, *_COPY, "-flush_packets", "1", "pipe:1"], sends=False)

    @classmethod
    def send(cls, url: str) -> Self:
        """A connection that is written to."""
        return cls([*_LIVE, "-f", "mpegts", "-i", "pipe:0", *_COPY, url], sends=True)

    def reason(self) -> str | None:
        """What the program said last, before or after :meth:`close`; ``None`` when it said nothing."""
        if self._errors.closed:
            return self._said
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return masked(lines[-1].rstrip(".")) if lines else None

    def close(self) -> None:
        """Ends the connection, by force when it does not end by itself."""
        self.stream.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said = self.reason()
        self._errors.close()
