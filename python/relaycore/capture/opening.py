"""From what is wished of a camera to the sources of its pictures and its sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from relaycore.capture.choose import best_mode, find_camera, find_microphone, why_mode
from relaycore.capture.device import CameraSource
from relaycore.capture.devices import Devices, list_devices
from relaycore.capture.media import LAVFI, MediaAudioSource, MediaSource, Timeline, has_sound
from relaycore.capture.microphone import MicrophoneSource
from relaycore.capture.model import Camera, Microphone, Mode
from relaycore.capture.pattern_source import PatternSource, ToneSource, Waiter
from relaycore.capture.source import AudioSource, VideoSource
from relaycore.errors import NoSuchDevice, NoSuchMode
from relaycore.language import Message
from relaycore.settings import CameraSettings

__all__ = ["Sources", "choose_sources", "is_device"]

PATTERN: Final = "pattern"
PATTERN_SIZE: Final = (1280, 720)
PATTERN_FPS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sources:
    """How to open, and open again, what was chosen. ``notice`` is what a person should know of the choice."""

    open_video: Callable[[], VideoSource]
    open_audio: Callable[[], AudioSource] | None
    notice: str | None


def choose_sources(
    settings: CameraSettings, wait: Waiter, list_all: Callable[[], Devices] = list_devices
) -> Sources:
    """What is to be opened for these settings; ``wait`` waits for some seconds or until the pipeline stops.

    NoSuchDevice when a camera or microphone is not there. Devices are listed, but none is opened yet.
    """
    wish = settings.camera
    notice: str | None = None
    if wish is None and find_camera(None, list_all().cameras) is None:
        wish = PATTERN
        notice = Message(
            "There is no camera, so the test pattern is served: plug one in, or name one with `--camera`."
        )
    audio: Callable[[], AudioSource] | None = None
    video: Callable[[], VideoSource]
    if wish == PATTERN:
        video, audio = _pattern(settings, wait), lambda: ToneSource(wait)
    elif wish is not None and _is_medium(wish):
        timeline = Timeline()
        place, size, limited = wish, settings.dimensions, settings.pixel_range == "limited"
        video = lambda: MediaSource(place, size, timeline, limited=limited, wait=wait)  # noqa: E731
        if settings.microphone is None and has_sound(place):
            audio = lambda: MediaAudioSource(place, timeline, wait)  # noqa: E731
    else:
        video = _Reopener(settings, wish, list_all)
    if settings.microphone is not None:
        audio, missing = _microphone(settings.microphone, list_all)
        notice = notice or missing
    return Sources(video, audio, notice)


def is_device(wish: str) -> bool:
    """Whether a wish can mean a camera alone: it is no test pattern, no graph and no file that is there."""
    return wish != PATTERN and not _is_medium(wish)


def _is_medium(wish: str) -> bool:
    return wish.startswith(LAVFI) or Path(wish).is_file()


def _pattern(settings: CameraSettings, wait: Waiter) -> Callable[[], VideoSource]:
    width, height = settings.dimensions or PATTERN_SIZE
    fps, full = settings.fps or PATTERN_FPS, settings.pixel_range == "full"

    def make() -> VideoSource:
        try:
            return PatternSource(width & ~1, height & ~1, fps, full_range=full, wait=wait)
        except ValueError as error:
            raise NoSuchMode(
                Message(
                    "The test pattern cannot be {width}x{height}: choose 160x90 or more.",
                    width=width,
                    height=height,
                )
            ) from error

    return make


class _Reopener:
    """Opens a camera; once it was opened, finds the same one again, whatever its number is then."""

    def __init__(self, settings: CameraSettings, wish: str | None, list_all: Callable[[], Devices]) -> None:
        self._settings, self._wish, self._list_all = settings, wish, list_all
        self._known: Camera | None = None

    def __call__(self) -> VideoSource:
        camera = self._find(self._list_all().cameras)
        settings = self._settings
        listed = camera.modes
        if not listed:
            camera = _unlisted(camera)
        # What is masked is decoded: then its own H.264 is no better than anything else.
        encoder = "libx264" if settings.masks and settings.encoder == "auto" else settings.encoder
        mode = best_mode(camera, settings.dimensions, settings.fps, encoder)
        why = why_mode(mode, listed, settings.dimensions) if listed else None
        # Only what is encoded here can be converted.
        limited = settings.pixel_range == "limited" and settings.encoder != "copy"
        source = CameraSource(camera, mode, full_range=False if limited else None, why=why)
        self._known = camera
        return source

    def _find(self, cameras: list[Camera]) -> Camera:
        if self._known is not None:
            same = [camera for camera in cameras if camera.name == self._known.name]
            for camera in same:
                if camera.device == self._known.device:
                    return camera
            if same:
                return same[0]
            raise NoSuchDevice(
                Message("The camera {name} is not there: plug it in again.", name=repr(self._known.name))
            )
        found = find_camera(self._wish, cameras)
        if found is None:
            raise NoSuchDevice(Message("There is no camera: plug one in, or use `--camera pattern`."))
        return found


def _unlisted(camera: Camera) -> Camera:
    """A camera that could not be asked for its modes: opening it tells why."""
    return replace(camera, modes=(Mode("yuyv422", 640, 480, Fraction(30)),))


def _microphone(
    wish: str, list_all: Callable[[], Devices]
) -> tuple[Callable[[], AudioSource] | None, str | None]:
    if wish == "none":
        return None, None
    found: Microphone | None = find_microphone(wish, list_all().microphones)
    if found is None:
        return (
            None,
            Message(
                "There is no microphone, so there is no sound: plug one in, or name one with `--microphone`."
            ),
        )
    microphone = found
    return lambda: MicrophoneSource(microphone), None
