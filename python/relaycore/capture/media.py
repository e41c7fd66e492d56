"""Media files and FFmpeg's ``lavfi`` graphs as sources: paced as live ones, and repeated for ever.

Picture and sound are read through two containers, each by its own thread, on one :class:`Timeline`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av

from relaycore._relaycore import FrameBuffer, now_ns
from relaycore.capture.colour import colour_of
from relaycore.capture.device_errors import reason_of
from relaycore.capture.pattern_source import Waiter
from relaycore.capture.source import AudioBlock, Captured, SourceFormat
from relaycore.capture.unpack import fill_from_frame
from relaycore.errors import DeviceError, DeviceLost, NoSuchDevice, NoSuchMode
from relaycore.language import Message

__all__ = ["MediaAudioSource", "MediaSource", "Timeline", "has_sound"]

SECOND: Final = 1_000_000_000
LAVFI: Final = "lavfi:"
MOST_LATE_NS: Final = SECOND
"""When this much was slept through, the timeline is moved instead of hurrying after it."""


class Timeline:
    """When a medium began, by the engine's clock: shared by its picture and its sound."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start_ns = now_ns()

    def due(self, media_ns: int) -> int:
        """When a media time is to be shown, by the engine's clock."""
        with self._lock:
            late = now_ns() - self._start_ns - media_ns
            if late > MOST_LATE_NS:
                self._start_ns += late
            return self._start_ns + media_ns


class _Loop:
    """The frames of one stream of a medium with their media times in ns, over and over."""

    def __init__(self, place: str, kind: str) -> None:
        self._place, self._kind = place, kind
        self._container = self._open()

    def _open(self) -> av.container.InputContainer:
        graph = self._place.removeprefix(LAVFI)
        try:
            if graph != self._place:
                return av.open(graph, format="lavfi")
            return av.open(self._place)
        except FileNotFoundError as error:
            raise NoSuchDevice(
                Message(
                    "There is no camera and no file {place}: `relaycore devices` lists the cameras.",
                    place=repr(self._place),
                )
            ) from error
        except (av.FFmpegError, OSError, ValueError) as error:
            what = "graph" if graph != self._place else "file"
            raise DeviceError(
                Message(
                    "The {what} {graph} cannot be opened ({reason_of}): check it with ffplay.",
                    what=what,
                    graph=repr(graph),
                    reason_of=reason_of(error),
                )
            ) from error

    @property
    def stream(self) -> av.VideoStream | av.AudioStream | None:
        """The stream, or ``None`` when the medium has none of the kind."""
        streams = self._container.streams
        found = streams.video if self._kind == "video" else streams.audio
        return found[0] if found else None

    def frames(self) -> Iterator[tuple[av.VideoFrame | av.AudioFrame, int]]:
        """Frames with rising media times, from 0. Ends only when the medium cannot be read any more."""
        base = 0
        while True:
            # FFmpeg gives both in microseconds, the same for picture and sound: they stay together.
            start_ns = (self._container.start_time or 0) * 1000
            end_ns = (self._container.duration or 0) * 1000
            any_frame = False
            for frame in self._container.decode(self.stream):
                assert isinstance(frame, (av.VideoFrame, av.AudioFrame))
                if frame.pts is None or frame.time_base is None:
                    continue
                any_frame = True
                media_ns = int(frame.pts * frame.time_base * SECOND) - start_ns
                end_ns = max(end_ns, media_ns + 1)
                yield frame, base + media_ns
            if not any_frame:
                return
            base += end_ns
            self._container.close()
            self._container = self._open()

    def close(self) -> None:
        self._container.close()


class MediaSource:
    """The pictures of a file or graph, in the wished size, and in limited range where that is asked for."""

    def __init__(
        self,
        place: str,
        size: tuple[int, int] | None,
        timeline: Timeline,
        *,
        limited: bool = False,
        wait: Waiter | None = None,
    ) -> None:
        self._wait = wait or threading.Event().wait
        self._timeline = timeline
        self._loop = _Loop(place, "video")
        stream = self._loop.stream
        if not isinstance(stream, av.VideoStream):
            self._loop.close()
            raise NoSuchMode(
                Message("{place} has no pictures: choose a medium with video.", place=repr(place))
            )
        stream.codec_context.thread_count = 1
        self._frames = self._loop.frames()
        try:
            self._first = next(self._frames, None)
        except av.FFmpegError as error:
            self._loop.close()
            raise DeviceError(
                Message(
                    "{place} cannot be decoded ({reason_of}): check it with ffplay.",
                    place=repr(place),
                    reason_of=reason_of(error),
                )
            ) from error
        if self._first is None:
            self._loop.close()
            raise NoSuchMode(
                Message(
                    "{place} has no picture that can be decoded: check it with ffplay.", place=repr(place)
                )
            )
        frame = self._first[0]
        assert isinstance(frame, av.VideoFrame)
        colour = colour_of(frame)
        width, height = size or (frame.width & ~1, frame.height & ~1)
        rate = stream.average_rate or stream.guessed_rate or Fraction(30)
        self.format = SourceFormat(
            name=place,
            device=place,
            mode=f"{stream.codec_context.name} {frame.width}x{frame.height} at {float(rate):g} fps",
            width=width & ~1,
            height=height & ~1,
            fps=float(rate),
            colour=colour.with_range(full=colour.full_range and not limited),
            codec=None,
        )

    def read(self) -> Captured:
        """Waits for the time of the next picture."""
        try:
            item = self._first or next(self._frames, None)
        except av.FFmpegError as error:
            raise DeviceLost(
                Message(
                    "{name} cannot be read any more ({reason_of}).",
                    name=repr(self.format.name),
                    reason_of=reason_of(error),
                )
            ) from error
        self._first = None
        if item is None:
            raise DeviceLost(Message("{name} has ended.", name=repr(self.format.name)))
        frame, media_ns = item
        assert isinstance(frame, av.VideoFrame)
        due_ns = self._timeline.due(media_ns)
        early = due_ns - now_ns()
        if early > 0:
            self._wait(early / SECOND)
        full = self.format.colour.full_range

        def fill(buffer: FrameBuffer) -> int:
            return fill_from_frame(buffer, frame, full_range=full)

        return Captured(due_ns, max(due_ns, now_ns()), None, fill)

    def close(self) -> None:
        """Closes the file."""
        self._loop.close()


class MediaAudioSource:
    """The sound of a file or graph."""

    def __init__(self, place: str, timeline: Timeline, wait: Waiter | None = None) -> None:
        self._wait = wait or threading.Event().wait
        self._timeline = timeline
        self._loop = _Loop(place, "audio")
        stream = self._loop.stream
        if not isinstance(stream, av.AudioStream):
            self._loop.close()
            raise NoSuchMode(Message("{place} has no sound.", place=repr(place)))
        self.name = f"sound of {place}"
        self.rate = stream.codec_context.sample_rate
        self.channels = min(2, stream.codec_context.channels)
        self._frames = self._loop.frames()

    def read(self) -> AudioBlock:
        """Waits until the last sample of the next block is due."""
        try:
            item = next(self._frames, None)
        except av.FFmpegError as error:
            raise DeviceLost(
                Message(
                    "The {name} cannot be read any more ({reason_of}).",
                    name=self.name,
                    reason_of=reason_of(error),
                )
            ) from error
        if item is None:
            raise DeviceLost(Message("The {name} has ended.", name=self.name))
        frame, media_ns = item
        assert isinstance(frame, av.AudioFrame)
        due_ns = self._timeline.due(media_ns)
        early = due_ns + frame.samples * SECOND // frame.sample_rate - now_ns()
        if early > 0:
            self._wait(early / SECOND)
        return AudioBlock(frame, due_ns)

    def close(self) -> None:
        """Closes the file."""
        self._loop.close()


def has_sound(place: str) -> bool:
    """Whether a file or graph has sound. DeviceError when it cannot be opened."""
    loop = _Loop(place, "audio")
    found = loop.stream is not None
    loop.close()
    return found
