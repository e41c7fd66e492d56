"""The imaging service (ONVIF Imaging Service Specification): the controls of the cameras themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml import etree

from relaycore.capture.model import Control, ControlName
from relaycore.errors import ConfigurationError
from relaycore.onvif.services.imaging import elements
from relaycore.onvif.services.imaging.wishes import decimal, wishes_in
from relaycore.onvif.soap.build import node, text_of
from relaycore.onvif.soap.faults import Fault, invalid
from relaycore.onvif.soap.names import TIMG
from relaycore.onvif.soap.operations import Call, Operation, Service

__all__ = ["SERVICE"]


def capabilities(call: Call) -> etree._Element:  # noqa: ARG001
    """What the service can do."""
    return node("timg:Capabilities", ImageStabilization=False, Presets=False, AdaptablePreset=False)


async def get_service_capabilities(call: Call) -> etree._Element:
    """What the service can do."""
    return node("timg:GetServiceCapabilitiesResponse", capabilities(call))


async def get_imaging_settings(call: Call) -> etree._Element:
    """What the controls of a camera are set to."""
    controls = await _controls(call, _source(call))
    return node("timg:GetImagingSettingsResponse", elements.settings("timg:ImagingSettings", controls))


async def get_options(call: Call) -> etree._Element:
    """What they can be set to."""
    controls = await _controls(call, _source(call))
    return node("timg:GetOptionsResponse", elements.options("timg:ImagingOptions", controls))


async def set_imaging_settings(call: Call) -> etree._Element:
    """Sets controls of a camera, all that are given or none."""
    path = _source(call)
    controls = await _controls(call, path)
    if not controls:
        raise _no_imaging("This camera has no settings of its own.")
    settings = _part(call, "ImagingSettings")
    await _set(call, path, wishes_in(settings, controls), keep=call.keeps)
    return node("timg:SetImagingSettingsResponse")


async def get_move_options(call: Call) -> etree._Element:
    """How the focus can be moved."""
    controls = await _controls(call, _source(call))
    return node("timg:GetMoveOptionsResponse", elements.move_options("timg:MoveOptions", controls))


async def get_status(call: Call) -> etree._Element:
    """Where the focus is. Whether it moves, no camera tells."""
    controls = await _controls(call, _source(call))
    focus = controls.get("focus")
    status = None
    if focus is not None:
        status = node("tt:FocusStatus20", node("tt:Position", focus.value), node("tt:MoveStatus", "UNKNOWN"))
    return node("timg:GetStatusResponse", node("timg:Status", status))


async def move(call: Call) -> etree._Element:
    """Moves the focus to a place or by a way, which ends its choice by the camera itself."""
    path = _source(call)
    controls = await _controls(call, path)
    focus = _motor(controls)
    wish = _part(call, "Focus")
    absolute, relative = (wish.find(f"{{*}}{name}") for name in ("Absolute", "Relative"))
    if absolute is not None:
        place = decimal(text_of(absolute, "tt:Position"), "Position")
        if not focus.least <= place <= focus.most:
            raise invalid("SettingsInvalid", f"Position goes from {focus.least} to {focus.most}.")
    elif relative is not None:
        way = decimal(text_of(relative, "tt:Distance"), "Distance")
        place = min(max(focus.value + way, focus.least), focus.most)
    else:
        raise invalid("SettingsInvalid", "The focus moves to a place or by a way only.")
    values: dict[ControlName, int] = {"focus": round(place)}
    if "focus_auto" in controls:
        values["focus_auto"] = 0
    await _set(call, path, values, keep=False)
    return node("timg:MoveResponse")


async def stop(call: Call) -> etree._Element:
    """A motion of the focus ends where it goes to: there is none to end."""
    _motor(await _controls(call, _source(call)))
    return node("timg:StopResponse")


SERVICE: Final = Service(
    namespace=TIMG,
    address="imaging_service",
    version=(24, 12),
    operations=(
        Operation(TIMG, "GetServiceCapabilities", "anyone", get_service_capabilities),
        Operation(TIMG, "GetImagingSettings", "view", get_imaging_settings),
        Operation(TIMG, "GetOptions", "view", get_options),
        Operation(TIMG, "SetImagingSettings", "operate", set_imaging_settings),
        Operation(TIMG, "GetMoveOptions", "view", get_move_options),
        Operation(TIMG, "GetStatus", "view", get_status),
        Operation(TIMG, "Move", "operate", move),
        Operation(TIMG, "Stop", "operate", stop),
    ),
    capabilities=capabilities,
)


def _source(call: Call) -> str:
    """The path of the camera that a request names."""
    token = text_of(call.body, "timg:VideoSourceToken")
    if token is None or not call.covers(token):
        raise invalid("NoSource", "There is no such video source.")
    return token


async def _controls(call: Call, path: str) -> Mapping[ControlName, Control]:
    """What can be set of a camera. A mirror shows one whose settings are not its own."""
    return {} if path in call.relay.mirrors() else await call.relay.camera_controls(path)


def _part(call: Call, name: str) -> etree._Element:
    found = call.body.find(f"{{*}}{name}")
    if found is None:
        raise invalid("SettingsInvalid", f"{name} is missing.")
    return found


def _motor(controls: Mapping[ControlName, Control]) -> Control:
    focus = controls.get("focus")
    if focus is None or not focus.changeable:
        raise _no_imaging("The focus of this camera cannot be moved.")
    return focus


def _no_imaging(reason: str) -> Fault:
    return Fault("Receiver", ["ter:ActionNotSupported", "ter:NoImagingForSource"], reason)


async def _set(call: Call, path: str, values: Mapping[ControlName, int], *, keep: bool) -> None:
    try:
        await call.relay.set_camera_controls(path, values, keep=keep)
    except ConfigurationError as error:
        raise invalid("SettingsInvalid", str(error)) from None
