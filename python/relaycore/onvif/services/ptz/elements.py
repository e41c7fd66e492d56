"""Elements of PTZ as the schemas order them (ONVIF's onvif.xsd, ptz.wsdl)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Protocol

from lxml import etree

from relaycore.onvif.services.ptz import names
from relaycore.onvif.services.ptz.presets import MOST, Preset
from relaycore.onvif.soap.build import node

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "MOST_TIMEOUT_S",
    "Shown",
    "capabilities",
    "configuration",
    "node_of",
    "options",
    "preset",
    "status",
]

DEFAULT_TIMEOUT_S: Final = 10
"""Seconds that a continuous move lasts where nobody says."""

MOST_TIMEOUT_S: Final = 60
"""Seconds that one lasts at most."""

_SIGNED: Final = (-1.0, 1.0)
_UNSIGNED: Final = (0.0, 1.0)

_SPACES: Final[tuple[tuple[str, str, bool, tuple[float, float]], ...]] = (
    ("AbsolutePanTiltPositionSpace", names.PAN_TILT_POSITION, True, _SIGNED),
    ("AbsoluteZoomPositionSpace", names.ZOOM_POSITION, False, _UNSIGNED),
    ("RelativePanTiltTranslationSpace", names.PAN_TILT_TRANSLATION, True, _SIGNED),
    ("RelativePanTiltTranslationSpace", names.FOV, True, _SIGNED),
    ("RelativeZoomTranslationSpace", names.ZOOM_TRANSLATION, False, _SIGNED),
    ("ContinuousPanTiltVelocitySpace", names.PAN_TILT_VELOCITY, True, _SIGNED),
    ("ContinuousZoomVelocitySpace", names.ZOOM_VELOCITY, False, _SIGNED),
    ("PanTiltSpeedSpace", names.PAN_TILT_SPEED, False, _UNSIGNED),
    ("ZoomSpeedSpace", names.ZOOM_SPEED, False, _UNSIGNED),
)
"""Element, space, whether it has two axes, and its range, in the order of the schema."""


class Shown(Protocol):
    """What is shown of a scene, as :class:`relaycore.pipeline.view.View` has it."""

    @property
    def pan(self) -> float:
        """From -1, left, to 1, right."""

    @property
    def tilt(self) -> float:
        """From -1, below, to 1, above."""

    @property
    def zoom(self) -> float:
        """From 0, all of the scene, to 1."""

    @property
    def share(self) -> float:
        """Part of the scene's width that is seen."""

    @property
    def turning(self) -> bool:
        """Whether pan or tilt are in motion."""

    @property
    def zooming(self) -> bool:
        """Whether zoom is."""


def node_of(name: str, path: str) -> etree._Element:
    """The node of a camera: what can be done with it. ``name`` is that of the element."""
    return node(
        name,
        node("tt:Name", path),
        _spaces("tt:SupportedPTZSpaces"),
        node("tt:MaximumNumberOfPresets", MOST),
        node("tt:HomeSupported", True),
        prefixes=("tt",),
        token=path,
        FixedHomePosition=True,
    )


def configuration(name: str, path: str, use_count: int) -> etree._Element:
    """The configuration of a camera, as profiles have it, too."""
    return node(
        name,
        node("tt:Name", path),
        node("tt:UseCount", use_count),
        node("tt:NodeToken", path),
        # The schema has it with this letter too many.
        node("tt:DefaultAbsolutePantTiltPositionSpace", names.PAN_TILT_POSITION),
        node("tt:DefaultAbsoluteZoomPositionSpace", names.ZOOM_POSITION),
        node("tt:DefaultRelativePanTiltTranslationSpace", names.PAN_TILT_TRANSLATION),
        node("tt:DefaultRelativeZoomTranslationSpace", names.ZOOM_TRANSLATION),
        node("tt:DefaultContinuousPanTiltVelocitySpace", names.PAN_TILT_VELOCITY),
        node("tt:DefaultContinuousZoomVelocitySpace", names.ZOOM_VELOCITY),
        node(
            "tt:DefaultPTZSpeed",
            node("tt:PanTilt", x=1, y=1, space=names.PAN_TILT_SPEED),
            node("tt:Zoom", x=1, space=names.ZOOM_SPEED),
        ),
        node("tt:DefaultPTZTimeout", f"PT{DEFAULT_TIMEOUT_S}S"),
        node("tt:PanTiltLimits", _space("tt:Range", names.PAN_TILT_POSITION, True, _SIGNED)),
        node("tt:ZoomLimits", _space("tt:Range", names.ZOOM_POSITION, False, _UNSIGNED)),
        prefixes=("tt",),
        token=path,
    )


def options() -> etree._Element:
    """What a configuration may be."""
    return node(
        "tptz:PTZConfigurationOptions",
        _spaces("tt:Spaces"),
        node("tt:PTZTimeout", node("tt:Min", "PT1S"), node("tt:Max", f"PT{MOST_TIMEOUT_S}S")),
        prefixes=("tt",),
    )


def status(shown: Shown) -> etree._Element:
    """Where it looks and whether it moves."""
    return node(
        "tptz:PTZStatus",
        _position("tt:Position", shown.pan, shown.tilt, shown.zoom),
        node(
            "tt:MoveStatus",
            node("tt:PanTilt", "MOVING" if shown.turning else "IDLE"),
            node("tt:Zoom", "MOVING" if shown.zooming else "IDLE"),
        ),
        node("tt:UtcTime", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
        prefixes=("tt",),
    )


def preset(token: str, kept: Preset) -> etree._Element:
    """One preset."""
    return node(
        "tptz:Preset",
        node("tt:Name", kept.name),
        _position("tt:PTZPosition", kept.pan, kept.tilt, kept.zoom),
        prefixes=("tt",),
        token=token,
    )


def capabilities() -> etree._Element:
    """What the service can do."""
    return node(
        "tptz:Capabilities",
        EFlip=False,
        Reverse=False,
        GetCompatibleConfigurations=True,
        MoveStatus=True,
        StatusPosition=True,
    )


def _position(name: str, pan: float, tilt: float, zoom: float) -> etree._Element:
    return node(
        name,
        node("tt:PanTilt", x=float(pan), y=float(tilt), space=names.PAN_TILT_POSITION),
        node("tt:Zoom", x=float(zoom), space=names.ZOOM_POSITION),
    )


def _spaces(name: str) -> etree._Element:
    return node(
        name, *(_space(f"tt:{element}", space, both, limits) for element, space, both, limits in _SPACES)
    )


def _space(name: str, space: str, both: bool, limits: tuple[float, float]) -> etree._Element:
    least, most = limits
    return node(
        name,
        node("tt:URI", space),
        *(
            node(f"tt:{axis}", node("tt:Min", least), node("tt:Max", most))
            for axis in (("XRange", "YRange") if both else ("XRange",))
        ),
    )
