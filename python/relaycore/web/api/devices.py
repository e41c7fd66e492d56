"""The cameras and microphones of the machine that the relay runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from aiohttp import web

from relaycore.capture import devices
from relaycore.capture.model import Camera, Devices
from relaycore.web.answers import json_answer
from relaycore.web.routes import Answered, Route

__all__ = ["ROUTES", "CameraDevice", "DeviceList", "MicrophoneDevice"]


class CameraDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A camera. Its device opens it; names need not be unique."""

    name: str
    device: str
    sizes: list[str]
    """Its sizes in pixels, such as `1280x720`, the largest first."""


class MicrophoneDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A microphone. Its device opens it; names need not be unique."""

    name: str
    device: str


class DeviceList(msgspec.Struct, frozen=True, kw_only=True):
    """What can be captured."""

    cameras: list[CameraDevice]
    microphones: list[MicrophoneDevice]


async def list_devices(_request: web.Request) -> web.Response:
    """Answers with the devices: the system is asked anew each time, since they come and go."""
    found = await asyncio.to_thread(devices.list_devices)
    return json_answer(200, _view(found))


def _view(found: Devices) -> DeviceList:
    return DeviceList(
        cameras=[
            CameraDevice(name=camera.name, device=camera.device, sizes=_sizes(camera))
            for camera in found.cameras
        ],
        microphones=[
            MicrophoneDevice(name=microphone.name, device=microphone.device)
            for microphone in found.microphones
        ],
    )


def _sizes(camera: Camera) -> list[str]:
    sizes = {(mode.width, mode.height) for mode in camera.modes}
    return [f"{width}x{height}" for width, height in sorted(sizes, reverse=True)]


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/devices",
        name="listDevices",
        summary="The cameras and microphones of the machine, for those who may make a camera of them.",
        access="write",
        handler=list_devices,
        answers={200: Answered("The devices.", DeviceList)},
    ),
)
