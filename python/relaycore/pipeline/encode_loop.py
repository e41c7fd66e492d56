"""The encode thread: encodes the newest picture, or a slate in its place, and publishes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from relaycore._relaycore import Handoff, Stream, now_ns
from relaycore.capture.slate import jpeg_of, paint_slate
from relaycore.encode.video import VideoEncoder
from relaycore.errors import EncoderError
from relaycore.pipeline.capture_loop import Picture
from relaycore.pipeline.key_frames import KeyFrames
from relaycore.pipeline.masking import Masking
from relaycore.pipeline.media_time import PictureTime
from relaycore.pipeline.meter import Meter

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["EncodeLoop"]

SLATE_SECONDS: Final = 0.5
"""From one slate to the next."""

WAIT_SECONDS: Final = 0.1
"""How long a look for a new picture lasts, and so how late the loss of the source is noticed."""


class EncodeLoop:
    """Runs in a thread of its own from ``start`` until ``stopping`` is set and the handoff closed.

    ``make_encoder`` is called when there is a picture to encode: at once, or, where pictures come encoded and
    are written as they are, for the first slate. ``slate`` gives the text while the source is lost, else
    ``None``; ``resumed`` is called with the first picture after a slate. With ``masking``, pictures that were
    drawn before the masks changed are left out, and the first one afterwards is a random access point: who
    begins to read gets no older one.
    """

    def __init__(
        self,
        stream: Stream,
        track: int,
        handoff: Handoff,
        make_encoder: Callable[[], VideoEncoder],
        size: tuple[int, int],
        keys: KeyFrames,
        *,
        stopping: threading.Event,
        slate: Callable[[], str | None],
        resumed: Callable[[], None],
        failed: Callable[[str], None],
        masking: Masking | None = None,
    ) -> None:
        self.meter = Meter()
        self.access_units = 0
        self.key_frames = 0
        self.last_picture_ns = now_ns()
        self._stream, self._track, self._handoff = stream, track, handoff
        self._is_jpeg = stream.tracks[track].codec == "jpeg"
        self._make_encoder = make_encoder
        self._encoder: VideoEncoder | None = None
        self._size = size
        self._keys = keys
        self._time = PictureTime()
        self._stopping = stopping
        self._slate = slate
        self._resumed = resumed
        self._failed = failed
        self._masking = masking
        self._revision = 0
        self._slate_text: str | None = None
        self._slate_pixels = np.empty(0, np.uint8)
        self._slate_ns = 0
        self._thread = threading.Thread(target=self._run, name="relaycore-encode", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self.last_picture_ns = now_ns()
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Waits until the thread has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                picture = self._handoff.take(WAIT_SECONDS)
                taken_ns = now_ns()
                if isinstance(picture, Picture):
                    self._write(picture, taken_ns)
                    self.last_picture_ns = picture.received_ns
                    if self._slate_text is not None:
                        self._slate_text = None
                        self._resumed()
                elif (text := self._slate()) is not None and taken_ns - self._slate_ns >= SLATE_SECONDS * 1e9:
                    self._slate_ns = taken_ns
                    self._write_slate(text, taken_ns)
        except EncoderError as error:
            self._failed(str(error))

    def _write(self, picture: Picture, taken_ns: int) -> None:
        if self._masking is not None and picture.revision != self._masking.revision:
            return
        if picture.encoded is not None:
            self._publish(picture.encoded, self._time.ticks(picture.captured_ns), picture, taken_ns, None)
        elif picture.buffer is not None:
            self._encode(picture.buffer, picture, taken_ns)

    def _encode(self, pixels: Buffer, picture: Picture, taken_ns: int) -> None:
        if self._encoder is None:
            self._encoder = self._make_encoder()
        force = self._keys.force(taken_ns, wanted=self._stream.key_frame_wanted())
        if picture.revision != self._revision:
            self._revision, force = picture.revision, True
        pts = self._time.ticks(picture.captured_ns)
        for unit in self._encoder.encode(pixels, pts, force_key_frame=force):
            if unit.random_access:
                self._keys.made(taken_ns)
            self._publish(unit.data, unit.pts, picture, taken_ns, unit.random_access)

    def _publish(
        self, data: Buffer, pts: int, picture: Picture, taken_ns: int, random_access: bool | None
    ) -> None:
        encoded_ns = now_ns()
        try:
            self._stream.write(
                self._track,
                data,
                pts=pts,
                captured_ns=picture.captured_ns,
                received_ns=picture.received_ns,
                decoded_ns=picture.decoded_ns,
                taken_ns=taken_ns,
                encoded_ns=encoded_ns,
                random_access=random_access,
            )
        except ValueError:
            # A camera whose own encoder stumbles; what it sends next may be whole.
            return
        self.access_units += 1
        self.key_frames += bool(random_access)
        self.meter.add(encoded_ns, memoryview(data).nbytes)

    def _write_slate(self, text: str, at_ns: int) -> None:
        if text != self._slate_text:
            self._slate_text, self._slate_pixels = text, paint_slate(*self._size, text)
        picture = Picture(at_ns, at_ns, at_ns, None, None, self._revision)
        if self._is_jpeg:
            self._publish(
                jpeg_of(self._slate_pixels, *self._size), self._time.ticks(at_ns), picture, at_ns, True
            )
        else:
            self._encode(self._slate_pixels.data, picture, at_ns)
