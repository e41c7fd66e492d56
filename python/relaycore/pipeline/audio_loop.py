"""The sound thread: reads a source, encodes AAC, and writes it on the clock of the pictures."""

from __future__ import annotations

import threading
from collections.abc import Callable

from relaycore._relaycore import Stream
from relaycore.capture.source import AudioSource
from relaycore.encode.audio import AacEncoder
from relaycore.errors import DeviceError, EncoderError
from relaycore.pipeline.sound_writer import SoundWriter

__all__ = ["AudioLoop"]

RETRY_SECONDS = 2.0
"""How long to wait before a lost microphone is opened again."""


class AudioLoop:
    """Runs in a thread of its own from ``start`` until ``stopping`` is set. ``say`` tells of losses."""

    def __init__(
        self,
        stream: Stream,
        track: int,
        source: AudioSource,
        encoder: AacEncoder,
        reopen: Callable[[], AudioSource],
        *,
        stopping: threading.Event,
        say: Callable[[str], None],
    ) -> None:
        self._sound = SoundWriter(stream, track, encoder)
        self._source: AudioSource | None = source
        self._reopen = reopen
        self._stopping = stopping
        self._say = say
        self._thread = threading.Thread(target=self._run, name="relaycore-sound", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def write_also(self, stream: Stream | None) -> None:
        """Writes the same to the same track of a second stream from now on; ``None`` for no other."""
        self._sound.also = stream

    def join(self, timeout: float) -> None:
        """Waits until the thread has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        elif self._source is not None:
            self._source.close()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._source is None:
                    self._find_again()
                    continue
                try:
                    self._pump(self._source)
                except DeviceError as lost:
                    self._source.close()
                    self._source = None
                    self._say(str(lost))
        except EncoderError as error:
            self._say(str(error))
        finally:
            if self._source is not None:
                self._source.close()

    def _pump(self, source: AudioSource) -> None:
        while not self._stopping.is_set():
            block = source.read()
            self._sound.write(block.frame, block.captured_ns)

    def _find_again(self) -> None:
        if self._stopping.wait(RETRY_SECONDS):
            return
        try:
            self._source = self._reopen()
        except DeviceError:
            return
        self._say(f"Sound is back: {self._source.name}.")
