"""What a source of pictures or sound is, whatever it is made of.

A source is read by one thread, which blocks in ``read``. ``close`` may be called from that thread only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import av

from relaycore.capture.colour import Colour
from relaycore.capture.model import CameraDriver

if TYPE_CHECKING:
    from relaycore._relaycore import FrameBuffer

__all__ = ["AudioBlock", "AudioSource", "BadPicture", "Captured", "Codec", "SourceFormat", "VideoSource"]

Codec = Literal["h264", "jpeg"]
"""Codecs that can be sent on as a source delivers them."""


class BadPicture(Exception):
    """A picture is damaged; the next one may be whole."""


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """What a source delivers.

    ``name`` is for a person, ``device`` what it was opened by, ``mode`` its way of delivering. Width and
    height are even and in pixels. ``codec`` is ``None`` for pictures that are not encoded. ``why`` says why
    it is this mode, where there was a choice. ``driver`` is what a camera is opened through, and ``None`` for
    all else.
    """

    name: str
    device: str
    mode: str
    width: int
    height: int
    fps: float
    colour: Colour
    codec: Codec | None
    why: str | None = None
    driver: CameraDriver | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """One picture on its way.

    Times are of the engine's clock: of the moment that the picture shows, and of its arrival here.
    ``encoded`` is the access unit (Annex B or JPEG) where the source has a codec. ``fill`` decodes it into a
    buffer of the source's size; it may be called once, from the reading thread, and raises BadPicture. It
    gives how many pixels what the source has at one place may be away from it in the buffer, beyond its own
    block of 2 x 2 pixels: 0, or more where the picture was converted.
    ``remark`` is what is wrong with the picture though it can be shown, as a sentence for a person.
    """

    captured_ns: int
    received_ns: int
    encoded: bytes | None
    fill: Callable[[FrameBuffer], int]
    remark: str | None = None


class VideoSource(Protocol):
    """A source of pictures."""

    @property
    def format(self) -> SourceFormat:
        """What it delivers."""

    def read(self) -> Captured:
        """Waits for the next picture.

        BadPicture when it is damaged, DeviceLost when there will be no more.
        """

    def close(self) -> None:
        """Lets the device or file go."""


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """Some samples, and when the first of them was heard, by the engine's clock."""

    frame: av.AudioFrame
    captured_ns: int


class AudioSource(Protocol):
    """A source of sound. ``rate`` is in samples a second, ``channels`` is 1 or 2."""

    @property
    def name(self) -> str:
        """What a person knows it by."""

    @property
    def rate(self) -> int:
        """Samples a second."""

    @property
    def channels(self) -> int:
        """1 or 2."""

    def read(self) -> AudioBlock:
        """Waits for the next samples. DeviceLost when there will be no more."""

    def close(self) -> None:
        """Lets the device or file go."""
