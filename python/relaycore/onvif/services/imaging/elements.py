"""Elements of imaging as the schema orders them (ONVIF's onvif.xsd), of the controls of a camera."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml import etree

from relaycore.capture.model import Control, ControlName
from relaycore.onvif.soap.build import Content, node

__all__ = [
    "BACKLIGHT",
    "EXPOSURE",
    "FOCUS",
    "NUMBERS",
    "WHITE_BALANCE",
    "move_options",
    "options",
    "settings",
]

Controls = Mapping[ControlName, Control]

NUMBERS: Final[Mapping[str, ControlName]] = {
    "Brightness": "brightness",
    "ColorSaturation": "saturation",
    "Contrast": "contrast",
    "Sharpness": "sharpness",
}
"""Settings that are one number, and their controls."""

BACKLIGHT: Final = "BacklightCompensation"

EXPOSURE: Final[tuple[ControlName, ...]] = ("exposure_auto", "gain_auto")
"""What makes the mode of exposure: the first one that there is tells it, and all change with it."""

WHITE_BALANCE: Final[tuple[ControlName, ...]] = ("white_balance_auto",)
FOCUS: Final[tuple[ControlName, ...]] = ("focus_auto",)


def settings(name: str, controls: Controls) -> etree._Element:
    """What the controls are set to. What a camera chooses by itself is left out."""
    numbers = {
        element: node(f"tt:{element}", controls[control].value)
        for element, control in NUMBERS.items()
        if control in controls
    }
    return node(
        name,
        _backlight(controls),
        numbers.get("Brightness"),
        numbers.get("ColorSaturation"),
        numbers.get("Contrast"),
        _exposure(controls),
        _focus(controls),
        numbers.get("Sharpness"),
        _white_balance(controls),
    )


def options(name: str, controls: Controls) -> etree._Element:
    """What the controls can be set to."""
    numbers = {
        element: _range(element, controls, control)
        for element, control in NUMBERS.items()
        if control in controls
    }
    return node(
        name,
        _backlight_options(controls),
        numbers.get("Brightness"),
        numbers.get("ColorSaturation"),
        numbers.get("Contrast"),
        _exposure_options(controls),
        _focus_options(controls),
        numbers.get("Sharpness"),
        _white_balance_options(controls),
    )


def move_options(name: str, controls: Controls) -> etree._Element:
    """How the focus can be moved: not at all without a motor."""
    focus = controls.get("focus")
    if focus is None or not focus.changeable:
        return node(name)
    way = focus.most - focus.least
    return node(
        name,
        node("tt:Absolute", _range("Position", controls, "focus")),
        node("tt:Relative", node("tt:Distance", node("tt:Min", -way), node("tt:Max", way))),
    )


def _backlight(controls: Controls) -> etree._Element | None:
    control = controls.get("backlight")
    if control is None:
        return None
    if control.value <= control.least:
        return node(f"tt:{BACKLIGHT}", node("tt:Mode", "OFF"))
    return node(f"tt:{BACKLIGHT}", node("tt:Mode", "ON"), node("tt:Level", control.value))


def _backlight_options(controls: Controls) -> etree._Element | None:
    control = controls.get("backlight")
    if control is None:
        return None
    if not control.changeable:
        return node(f"tt:{BACKLIGHT}", node("tt:Mode", "ON" if control.value > control.least else "OFF"))
    level = node("tt:Level", node("tt:Min", control.least + control.step), node("tt:Max", control.most))
    return node(f"tt:{BACKLIGHT}", node("tt:Mode", "OFF"), node("tt:Mode", "ON"), level)


def _exposure(controls: Controls) -> etree._Element | None:
    if not _has(controls, *EXPOSURE, "exposure_time", "gain"):
        return None
    mode, by_hand = _mode(controls, EXPOSURE)
    parts: list[Content] = [node("tt:Mode", mode)]
    if by_hand:
        parts.append(_value("ExposureTime", controls, "exposure_time"))
        if not _is_on(controls, "gain_auto"):
            parts.append(_value("Gain", controls, "gain"))
    return node("tt:Exposure", *parts)


def _exposure_options(controls: Controls) -> etree._Element | None:
    if not _has(controls, *EXPOSURE, "exposure_time", "gain"):
        return None
    time, gain = _range("ExposureTime", controls, "exposure_time"), _range("Gain", controls, "gain")
    return node("tt:Exposure", *_modes("Mode", controls, EXPOSURE), time, gain)


def _white_balance(controls: Controls) -> etree._Element | None:
    if not _has(controls, *WHITE_BALANCE, "red_balance", "blue_balance"):
        return None
    mode, by_hand = _mode(controls, WHITE_BALANCE)
    parts: list[Content] = [node("tt:Mode", mode)]
    if by_hand:
        parts += [_value("CrGain", controls, "red_balance"), _value("CbGain", controls, "blue_balance")]
    return node("tt:WhiteBalance", *parts)


def _white_balance_options(controls: Controls) -> etree._Element | None:
    if not _has(controls, *WHITE_BALANCE, "red_balance", "blue_balance"):
        return None
    # The schema has other names for them here.
    red, blue = _range("YrGain", controls, "red_balance"), _range("YbGain", controls, "blue_balance")
    return node("tt:WhiteBalance", *_modes("Mode", controls, WHITE_BALANCE), red, blue)


def _focus(controls: Controls) -> etree._Element | None:
    if not _has(controls, *FOCUS, "focus"):
        return None
    return node("tt:Focus", node("tt:AutoFocusMode", _mode(controls, FOCUS)[0]))


def _focus_options(controls: Controls) -> etree._Element | None:
    if not _has(controls, *FOCUS, "focus"):
        return None
    return node("tt:Focus", *_modes("AutoFocusModes", controls, FOCUS))


def _has(controls: Controls, *names: ControlName) -> bool:
    return any(name in controls for name in names)


def _mode(controls: Controls, choosers: tuple[ControlName, ...]) -> tuple[str, bool]:
    """The mode, and whether it is by hand, which it is where nothing says."""
    first = next((name for name in choosers if name in controls), None)
    return ("AUTO", False) if first is not None and _is_on(controls, first) else ("MANUAL", True)


def _is_on(controls: Controls, name: ControlName) -> bool:
    return name in controls and controls[name].value != 0


def _modes(element: str, controls: Controls, choosers: tuple[ControlName, ...]) -> list[Content]:
    """The modes that there can be."""
    control = next((controls[name] for name in choosers if name in controls), None)
    if control is None:
        return [node(f"tt:{element}", "MANUAL")]
    if not control.changeable:
        return [node(f"tt:{element}", "AUTO" if control.value else "MANUAL")]
    found = (("AUTO", control.most >= 1), ("MANUAL", control.least <= 0))
    return [node(f"tt:{element}", mode) for mode, is_there in found if is_there]


def _value(element: str, controls: Controls, name: ControlName) -> etree._Element | None:
    return node(f"tt:{element}", controls[name].value) if name in controls else None


def _range(element: str, controls: Controls, name: ControlName) -> etree._Element | None:
    """The range of a control; that of its value alone where it is only shown."""
    control = controls.get(name)
    if control is None:
        return None
    least, most = (control.least, control.most) if control.changeable else (control.value, control.value)
    return node(f"tt:{element}", node("tt:Min", least), node("tt:Max", most))
