"""Publishing from Python: an application's own access units or pictures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import av
import numpy as np
from numpy.typing import NDArray

from relaycore._relaycore import Stream, Track, now_ns
from relaycore.errors import EncoderError, PathError
from relaycore.frame_encoder import FrameEncoder
from relaycore.language import Message
from relaycore.settings import CameraSettings

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Picture", "Publisher"]

Picture = av.VideoFrame | NDArray[np.uint8]
"""A picture of PyAV, or an array of height x width x 3 (BGR, as OpenCV has it) or height x width (grey)."""


class Publisher:
    """A stream that this program makes. It ends with ``close()`` or by leaving ``with`` or ``async with``.

    May be used from any thread, but from one at a time. Encoding takes milliseconds, so an asyncio program
    calls :meth:`write_frame` through ``asyncio.to_thread``.
    """

    def __init__(self, stream: Stream, settings: CameraSettings, on_close: Callable[[], None]) -> None:
        self._stream = stream
        self._tracks: Sequence[Track] = stream.tracks
        self._settings = settings
        self._on_close = on_close
        self._encoder: FrameEncoder | None = None
        self._closing = threading.Lock()
        self._closed = False

    @property
    def path(self) -> str:
        """The path that readers use."""
        return self._stream.path

    @property
    def readers(self) -> int:
        """How many read it now."""
        return self._stream.readers

    def key_frame_wanted(self) -> bool:
        """Whether a reader waits for a random access point.

        Asking clears the wish; :meth:`write_frame` obeys it itself.
        """
        return self._stream.key_frame_wanted()

    def write(
        self,
        track: int,
        data: Buffer,
        pts: int | None = None,
        *,
        captured_ns: int | None = None,
        random_access: bool | None = None,
    ) -> int:
        """Publishes one encoded access unit and returns the number of RTP packets that it made.

        ``data`` is H.264 or H.265 in Annex B format, a frame of VP8 or VP9, a temporal unit of AV1, as
        FFmpeg's encoders give them; one AAC frame without ADTS header; or a JPEG. ``pts`` is media
        time in ticks of the track's clock rate, counted from the zero of :func:`relaycore.now_ns`; without
        it, it follows from ``captured_ns``, the time at which the camera saw it, which is now unless given.
        ValueError when the data is not of the track's codec.
        """
        self._check_open()
        rate = self._track(track).clock_rate
        if captured_ns is None:
            captured_ns = now_ns() if pts is None else pts * 1_000_000_000 // rate
        if pts is None:
            pts = captured_ns * rate // 1_000_000_000
        with self._while_it_lasts():
            return self._stream.write(
                track, data, pts=pts, captured_ns=captured_ns, random_access=random_access
            )

    def write_frame(self, frame: Picture, *, captured_ns: int | None = None) -> int:
        """Encodes one picture to H.264, publishes it, and returns the number of RTP packets that it made.

        The first picture decides the size; EncoderError when a later one has another. ``captured_ns`` is as
        in :meth:`write`.
        """
        self._check_open()
        taken_ns = now_ns()
        captured_ns = taken_ns if captured_ns is None else captured_ns
        picture = frame if isinstance(frame, av.VideoFrame) else _from_array(frame)
        if self._encoder is None:
            self._encoder = FrameEncoder(self._video_track(), self._settings, picture)
        with self._while_it_lasts():
            return self._encoder.write(self._stream, picture, captured_ns, taken_ns)

    def close(self) -> None:
        """Ends the stream; its readers are told. Does nothing when it ended already."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._encoder = None
        self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise self._ended()

    @contextmanager
    def _while_it_lasts(self) -> Iterator[None]:
        """A relay that closes removes the stream, which the engine says with a RuntimeError."""
        try:
            yield
        except RuntimeError:
            raise self._ended() from None

    def _ended(self) -> PathError:
        return PathError(
            Message("The stream at {path} has ended: publish the path again.", path=repr(self.path))
        )

    def _track(self, number: int) -> Track:
        if 0 <= number < len(self._tracks):
            return self._tracks[number]
        raise IndexError(f"track {number} does not exist: the stream has {len(self._tracks)}")

    def _video_track(self) -> int:
        for number, track in enumerate(self._tracks):
            if track.codec == "h264":
                return number
        raise EncoderError(
            Message("The stream has no H.264 track to encode pictures for: publish Track.h264().")
        )


def _from_array(array: NDArray[Any]) -> av.VideoFrame:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise EncoderError(
            Message(
                "An array of {dtype} with shape {shape} is no picture: give uint8 with shape "
                "(height, width, 3) for BGR or (height, width) for grey.",
                dtype=array.dtype,
                shape=array.shape,
            )
        )
    frame = av.VideoFrame.from_ndarray(
        np.ascontiguousarray(array), format="bgr24" if array.ndim == 3 else "gray"
    )
    frame.color_range = 2  # full: an array has no head room
    return frame
