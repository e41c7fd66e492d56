"""Which camera, and which of its modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from relaycore.capture.model import Camera, Microphone, Mode
from relaycore.errors import NoSuchDevice, NoSuchMode
from relaycore.language import Message, message_n

__all__ = ["best_mode", "find_camera", "find_microphone", "why_mode"]

_LARGEST: Final = (1920, 1080)
"""Pixels that are taken when no size is wished: more costs more than a core to encode."""

_USUAL_FPS: Final = 30.0

_TO_DECODE: Final = (
    "mjpeg",
    "yuv420p",
    "yuyv422",
    "yuv422p",
    "nv12",
    "uyvy422",
    "rgb24",
    "bgr24",
    "gray",
)
"""Formats of the same size and rate, best first. MJPEG leaves room on the bus and decodes fast."""

_TO_COPY: Final = ("h264", "mjpeg")
"""Formats that can be sent on as they are, best first."""

_Device = TypeVar("_Device", Camera, Microphone)


def find_camera(wish: str | None, cameras: Sequence[Camera]) -> Camera | None:
    """The camera of a device path, name, or part of a name; for ``None`` the first one that lists modes.

    ``None`` when there is none at all and none is wished. NoSuchDevice when none matches, or several do.
    """
    if wish is None:
        first = cameras[0] if cameras else None
        return next((camera for camera in cameras if camera.modes), first)
    return _find(wish, cameras, "camera")


def find_microphone(wish: str, microphones: Sequence[Microphone]) -> Microphone | None:
    """The microphone of a device, name or part of a name; the first one, if any, for ``auto``.

    NoSuchDevice when none matches, or several do.
    """
    if wish == "auto":
        return microphones[0] if microphones else None
    return _find(wish, microphones, "microphone")


def _find(wish: str, devices: Sequence[_Device], kind: str) -> _Device:
    folded = wish.casefold()
    for matches in (
        [device for device in devices if device.device == wish],
        [device for device in devices if device.name == wish],
        [device for device in devices if device.name.casefold() == folded],
        [device for device in devices if folded in device.name.casefold()],
    ):
        if len({device.device for device in matches}) > 1:
            listed = ", ".join(f"{device.device} ({device.name})" for device in matches)
            raise NoSuchDevice(
                Message(
                    "{wish} is the name of several devices: choose one by its device: {listed}.",
                    wish=repr(wish),
                    listed=listed,
                )
            )
        if matches:
            return matches[0]
    there = ", ".join(f"{device.name!r} ({device.device})" for device in devices)
    advice = Message("plug one in, or use `--camera pattern`")
    if kind == "microphone":
        advice = Message("plug one in, or use `--microphone none`")
    if there:
        advice = Message("choose one of {devices}", devices=there)
    if kind == "camera":
        raise NoSuchDevice(
            Message("There is no camera and no file {wish}: {advice}.", wish=repr(wish), advice=advice)
        )
    raise NoSuchDevice(Message("There is no microphone {wish}: {advice}.", wish=repr(wish), advice=advice))


def best_mode(camera: Camera, size: tuple[int, int] | None, fps: float | None, encoder: str = "auto") -> Mode:
    """The best mode up to 1920x1080 at 30 fps, or of the wished size and nearest to the wished rate.

    ``encoder`` is as in the settings: ``copy`` takes encoded formats only, ``auto`` likes H.264 best, and any
    other takes H.264 only where there is nothing else. NoSuchMode when the camera has no such mode, or none
    at all.
    """
    if not camera.modes:
        raise NoSuchMode(
            Message(
                "The camera {name} lists no modes that can be read: choose another camera.",
                name=repr(camera.name),
            )
        )
    modes = [mode for mode in camera.modes if encoder != "copy" or mode.format in _TO_COPY]
    if not modes:
        raise NoSuchMode(
            Message(
                "The camera {name} gives neither H.264 nor MJPEG, so its pictures must be encoded: "
                "use another encoder than `copy`.",
                name=repr(camera.name),
            )
        )
    sized = [mode for mode in modes if size in (None, (mode.width, mode.height))]
    if not sized:
        sizes = ", ".join(dict.fromkeys(f"{mode.width}x{mode.height}" for mode in modes))
        wished = "" if size is None else f"{size[0]}x{size[1]}"
        raise NoSuchMode(
            Message(
                "The camera {name} has no size {wished}: choose one of {sizes}.",
                name=repr(camera.name),
                wished=wished,
                sizes=sizes,
            )
        )
    order = (*_TO_COPY, *_TO_DECODE) if encoder in ("auto", "copy") else (*_TO_DECODE, "h264")
    wanted = _USUAL_FPS if fps is None else fps

    def rank(mode: Mode) -> tuple[float, ...]:
        area = mode.width * mode.height
        fits = mode.width <= _LARGEST[0] and mode.height <= _LARGEST[1]
        rate = float(mode.fps)
        return (
            not fits,
            # A camera's largest raw sizes come at a few pictures a second: a smaller, fluent one is better.
            rate < min(wanted, _USUAL_FPS) * 0.8,
            -area if fits else area,
            abs(rate - wanted),
            order.index(mode.format) if mode.format in order else len(order),
        )

    return min(sized, key=rank)


def why_mode(mode: Mode, modes: Sequence[Mode], size: tuple[int, int] | None) -> str:
    """Why ``best_mode`` took this one of a camera's modes, in a sentence for every start."""
    others = len(modes) - 1
    if others == 0:
        return Message("{mode}: the camera has no other mode", mode=str(mode))
    of = message_n(
        "the camera has {count} other mode, see `relaycore devices`",
        "the camera has {count} other modes, see `relaycore devices`",
        others,
    )
    if size is not None:
        return Message(
            "{mode}: the size that was asked for, at the nearest rate; {of}", mode=str(mode), of=of
        )
    if mode.width > _LARGEST[0] or mode.height > _LARGEST[1]:
        return Message("{mode}: the smallest size; {of}", mode=str(mode), of=of)
    return Message(
        "{mode}: the largest size up to {width}x{height} that is fluent; {of}",
        mode=str(mode),
        width=_LARGEST[0],
        height=_LARGEST[1],
        of=of,
    )
