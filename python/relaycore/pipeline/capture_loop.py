"""The capture thread: reads a source, decodes into pooled buffers, and opens a lost source again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from relaycore._relaycore import FrameBuffer, FramePool, Handoff, now_ns
from relaycore.capture.source import BadPicture, Captured, SourceFormat, VideoSource
from relaycore.errors import DeviceError, DeviceLost
from relaycore.pipeline.camera_jpeg import CameraJpeg
from relaycore.pipeline.masking import Masking
from relaycore.pipeline.thinning import Thinner
from relaycore.pipeline.thumbnail import Thumbnails

__all__ = ["CaptureLoop", "Picture"]

POOL_FRAMES: Final = 4
"""One that is filled, one that waits, one that is encoded, and one to spare."""

RETRY_SECONDS: Final = (0.25, 0.5, 1.0)
"""How long to wait before a lost source is opened again, until it gives a picture.

The last one is repeated: a camera that is plugged in again is to be seen again within two seconds.
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on its way to the encoder; times are in ns of the engine's clock.

    Either ``buffer`` holds it decoded, or ``encoded`` as it came. ``revision`` is that of the privacy masks
    which were drawn over it.
    """

    captured_ns: int
    received_ns: int
    decoded_ns: int
    buffer: FrameBuffer | None
    encoded: bytes | None
    revision: int = 0


class CaptureLoop:
    """Runs in a thread of its own from ``start`` until ``stopping`` is set; fills ``handoff``.

    ``reopen`` opens the source again after it was lost. ``changed`` is called from the thread: with the
    reason when the source is lost, and with ``None`` when it delivers again. ``bad`` is called once, with
    what is wrong with the first damaged picture, and ``odd`` once, with the first remark on a picture that
    can be used. ``look`` is called with a decoded picture each second, ``watch`` with each and the time at
    which it was received; they must not keep the buffer. ``masking`` is drawn over each picture; pictures are
    never kept encoded then. Where it cannot be drawn, no picture is handed over any more: the thread ends,
    and ``failed`` is called with the reason. ``jpeg`` keeps what came encoded and was decoded.
    """

    def __init__(
        self,
        source: VideoSource,
        reopen: Callable[[], VideoSource],
        *,
        keep_encoded: bool,
        fps: float | None,
        stopping: threading.Event,
        changed: Callable[[str | None], None],
        bad: Callable[[str], None],
        odd: Callable[[str], None],
        look: Callable[[FrameBuffer], None] | None = None,
        watch: Callable[[FrameBuffer, int], None] | None = None,
        masking: Masking | None = None,
        jpeg: CameraJpeg | None = None,
        failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.handoff = Handoff()
        self.captured = 0
        self.bad = 0
        self.exhausted = 0
        self._source: VideoSource | None = source
        self._reopen = reopen
        self._keep_encoded = keep_encoded and masking is None
        self._masking = masking
        self._jpeg = jpeg
        self._failed = failed
        self._thinner = None if fps is None else Thinner(fps)
        self._stopping = stopping
        self._changed = changed
        self._say_bad = bad
        self._say_odd: Callable[[str], None] | None = odd
        self._look = look
        self._watch = watch
        self._looks = Thumbnails()
        self._lost = False
        self._tries = 0
        self._pool = FramePool(source.format.width, source.format.height, POOL_FRAMES)
        # A driver can hang for ever in a read: such a thread must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="relaycore-capture", daemon=True)

    @property
    def source_format(self) -> SourceFormat | None:
        """What the source delivers that is open at this moment; ``None`` while it is lost."""
        source = self._source
        return None if source is None else source.format

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Waits until the thread has ended, after ``stopping`` was set."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        elif self._source is not None:
            self._source.close()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._source is None:
                    self._source = self._find_again()
                    continue
                try:
                    self._pump(self._source)
                except _NotMasked as reason:
                    self._failed(str(reason))
                    return
                except DeviceLost as lost:
                    self._source.close()
                    self._source = None
                    if not self._lost and not self._stopping.is_set():
                        self._lost = True
                        self._changed(str(lost))
        finally:
            if self._source is not None:
                self._source.close()

    def _pump(self, source: VideoSource) -> None:
        while not self._stopping.is_set():
            try:
                captured = source.read()
                self.captured += 1
                if self._lost:
                    # Not before: a driver may open a camera that is not there.
                    self._lost, self._tries = False, 0
                    self._changed(None)
                if captured.remark is not None and self._say_odd is not None:
                    self._say_odd(captured.remark)
                    self._say_odd = None
                if self._thinner is None or self._thinner.keeps(captured.captured_ns):
                    self._pass_on(captured)
            except BadPicture as reason:
                self.bad += 1
                if self.bad == 1:
                    self._say_bad(str(reason))

    def _pass_on(self, captured: Captured) -> None:
        revision = 0
        if self._keep_encoded and captured.encoded is not None:
            buffer = None
        else:
            buffer = self._pool.acquire()
            if buffer is None:
                self.exhausted += 1
                return
            if self._jpeg is not None:
                self._jpeg.keep(captured)
            spread = captured.fill(buffer)
            if self._masking is not None:
                revision = _masked(self._masking, buffer, spread)
        # What looks at pictures sees what everybody does.
        if buffer is not None and self._look is not None and self._looks.is_due(captured.received_ns):
            self._look(buffer)
        if buffer is not None and self._watch is not None:
            self._watch(buffer, captured.received_ns)
        self.handoff.offer(
            Picture(
                captured.captured_ns,
                captured.received_ns,
                now_ns(),
                buffer,
                captured.encoded if buffer is None else None,
                revision,
            )
        )

    def _find_again(self) -> VideoSource | None:
        while not self._stopping.wait(RETRY_SECONDS[min(self._tries, len(RETRY_SECONDS) - 1)]):
            self._tries += 1
            try:
                return self._reopen()
            except DeviceError:
                continue
        return None


class _NotMasked(Exception):
    """A picture has parts that nobody is to see, and they could not be painted over."""


def _masked(masking: Masking, buffer: FrameBuffer, spread: int) -> int:
    """Draws the masks; gives their revision. _NotMasked, whatever goes wrong."""
    try:
        return masking.draw(buffer, spread)
    except Exception as error:
        raise _NotMasked(
            f"The privacy masks could not be drawn ({error}), so no picture is sent any more: check them "
            "with `relaycore check`, and report this."
        ) from error
