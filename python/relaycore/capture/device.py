"""Cameras as sources, through FFmpeg's inputs of Linux, Windows and macOS."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Final, cast

import av

from relaycore._relaycore import FrameBuffer, inspect_jpeg, now_ns
from relaycore.capture.clock import SourceClock
from relaycore.capture.colour import BT601, JPEG
from relaycore.capture.device_errors import opened, reason_of
from relaycore.capture.model import Camera, Mode
from relaycore.capture.source import BadPicture, Captured, Codec, SourceFormat
from relaycore.capture.unpack import fill_from_frame
from relaycore.errors import DeviceLost, NoSuchMode
from relaycore.language import Message

__all__ = ["CameraSource"]

SECOND: Final = 1_000_000_000
OPEN_SECONDS: Final = 10.0
"""Cheap webcams take some seconds to wake up; a driver that hangs takes for ever."""

READ_SECONDS: Final = 5.0
"""A camera that gives no picture for so long is taken for lost, where the driver lets FFmpeg give up."""

_CODECS: Final[dict[str, Codec]] = {"h264": "h264", "mjpeg": "jpeg"}


_Packets = Generator["av.Packet[av.VideoStream]", None, None]


class CameraSource:
    """A camera in one of its modes.

    ``full_range`` is what the buffers are filled with; ``None`` keeps what the camera gives. ``why`` says why
    it is this mode.
    """

    def __init__(
        self, camera: Camera, mode: Mode, *, full_range: bool | None = None, why: str | None = None
    ) -> None:
        self._camera = camera
        self._container, self._stream = _open(camera, mode)
        context = self._stream.codec_context
        context.thread_count = 1
        self._codec = _CODECS.get(context.name)
        name = context.name if self._codec else context.pix_fmt or mode.format
        width, height = context.width, context.height
        colour = JPEG if self._codec == "jpeg" else BT601
        if full_range is not None:
            colour = colour.with_range(full=full_range)
        self.format = SourceFormat(
            name=camera.name,
            device=camera.device,
            mode=str(Mode(name, width, height, mode.fps)),
            width=width & ~1,
            height=height & ~1,
            fps=float(mode.fps),
            colour=colour,
            codec=self._codec,
            why=why,
            driver=camera.driver,
        )
        self._packets = cast(_Packets, self._container.demux(self._stream))
        # Video4Linux stamps pictures with the clock of `time.monotonic`: the delay until here is known.
        monotonic = now_ns() - time.monotonic_ns() if camera.driver == "v4l2" else None
        self._clock = SourceClock(monotonic)

    def read(self) -> Captured:
        """Waits for the next picture."""
        try:
            packet = next(self._packets, None)
        except (av.FFmpegError, OSError) as error:
            raise DeviceLost(
                Message(
                    "{name} was lost: plug it in again ({reason_of}).",
                    name=self._camera.name,
                    reason_of=reason_of(error),
                )
            ) from error
        received_ns = now_ns()
        # PyAV marks the end by an empty packet without times.
        if packet is None or (packet.size == 0 and packet.pts is None):
            raise DeviceLost(Message("{name} was lost: plug it in again.", name=self._camera.name))
        if packet.size == 0:
            raise BadPicture(f"{self._camera.name} sent an empty picture.")
        # The driver lends its own memory, which is gone once the camera is closed.
        data = bytes(packet)
        captured_ns = received_ns
        if packet.pts is not None and packet.time_base is not None:
            captured_ns = self._clock.captured_ns(int(packet.pts * packet.time_base * SECOND), received_ns)
        remark = None
        if self._codec == "jpeg":
            data, odd = _whole_jpeg(data)
            if odd:
                remark = f"{self._camera.name} sends JPEG segments that are broken; its pictures are whole."

        def fill(buffer: FrameBuffer) -> int:
            return self._decode(data, buffer)

        return Captured(captured_ns, received_ns, None if self._codec is None else data, fill, remark)

    def close(self) -> None:
        """Lets the camera go."""
        # The iteration still holds a packet in the driver's memory, and that must go first.
        self._packets.close()
        self._container.close()

    def _decode(self, data: bytes, buffer: FrameBuffer) -> int:
        try:
            frames = self._stream.codec_context.decode(av.Packet(data))
        except (av.FFmpegError, ValueError) as error:
            raise BadPicture(
                f"{self._camera.name} sent a picture that cannot be decoded ({reason_of(error)})."
            ) from error
        if not frames:
            raise BadPicture(f"{self._camera.name} sent a picture that cannot be decoded.")
        return fill_from_frame(buffer, frames[-1], full_range=self.format.colour.full_range)


def _whole_jpeg(data: bytes) -> tuple[bytes, bool]:
    """The JPEG in what a camera sent, cut out of it, and whether it has broken segments.

    BadPicture when it was cut.
    """
    try:
        found = inspect_jpeg(data)
    except ValueError as error:
        raise BadPicture(f"A damaged JPEG was left out ({reason_of(error)}).") from error
    if not found.complete:
        raise BadPicture("A JPEG without its end was left out.")
    return data[found.start : found.end], found.odd_segments > 0


def _open(camera: Camera, mode: Mode) -> tuple[av.container.InputContainer, av.VideoStream]:
    place, options = _arguments(camera, mode)
    try:
        container = opened(camera, place, options, (OPEN_SECONDS, READ_SECONDS))
    except NoSuchMode:
        if camera.driver != "dshow":
            raise
        # FFmpeg lists a rate with six digits and cuts the interval of one that is asked for to 100 ns, so
        # that it refuses some of those that it lists, like 59.9999: then the size alone chooses.
        del options["framerate"]
        container = opened(camera, place, options, (OPEN_SECONDS, READ_SECONDS))
    stream = container.streams.video[0]
    got = (stream.codec_context.width, stream.codec_context.height)
    if got != (mode.width, mode.height):
        # Video4Linux takes the next size that it likes instead of refusing.
        container.close()
        raise NoSuchMode(
            Message(
                "The camera {name} gives {got_width}x{got_height} instead of {width}x{height}: choose "
                "another size with `--size`.",
                name=repr(camera.name),
                got_width=got[0],
                got_height=got[1],
                width=mode.width,
                height=mode.height,
            )
        )
    return container, stream


def _arguments(camera: Camera, mode: Mode) -> tuple[str, dict[str, str]]:
    """What FFmpeg is to open, and how."""
    options = {
        "video_size": f"{mode.width}x{mode.height}",
        "framerate": f"{mode.fps.numerator}/{mode.fps.denominator}",
    }
    if camera.driver == "v4l2":
        return camera.device, {**options, "input_format": mode.format}
    if camera.driver == "dshow":
        # A codec cannot be asked for, but size and rate are those of a mode that has it.
        if mode.format not in _CODECS:
            options["pixel_format"] = mode.format
        return f"video={camera.device}", {**options, "rtbufsize": "64M"}
    return f"{camera.device}:none", {**options, "pixel_format": mode.format}
