"""Spaces of the PTZ service (ONVIF PTZ sections 5 and 6)."""

from __future__ import annotations

from typing import Final

__all__ = [
    "FOV",
    "PAN_TILT_POSITION",
    "PAN_TILT_SPEED",
    "PAN_TILT_TRANSLATION",
    "PAN_TILT_VELOCITY",
    "ZOOM_POSITION",
    "ZOOM_SPEED",
    "ZOOM_TRANSLATION",
    "ZOOM_VELOCITY",
]

_SPACES: Final = "http://www.onvif.org/ver10/tptz/"

PAN_TILT_POSITION: Final = f"{_SPACES}PanTiltSpaces/PositionGenericSpace"
PAN_TILT_TRANSLATION: Final = f"{_SPACES}PanTiltSpaces/TranslationGenericSpace"
PAN_TILT_VELOCITY: Final = f"{_SPACES}PanTiltSpaces/VelocityGenericSpace"
PAN_TILT_SPEED: Final = f"{_SPACES}PanTiltSpaces/GenericSpeedSpace"
FOV: Final = f"{_SPACES}PanTiltSpaces/TranslationSpaceFov"
"""Parts of what is seen: 1 brings what is at the right edge to the middle. Trackers use it."""

ZOOM_POSITION: Final = f"{_SPACES}ZoomSpaces/PositionGenericSpace"
ZOOM_TRANSLATION: Final = f"{_SPACES}ZoomSpaces/TranslationGenericSpace"
ZOOM_VELOCITY: Final = f"{_SPACES}ZoomSpaces/VelocityGenericSpace"
ZOOM_SPEED: Final = f"{_SPACES}ZoomSpaces/ZoomGenericSpeedSpace"
