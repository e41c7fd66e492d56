"""The encode thread: encodes the newest picture, or a slate in its place, and publishes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from relaycore._relaycore import FrameBuffer, FramePool, Handoff, Stream, now_ns
from relaycore.capture.slate import jpeg_of, paint_slate
from relaycore.encode.video import VideoEncoder, VideoFormat
from relaycore.errors import EncoderError
from relaycore.pipeline.capture_loop import Picture
from relaycore.pipeline.key_frames import KeyFrames
from relaycore.pipeline.masking import Masking
from relaycore.pipeline.media_time import PictureTime
from relaycore.pipeline.meter import Meter
from relaycore.pipeline.thinning import Thinner
from relaycore.pipeline.view import ViewControl

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["EncodeLoop"]

SLATE_SECONDS: Final = 0.5
"""From one slate to the next."""

FITTED_FRAMES: Final = 3
"""Buffers for what is scaled or cut out: one that is filled, and what the encoder may still look at."""

WAIT_SECONDS: Final = 0.1
"""How long a look for a new picture lasts, and so how late the loss of the source is noticed."""


class EncodeLoop:
    """Runs in a thread of its own from ``start`` until ``stopping`` is set and the handoff closed.

    ``make_encoder`` is called when there is a picture to encode: at once, or, where pictures come encoded and
    are written as they are, for the first slate. ``slate`` gives the text while the source is lost, else
    ``None``; ``resumed`` is called with the first picture after a slate. With ``masking``, pictures that were
    drawn before the masks changed are left out, and the first one afterwards is a random access point: who
    begins to read gets no older one. With ``view``, what it shows is cut out of each picture.

    :meth:`replace` goes on with another encoder, whose pictures may have another size: they follow in the
    same stream, with the same clock, from a random access point with its parameter sets on.
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
        view: ViewControl | None = None,
        fps: float | None = None,
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
        self._view = view
        self._thinner = None if fps is None else Thinner(fps)
        self._pool: FramePool | None = None
        self._lock = threading.Lock()
        self._second: EncodeLoop | None = None
        self._following = threading.Lock()
        self._next: tuple[VideoEncoder, float | None, threading.Event] | None = None
        self._forced = threading.Event()
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

    @property
    def form(self) -> VideoFormat | None:
        """What the encoder that runs encodes; ``None`` where none has begun yet."""
        encoder = self._encoder
        return None if encoder is None else encoder.format

    def replace(self, encoder: VideoEncoder, fps: float | None) -> threading.Event:
        """Goes on with another encoder from the next picture on; gives what is set when it has begun.

        ``fps`` is given where that are fewer pictures a second than come. From any thread.
        """
        begun = threading.Event()
        with self._lock:
            if self._next is not None:
                self._next[2].set()
            self._next = encoder, fps, begun
        return begun

    def force_key_frame(self) -> None:
        """The next picture is a random access point. From any thread."""
        self._forced.set()

    def set_second(self, second: EncodeLoop | None) -> None:
        """Has another loop, which is not started, encode the same pictures; ``None`` for none any more.

        It does so in this thread, after each picture: that one is not held up, and what encoding needs is in
        the processor's caches. When this returns, the one from before is not used any more.
        """
        with self._following:
            self._second = second

    def _follow(self, picture: Picture | None, slate: str | None) -> None:
        """Has the second do what was just done."""
        with self._following:
            second = self._second
            if second is None:
                return
            try:
                second.follow(picture, slate)
            except EncoderError as error:
                self._second = None
                second.fail(str(error))

    def follow(self, picture: Picture | None, slate: str | None) -> None:
        """Encodes a picture, or the text of a slate, in the thread of another loop."""
        self._take_over()
        if picture is not None:
            self._write(picture, now_ns())
        elif slate is not None:
            self._write_slate(slate, now_ns())

    def fail(self, reason: str) -> None:
        """Tells that it cannot go on."""
        self._failed(reason)

    def _take_over(self) -> None:
        with self._lock:
            following, self._next = self._next, None
        if following is None:
            return
        encoder, fps, begun = following
        form = encoder.format
        self._encoder, self._pool = encoder, None
        self._size = form.width, form.height
        # Another one begins with a random access point: its first picture is always one.
        self._keys = KeyFrames(form.gop, form.fps)
        self._thinner = None if fps is None else Thinner(fps)
        begun.set()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._take_over()
                picture = self._handoff.take(WAIT_SECONDS)
                taken_ns = now_ns()
                if isinstance(picture, Picture):
                    self._write(picture, taken_ns)
                    self._follow(picture, None)
                    self.last_picture_ns = picture.received_ns
                    if self._slate_text is not None:
                        self._slate_text = None
                        self._resumed()
                elif (text := self._slate()) is not None and taken_ns - self._slate_ns >= SLATE_SECONDS * 1e9:
                    self._slate_ns = taken_ns
                    self._write_slate(text, taken_ns)
                    self._follow(None, text)
                else:
                    self._follow(None, None)
        except EncoderError as error:
            self._failed(str(error))

    def _write(self, picture: Picture, taken_ns: int) -> None:
        if self._masking is not None and picture.revision != self._masking.revision:
            return
        if picture.encoded is not None:
            self._publish(picture.encoded, self._time.ticks(picture.captured_ns), picture, taken_ns, None)
        elif picture.buffer is not None:
            if self._thinner is not None and not self._thinner.keeps(picture.captured_ns):
                return
            fitted = self._fitted(picture.buffer, picture.captured_ns)
            if fitted is not None:
                self._encode(fitted, picture, taken_ns)

    def _fitted(self, buffer: FrameBuffer, captured_ns: int) -> FrameBuffer | None:
        """What is seen of a picture in the size of the encoder: the picture itself where that is all of it.

        ``None`` when there is no buffer for it.
        """
        width, height = buffer.width, buffer.height
        window = None if self._view is None else self._view.window(captured_ns, width, height)
        if window is None and (width, height) == self._size:
            return buffer
        if self._pool is None:
            self._pool = FramePool(*self._size, FITTED_FRAMES)
        fitted = self._pool.acquire()
        if fitted is not None:
            fitted.fill_scaled(buffer, width, height, window or (0, 0, width, height))
        return fitted

    def _encode(self, pixels: Buffer, picture: Picture, taken_ns: int) -> None:
        if self._encoder is None:
            self._encoder = self._make_encoder()
        force = self._keys.force(taken_ns, wanted=self._stream.key_frame_wanted())
        if self._forced.is_set():
            self._forced.clear()
            force = True
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
        width, height = self._size
        if text != self._slate_text or self._slate_pixels.size != width * height * 3 // 2:
            self._slate_text, self._slate_pixels = text, paint_slate(width, height, text)
        picture = Picture(at_ns, at_ns, at_ns, None, None, self._revision)
        if self._is_jpeg:
            self._publish(
                jpeg_of(self._slate_pixels, *self._size), self._time.ticks(at_ns), picture, at_ns, True
            )
        else:
            self._encode(self._slate_pixels.data, picture, at_ns)
