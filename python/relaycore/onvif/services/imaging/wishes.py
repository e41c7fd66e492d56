"""From the settings in a request to what is to be set of a camera."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from lxml import etree

from relaycore.capture.model import Control, ControlName
from relaycore.onvif.services.imaging.elements import BACKLIGHT, EXPOSURE, FOCUS, NUMBERS, WHITE_BALANCE
from relaycore.onvif.soap.faults import Fault, invalid
from relaycore.onvif.soap.names import local_name

__all__ = ["decimal", "wishes_in"]

Controls = Mapping[ControlName, Control]


def wishes_in(settings: etree._Element, controls: Controls) -> dict[ControlName, int]:
    """What the settings say of these controls. Fault for what the camera has not, or what cannot be.

    Settings that were read and are sent back say what is. What a camera chooses by itself is not set, though
    clients send its old values along.
    """
    found: dict[ControlName, int] = {}
    for element in _children(settings):
        name = local_name(str(element.tag))
        if name in NUMBERS:
            control = NUMBERS[name]
            found[control] = _value(element, controls, control)
        elif name == BACKLIGHT:
            found["backlight"] = _backlight(element, controls)
        elif name == "Exposure":
            numbers: dict[str, ControlName] = {"ExposureTime": "exposure_time", "Gain": "gain"}
            found |= _group(element, controls, "Mode", EXPOSURE, numbers)
        elif name == "WhiteBalance":
            numbers = {"CrGain": "red_balance", "CbGain": "blue_balance"}
            found |= _group(element, controls, "Mode", WHITE_BALANCE, numbers)
        elif name == "Focus":
            found |= _group(element, controls, "AutoFocusMode", FOCUS, {})
        else:
            raise _missing(name)
    return {
        name: value
        for name, value in found.items()
        if controls[name].changeable or _changes(controls, name, value)
    }


def decimal(text: str | None, what: str) -> float:
    """A number of XML Schema that is finite. Fault where it is none."""
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    # Python reads more than XML Schema has.
    if not math.isfinite(number) or "_" in (text or ""):
        raise _incorrect(f"{what} is no number that can be.")
    return number


def _changes(controls: Controls, name: ControlName, value: int) -> bool:
    return controls[name].value != value


def _children(element: etree._Element) -> Iterator[etree._Element]:
    """Those that hold something, but for comments: what is empty says nothing."""
    return (
        child
        for child in element
        if isinstance(child.tag, str) and (len(child) or (child.text or "").strip())
    )


def _value(element: etree._Element, controls: Controls, name: ControlName) -> int:
    said = local_name(str(element.tag))
    control = controls.get(name)
    if control is None:
        raise _missing(said)
    number = decimal(element.text, said)
    if not control.least <= number <= control.most:
        raise _incorrect(f"{said} goes from {control.least} to {control.most} on this camera.")
    return round(number)


def _backlight(element: etree._Element, controls: Controls) -> int:
    control = controls.get("backlight")
    if control is None:
        raise _missing(BACKLIGHT)
    parts = _parts(element, {"Mode", "Level"})
    mode = _text(parts.get("Mode"))
    if mode == "OFF":
        return control.least
    if mode != "ON":
        raise _incorrect("Mode is ON or OFF.")
    level = parts.get("Level")
    if level is not None:
        number = _value(level, controls, "backlight")
        if number == control.least:
            raise _incorrect(f"Level is more than {control.least} where the mode is ON.")
        return number
    if control.value > control.least:
        return control.value
    return control.default if control.default > control.least else control.most


def _group(
    element: etree._Element,
    controls: Controls,
    mode_name: str,
    choosers: tuple[ControlName, ...],
    numbers: Mapping[str, ControlName],
) -> dict[ControlName, int]:
    """A mode, and numbers that are set by hand where it says so."""
    group = local_name(str(element.tag))
    parts = _parts(element, {mode_name, *numbers})
    present = [name for name in choosers if name in controls]
    if not present and not any(name in controls for name in numbers.values()):
        raise _missing(group)
    mode = _text(parts.get(mode_name))
    if mode not in ("AUTO", "MANUAL"):
        raise _incorrect(f"{mode_name} is AUTO or MANUAL.")
    wish = int(mode == "AUTO")
    if wish and not present:
        raise _incorrect(f"{group} of this camera is set by hand only.")
    found: dict[ControlName, int] = {}
    # Where the mode stays as it is, so do those that do not tell it.
    same = bool(present) and controls[present[0]].value == wish
    for name in present[:1] if same else present:
        if controls[name].least <= wish <= controls[name].most:
            found[name] = wish
        elif name == present[0]:
            raise _incorrect(f"{group} of this camera cannot be {mode}.")
    if not wish:
        for said, name in numbers.items():
            if said in parts:
                found[name] = _value(parts[said], controls, name)
        if "gain" in found and "gain_auto" in controls:
            found["gain_auto"] = 0
    return found


def _parts(element: etree._Element, known: set[str]) -> dict[str, etree._Element]:
    found = {local_name(str(child.tag)): child for child in _children(element)}
    for name in found:
        if name not in known:
            raise _missing(name)
    return found


def _text(element: etree._Element | None) -> str:
    return "" if element is None else (element.text or "").strip()


def _missing(name: str) -> Fault:
    return _incorrect(f"{name[:64]} cannot be set on this camera.")


def _incorrect(reason: str) -> Fault:
    return invalid("SettingsInvalid", reason)
