"""Controls of cameras by Video4Linux, over a driver that is made up."""

from __future__ import annotations

import errno
import struct
from dataclasses import replace

import pytest

from relaycore.capture import controls, v4l2_controls
from relaycore.capture.colour import JPEG
from relaycore.capture.controls import change_controls, read_controls, restore_controls
from relaycore.capture.model import Control, ControlName
from relaycore.capture.source import SourceFormat
from relaycore.errors import ConfigurationError, DeviceError, DeviceLost
from tests.support.controls import (
    AUTOGAIN,
    BACKLIGHT,
    BRIGHTNESS,
    CONTRAST,
    EXPOSURE,
    FOCUS,
    GAIN,
    INTEGER,
    MENU,
    SHARPNESS,
    TIME,
    WHITE_BALANCE,
    Driver,
    Knob,
    switch,
)

CAMERA = SourceFormat("Cam", "/dev/cam", "made up", 64, 48, 30.0, JPEG, None, driver="v4l2")


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = Driver()
    monkeypatch.setitem(controls.DRIVERS, "v4l2", made.opened)
    return made


def test_controls_are_read_in_units_that_are_the_same_everywhere(driver: Driver) -> None:
    found = read_controls(CAMERA)
    assert found["brightness"] == Control(128, 0, 255, 1, 128)
    assert found["exposure_auto"] == Control(1, 0, 1, 1, 1)
    assert found["exposure_time"] == Control(15_700, 100, 500_000, 100, 12_800)
    assert found["focus"] == Control(20, 0, 250, 5, 0)
    assert "red_balance" not in found


@pytest.mark.parametrize("flag", [v4l2_controls._GRABBED, v4l2_controls._READ_ONLY])
def test_what_is_only_shown_is_not_changeable(driver: Driver, flag: int) -> None:
    driver.knobs[BRIGHTNESS].flags = flag
    assert not read_controls(CAMERA)["brightness"].changeable
    with pytest.raises(ConfigurationError, match="can be set"):
        change_controls(CAMERA, {"brightness": 1})


def test_what_a_driver_says_wrongly_is_left_out(driver: Driver) -> None:
    driver.knobs[BRIGHTNESS].flags = v4l2_controls._DISABLED
    driver.knobs[CONTRAST].flags = v4l2_controls._WRITE_ONLY
    driver.knobs[SHARPNESS].kind = 9
    driver.knobs[BACKLIGHT].least = 9
    driver.knobs[AUTOGAIN] = Knob(kind=INTEGER)
    driver.knobs[FOCUS].step = 0
    found = read_controls(CAMERA)
    assert found.keys().isdisjoint({"brightness", "contrast", "sharpness", "backlight", "gain_auto"})
    assert found["focus"].step == 1


def test_a_control_that_cannot_be_asked_for_hides_no_other(driver: Driver) -> None:
    asked = driver.ioctl

    def ioctl(request: int, argument: bytearray) -> None:
        if struct.unpack_from("=I", argument)[0] == CONTRAST:
            raise OSError(errno.EIO, "Input/output error")
        asked(request, argument)

    driver.ioctl = ioctl  # type: ignore[method-assign]
    found = read_controls(CAMERA)
    assert "contrast" not in found
    assert found["sharpness"].value == 3


@pytest.mark.parametrize(
    ("entries", "value", "least", "most", "written"),
    [
        ((0, 1, 2, 3), 2, 0, 1, {1: 0, 0: 1}),
        ((1, 3), 1, 0, 1, {1: 3}),
        ((2, 3), 3, 0, 1, {0: 2}),
        ((0,), 0, 1, 1, {}),
        ((1,), 1, 0, 0, {}),
    ],
)
def test_modes_of_exposure_are_those_of_the_menu(
    driver: Driver, entries: tuple[int, ...], value: int, least: int, most: int, written: dict[int, int]
) -> None:
    driver.knobs[EXPOSURE] = Knob(value, 0, 3, 1, value, MENU, entries=entries)
    found = read_controls(CAMERA)["exposure_auto"]
    assert (found.value, found.least, found.most) == (int(value in (0, 3)), least, most)
    for wish, entry in written.items():
        with driver.opened("") as opened:
            opened.write("exposure_auto", wish)
        assert driver.knobs[EXPOSURE].value == entry


def test_who_chooses_is_set_first(driver: Driver) -> None:
    change_controls(CAMERA, {"exposure_time": 10_000, "brightness": 100, "exposure_auto": 0})
    assert driver.written == [(BRIGHTNESS, 100), (EXPOSURE, 1), (TIME, 100)]
    driver.written.clear()
    change_controls(CAMERA, {"exposure_time": 10_000, "brightness": 100, "exposure_auto": 0})
    assert driver.written == []


def test_what_was_chosen_until_now_is_set_though_it_is_the_same(driver: Driver) -> None:
    change_controls(CAMERA, {"exposure_time": 15_700, "exposure_auto": 0})
    assert driver.written == [(EXPOSURE, 1), (TIME, 157)]


def test_all_is_set_or_nothing(driver: Driver) -> None:
    driver.refused[GAIN] = errno.EIO
    with pytest.raises(DeviceError, match="Cam does not take 50 for gain"):
        change_controls(CAMERA, {"brightness": 1, "exposure_auto": 0, "exposure_time": 100, "gain": 50})
    values = [driver.knobs[number].value for number in (BRIGHTNESS, EXPOSURE, TIME, GAIN)]
    assert values == [128, 3, 157, 10]


@pytest.mark.parametrize("wishes", [{"brightness": 256}, {"brightness": -1}, {"focus": 1, "gain": 101}])
def test_what_is_out_of_range_is_refused_before_anything_is_set(
    driver: Driver, wishes: dict[ControlName, int]
) -> None:
    with pytest.raises(ConfigurationError, match="goes from 0 to"):
        change_controls(CAMERA, wishes)
    assert driver.written == []


def test_a_control_that_is_not_there_is_refused(driver: Driver) -> None:
    with pytest.raises(ConfigurationError, match="Cam has no control red_balance"):
        change_controls(CAMERA, {"brightness": 1, "red_balance": 1})
    assert driver.written == []


def test_a_camera_that_is_gone_is_told_as_lost(driver: Driver) -> None:
    driver.gone = True
    with pytest.raises(DeviceLost, match="Cam was lost"):
        read_controls(CAMERA)
    with pytest.raises(DeviceLost):
        change_controls(CAMERA, {"brightness": 1})
    with pytest.raises(DeviceLost):
        restore_controls(CAMERA, {"brightness": 1})


def test_a_camera_that_goes_while_it_is_set_is_told_as_lost(driver: Driver) -> None:
    driver.refused[BRIGHTNESS] = errno.ENODEV
    with pytest.raises(DeviceLost):
        change_controls(CAMERA, {"brightness": 1})


@pytest.mark.parametrize("name", [None, "dshow", "avfoundation"])
def test_others_have_no_controls(driver: Driver, name: None) -> None:
    other = replace(CAMERA, driver=name)
    assert read_controls(other) == {}
    change_controls(other, {})
    with pytest.raises(ConfigurationError, match="no control brightness"):
        change_controls(other, {"brightness": 1})
    assert restore_controls(other, {"brightness": 1}) == ["brightness"]


def test_a_device_that_is_none_is_told(tmp_path: object) -> None:
    with pytest.raises(DeviceLost):
        read_controls(replace(CAMERA, device=f"{tmp_path}/video0"))


def test_what_is_set_again_is_what_the_camera_takes_now(driver: Driver) -> None:
    driver.refused[SHARPNESS] = errno.EIO
    driver.knobs[AUTOGAIN] = switch(True)
    wishes: dict[ControlName, int] = {
        "gain": 50,
        "sharpness": 5,
        "contrast": 999,
        "red_balance": 5,
        "brightness": 7,
        "focus_auto": 0,
        "focus": 30,
    }
    assert set(restore_controls(CAMERA, wishes)) == {"sharpness", "contrast"}
    # The gain is chosen by the camera, as nobody has said otherwise.
    assert [driver.knobs[number].value for number in (GAIN, BRIGHTNESS, FOCUS)] == [10, 7, 30]


def test_white_balance_is_a_switch(driver: Driver) -> None:
    change_controls(CAMERA, {"white_balance_auto": 0})
    assert driver.written == [(WHITE_BALANCE, 0)]
