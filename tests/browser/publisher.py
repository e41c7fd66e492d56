"""A publisher of the test pattern that can be killed and started again."""

from __future__ import annotations

import subprocess
from types import TracebackType
from typing import Final, Self

from tests.support.server import Server

__all__ = ["LIMIT", "Publisher"]

LIMIT: Final = 20.0
"""Seconds for what takes a moment; only a hang takes that long."""


class Publisher:
    """ffmpeg, which copies the camera of a relay to another path of it."""

    def __init__(self, relay: Server, path: str) -> None:
        source = ["-rtsp_transport", "tcp", "-fflags", "nobuffer", "-i", relay.url]
        target = ["-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", relay.url_of(path)]
        self._command = ["ffmpeg", "-v", "error", "-nostdin", *source, *target]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begins to publish; the stream is there a moment later."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)

    def stop(self) -> None:
        """Is gone without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(LIMIT)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
