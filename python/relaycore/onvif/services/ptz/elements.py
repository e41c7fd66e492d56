"""Elements of PTZ as the schemas order them (ONVIF's onvif.xsd, ptz.wsdl)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

from lxml import etree

from relaycore.onvif.services.ptz import names
from relaycore.onvif.services.ptz.names import NSMAP, TPTZ, TT
from relaycore.onvif.services.ptz.presets import MOST, Preset

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "MOST_TIMEOUT_S",
    "Shown",
    "answer",
    "configuration",
    "node",
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


def answer(name: str) -> etree._Element:
    """An empty answer of an operation."""
    return etree.Element(f"{{{TPTZ}}}{name}Response", nsmap=NSMAP)


def node(tag: str, path: str) -> etree._Element:
    """The node of a camera: what can be done with it."""
    root = etree.Element(tag, token=path, FixedHomePosition="true", nsmap=NSMAP)
    _text(root, "Name", path)
    _spaces(root, "SupportedPTZSpaces")
    _text(root, "MaximumNumberOfPresets", str(MOST))
    _text(root, "HomeSupported", "true")
    return root


def configuration(tag: str, path: str, use_count: int) -> etree._Element:
    """The configuration of a camera, as profiles have it, too."""
    root = etree.Element(tag, token=path, nsmap=NSMAP)
    _text(root, "Name", path)
    _text(root, "UseCount", str(use_count))
    _text(root, "NodeToken", path)
    for name, space in (
        # The schema has it with this letter too many.
        ("DefaultAbsolutePantTiltPositionSpace", names.PAN_TILT_POSITION),
        ("DefaultAbsoluteZoomPositionSpace", names.ZOOM_POSITION),
        ("DefaultRelativePanTiltTranslationSpace", names.PAN_TILT_TRANSLATION),
        ("DefaultRelativeZoomTranslationSpace", names.ZOOM_TRANSLATION),
        ("DefaultContinuousPanTiltVelocitySpace", names.PAN_TILT_VELOCITY),
        ("DefaultContinuousZoomVelocitySpace", names.ZOOM_VELOCITY),
    ):
        _text(root, name, space)
    speed = etree.SubElement(root, f"{{{TT}}}DefaultPTZSpeed")
    etree.SubElement(speed, f"{{{TT}}}PanTilt", x="1", y="1", space=names.PAN_TILT_SPEED)
    etree.SubElement(speed, f"{{{TT}}}Zoom", x="1", space=names.ZOOM_SPEED)
    _text(root, "DefaultPTZTimeout", f"PT{DEFAULT_TIMEOUT_S}S")
    _space(etree.SubElement(root, f"{{{TT}}}PanTiltLimits"), "Range", names.PAN_TILT_POSITION, True, _SIGNED)
    _space(etree.SubElement(root, f"{{{TT}}}ZoomLimits"), "Range", names.ZOOM_POSITION, False, _UNSIGNED)
    return root


def options(tag: str) -> etree._Element:
    """What a configuration may be."""
    root = etree.Element(tag, nsmap=NSMAP)
    _spaces(root, "Spaces")
    timeout = etree.SubElement(root, f"{{{TT}}}PTZTimeout")
    _text(timeout, "Min", "PT1S")
    _text(timeout, "Max", f"PT{MOST_TIMEOUT_S}S")
    return root


def status(tag: str, shown: Shown) -> etree._Element:
    """Where it looks and whether it moves."""
    root = etree.Element(tag, nsmap=NSMAP)
    _position(root, "Position", shown.pan, shown.tilt, shown.zoom)
    moves = etree.SubElement(root, f"{{{TT}}}MoveStatus")
    for name, moving in (("PanTilt", shown.turning), ("Zoom", shown.zooming)):
        _text(moves, name, "MOVING" if moving else "IDLE")
    _text(root, "UtcTime", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    return root


def preset(tag: str, token: str, kept: Preset) -> etree._Element:
    """One preset."""
    root = etree.Element(tag, token=token, nsmap=NSMAP)
    _text(root, "Name", kept.name)
    _position(root, "PTZPosition", kept.pan, kept.tilt, kept.zoom)
    return root


def capabilities(tag: str) -> etree._Element:
    """What the service can do."""
    attributes: Mapping[str, str] = {
        "EFlip": "false",
        "Reverse": "false",
        "GetCompatibleConfigurations": "true",
        "MoveStatus": "true",
        "StatusPosition": "true",
    }
    return etree.Element(tag, dict(attributes), nsmap=NSMAP)


def _position(place: etree._Element, name: str, pan: float, tilt: float, zoom: float) -> None:
    group = etree.SubElement(place, f"{{{TT}}}{name}")
    axes = {"x": f"{pan:.6g}", "y": f"{tilt:.6g}", "space": names.PAN_TILT_POSITION}
    etree.SubElement(group, f"{{{TT}}}PanTilt", axes)
    etree.SubElement(group, f"{{{TT}}}Zoom", x=f"{zoom:.6g}", space=names.ZOOM_POSITION)


def _spaces(place: etree._Element, name: str) -> None:
    group = etree.SubElement(place, f"{{{TT}}}{name}")
    for element, space, both, limits in _SPACES:
        _space(group, element, space, both, limits)


def _space(place: etree._Element, name: str, space: str, both: bool, limits: tuple[float, float]) -> None:
    described = etree.SubElement(place, f"{{{TT}}}{name}")
    _text(described, "URI", space)
    for axis in ("XRange", "YRange") if both else ("XRange",):
        group = etree.SubElement(described, f"{{{TT}}}{axis}")
        _text(group, "Min", f"{limits[0]:g}")
        _text(group, "Max", f"{limits[1]:g}")


def _text(place: etree._Element, name: str, text: str) -> None:
    etree.SubElement(place, f"{{{TT}}}{name}").text = text
