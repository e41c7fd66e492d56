"""The operations of the PTZ service."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, Protocol

from lxml import etree

from relaycore.onvif.services.events.times import duration_s
from relaycore.onvif.services.ptz import elements, names
from relaycore.onvif.services.ptz.elements import Shown
from relaycore.onvif.services.ptz.errors import PtzError
from relaycore.onvif.services.ptz.presets import Preset, Presets
from relaycore.onvif.soap.build import child_of, node, text_of
from relaycore.onvif.soap.names import TPTZ

__all__ = ["HANDLERS", "PtzCall", "Views"]


class Views(Protocol):
    """What a relay does with views; see the methods of :class:`relaycore.Relay`."""

    def view(self, path: str) -> Shown:
        """What is shown."""

    async def set_view(
        self,
        path: str,
        pan: float | None = None,
        tilt: float | None = None,
        zoom: float | None = None,
        *,
        speed: float | None = None,
    ) -> None:
        """Shows something else."""

    async def move_view(
        self,
        path: str,
        *,
        pan: float = 0.0,
        tilt: float = 0.0,
        zoom: float = 0.0,
        seconds: float | None = None,
    ) -> None:
        """Moves."""

    async def stop_view(self, path: str, *, turning: bool = True, zooming: bool = True) -> None:
        """Ends a motion."""


class PtzCall(Protocol):
    """What an operation knows of its request."""

    @property
    def views(self) -> Views:
        """The relay."""

    @property
    def presets(self) -> Presets:
        """The presets of the relay."""

    @property
    def body(self) -> etree._Element:
        """The element of the operation."""

    @property
    def cameras(self) -> Sequence[str]:
        """The cameras of the device that can be moved. Paths are the tokens of nodes and configurations."""

    def camera_of_profile(self, token: str) -> str | None:
        """The camera of a profile."""

    def profiles_of(self, path: str) -> int:
        """How many profiles of a camera there are."""


Handler = Callable[[PtzCall], Awaitable[etree._Element]]


# What there is


async def get_service_capabilities(call: PtzCall) -> etree._Element:  # noqa: ARG001
    """What the service can do."""
    return node("tptz:GetServiceCapabilitiesResponse", elements.capabilities())


async def get_nodes(call: PtzCall) -> etree._Element:
    """The nodes of all cameras."""
    return node("tptz:GetNodesResponse", *(elements.node_of("tptz:PTZNode", path) for path in call.cameras))


async def get_node(call: PtzCall) -> etree._Element:
    """One node."""
    return node(
        "tptz:GetNodeResponse", elements.node_of("tptz:PTZNode", _camera(call, "NodeToken", "NoEntity"))
    )


async def get_configurations(call: PtzCall) -> etree._Element:
    """The configurations of all cameras."""
    return node("tptz:GetConfigurationsResponse", *(_configuration(call, path) for path in call.cameras))


async def get_compatible_configurations(call: PtzCall) -> etree._Element:
    """The configurations that a profile may have."""
    return node("tptz:GetCompatibleConfigurationsResponse", _configuration(call, _of_profile(call)))


async def get_configuration(call: PtzCall) -> etree._Element:
    """One configuration."""
    return node(
        "tptz:GetConfigurationResponse",
        _configuration(call, _camera(call, "PTZConfigurationToken", "NoConfig")),
    )


async def get_configuration_options(call: PtzCall) -> etree._Element:
    """What a configuration may be."""
    _camera(call, "ConfigurationToken", "NoConfig")
    return node("tptz:GetConfigurationOptionsResponse", elements.options())


async def get_status(call: PtzCall) -> etree._Element:
    """Where a camera looks."""
    return node("tptz:GetStatusResponse", elements.status(call.views.view(_of_profile(call))))


# Moving


async def continuous_move(call: PtzCall) -> etree._Element:
    """Moves until it is stopped, or for some time."""
    path = _of_profile(call)
    velocity = child_of(call.body, "tptz:Velocity")
    pan, tilt = _vector(velocity, "PanTilt", {names.PAN_TILT_VELOCITY: 1.0}) or (0.0, 0.0)
    zoom = (_vector(velocity, "Zoom", {names.ZOOM_VELOCITY: 1.0}) or (0.0, 0.0))[0]
    if pan == tilt == zoom == 0:
        await call.views.stop_view(path)
        return node("tptz:ContinuousMoveResponse")
    text = text_of(call.body, "tptz:Timeout")
    seconds = float(elements.DEFAULT_TIMEOUT_S) if text is None else duration_s(text)
    if seconds <= 0:
        raise PtzError("A motion lasts longer than 0 seconds.", "InvalidArgVal", "TimeoutNotSupported")
    most = float(elements.MOST_TIMEOUT_S)
    await call.views.move_view(path, pan=pan, tilt=tilt, zoom=zoom, seconds=min(seconds, most))
    return node("tptz:ContinuousMoveResponse")


async def relative_move(call: PtzCall) -> etree._Element:
    """Moves by some way: of the scene, or of what is seen."""
    path = _of_profile(call)
    way = child_of(call.body, "tptz:Translation")
    here = call.views.view(path)
    # A picture's half is one unit of what is seen, as the scene's half is one of the scene.
    turn = _vector(way, "PanTilt", {names.PAN_TILT_TRANSLATION: 1.0, names.FOV: here.share})
    zoom = _vector(way, "Zoom", {names.ZOOM_TRANSLATION: 1.0})
    if turn is None and zoom is None:
        raise PtzError("A translation is missing.", "InvalidArgVal", "InvalidTranslation")
    await call.views.set_view(
        path,
        None if turn is None else _within(here.pan + turn[0], -1.0),
        None if turn is None else _within(here.tilt + turn[1], -1.0),
        None if zoom is None else _within(here.zoom + zoom[0], 0.0),
        speed=_speed(call),
    )
    return node("tptz:RelativeMoveResponse")


async def absolute_move(call: PtzCall) -> etree._Element:
    """Moves to a place."""
    path = _of_profile(call)
    place = child_of(call.body, "tptz:Position")
    turn = _vector(place, "PanTilt", {names.PAN_TILT_POSITION: 1.0})
    zoom = _vector(place, "Zoom", {names.ZOOM_POSITION: 1.0})
    if (turn is None and zoom is None) or (zoom is not None and zoom[0] < 0):
        raise PtzError("The position is none of this camera's.", "InvalidArgVal", "InvalidPosition")
    await call.views.set_view(
        path,
        None if turn is None else turn[0],
        None if turn is None else turn[1],
        None if zoom is None else zoom[0],
        speed=_speed(call),
    )
    return node("tptz:AbsoluteMoveResponse")


async def stop(call: PtzCall) -> etree._Element:
    """Ends a motion, or a part of it."""
    path = _of_profile(call)
    turning, zooming = (
        (text_of(call.body, name) or "true") in ("true", "1") for name in ("tptz:PanTilt", "tptz:Zoom")
    )
    await call.views.stop_view(path, turning=turning, zooming=zooming)
    return node("tptz:StopResponse")


async def goto_home_position(call: PtzCall) -> etree._Element:
    """Shows all of the scene."""
    await call.views.set_view(_of_profile(call), 0.0, 0.0, 0.0, speed=_speed(call))
    return node("tptz:GotoHomePositionResponse")


async def set_home_position(call: PtzCall) -> etree._Element:
    """Home is always all of the scene."""
    _of_profile(call)
    raise PtzError("The home position cannot be another one.", "Action", "CannotOverwriteHome")


# Presets


async def get_presets(call: PtzCall) -> etree._Element:
    """The presets of a camera."""
    kept = call.presets.of(_of_profile(call))
    return node("tptz:GetPresetsResponse", *(elements.preset(*each) for each in kept.items()))


async def set_preset(call: PtzCall) -> etree._Element:
    """Keeps what is shown now."""
    path = _of_profile(call)
    token = text_of(call.body, "tptz:PresetToken")
    name = text_of(call.body, "tptz:PresetName")
    here = call.views.view(path)
    if name is None:
        name = call.presets.find(path, token).name if token is not None else _free_name(call.presets, path)
    kept = Preset(name=name, pan=here.pan, tilt=here.tilt, zoom=here.zoom)
    return node(
        "tptz:SetPresetResponse", node("tptz:PresetToken", await call.presets.keep(path, kept, token))
    )


async def remove_preset(call: PtzCall) -> etree._Element:
    """Forgets a preset."""
    await call.presets.remove(_of_profile(call), _token(call, "PresetToken"))
    return node("tptz:RemovePresetResponse")


async def goto_preset(call: PtzCall) -> etree._Element:
    """Shows what was kept."""
    path = _of_profile(call)
    kept = call.presets.find(path, _token(call, "PresetToken"))
    await call.views.set_view(path, kept.pan, kept.tilt, kept.zoom, speed=_speed(call))
    return node("tptz:GotoPresetResponse")


HANDLERS: Final[tuple[tuple[str, str, Literal["anyone", "view", "operate"], Handler], ...]] = (
    (TPTZ, "GetServiceCapabilities", "anyone", get_service_capabilities),
    (TPTZ, "GetNodes", "view", get_nodes),
    (TPTZ, "GetNode", "view", get_node),
    (TPTZ, "GetConfigurations", "view", get_configurations),
    (TPTZ, "GetCompatibleConfigurations", "view", get_compatible_configurations),
    (TPTZ, "GetConfiguration", "view", get_configuration),
    (TPTZ, "GetConfigurationOptions", "view", get_configuration_options),
    (TPTZ, "GetStatus", "view", get_status),
    (TPTZ, "ContinuousMove", "operate", continuous_move),
    (TPTZ, "RelativeMove", "operate", relative_move),
    (TPTZ, "AbsoluteMove", "operate", absolute_move),
    (TPTZ, "Stop", "operate", stop),
    (TPTZ, "GotoHomePosition", "operate", goto_home_position),
    (TPTZ, "SetHomePosition", "operate", set_home_position),
    (TPTZ, "GetPresets", "view", get_presets),
    (TPTZ, "SetPreset", "operate", set_preset),
    (TPTZ, "RemovePreset", "operate", remove_preset),
    (TPTZ, "GotoPreset", "operate", goto_preset),
)
"""By namespace and name, with who may."""


def _configuration(call: PtzCall, path: str) -> etree._Element:
    return elements.configuration("tptz:PTZConfiguration", path, call.profiles_of(path))


def _token(call: PtzCall, name: str) -> str:
    return text_of(call.body, f"tptz:{name}") or ""


def _camera(call: PtzCall, name: str, fault: str) -> str:
    token = _token(call, name)
    if token not in call.cameras:
        raise PtzError("There is no such node or configuration.", "InvalidArgVal", fault)
    return token


def _of_profile(call: PtzCall) -> str:
    path = call.camera_of_profile(_token(call, "ProfileToken"))
    if path is None:
        raise PtzError("There is no such profile.", "InvalidArgVal", "NoProfile")
    if path not in call.cameras:
        raise PtzError("The camera of this profile does not move.", "InvalidArgVal", "NoPTZProfile")
    return path


def _vector(place: etree._Element | None, name: str, spaces: dict[str, float]) -> tuple[float, float] | None:
    """Both axes of a vector; the second one is 0 for zoom. The first of the spaces is what is meant without.

    Each is a factor by which a vector in it is multiplied.
    """
    found = child_of(place, f"tt:{name}")
    if found is None:
        return None
    factor = spaces.get((found.get("space") or "").strip() or next(iter(spaces)))
    if factor is None:
        raise PtzError("This space is not known here.", "InvalidArgVal", "SpaceNotSupported")
    try:
        axes = float(found.get("x", "nan")), float(found.get("y", "0"))
    except ValueError:
        axes = math.nan, 0.0
    if not all(-1 <= axis <= 1 for axis in axes):  # NaN is none
        raise PtzError("An axis goes from -1 to 1.", "InvalidArgVal", "InvalidPosition")
    return axes[0] * factor, axes[1] * factor


def _speed(call: PtzCall) -> float | None:
    """The part of full speed that is wished; it goes at once where none is."""
    place = child_of(call.body, "tptz:Speed")
    if place is None:
        return None
    turn = _vector(place, "PanTilt", {names.PAN_TILT_SPEED: 1.0, names.PAN_TILT_VELOCITY: 1.0})
    zoom = _vector(place, "Zoom", {names.ZOOM_SPEED: 1.0, names.ZOOM_VELOCITY: 1.0})
    speed = max(abs(part) for part in (*(turn or ()), *(zoom or ()), 0.0))
    return speed if speed > 0 else None


def _within(wish: float, least: float) -> float:
    return min(1.0, max(least, wish))


def _free_name(presets: Presets, path: str) -> str:
    used = {kept.name for kept in presets.of(path).values()}
    return next(name for number in range(1, len(used) + 2) if (name := f"Preset {number}") not in used)
