"""The imaging service: what it says is what the controls of a camera are, and what is set is set there."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from relaycore import Relay, User
from relaycore.errors import PathError
from relaycore.events import CameraBack
from relaycore.onvif.soap.names import NSMAP
from tests.support.controls import (
    AUTOFOCUS,
    AUTOGAIN,
    BACKLIGHT,
    BLUE,
    BRIGHTNESS,
    EXPOSURE,
    FOCUS,
    GAIN,
    RED,
    TIME,
    WHITE_BALANCE,
    Bench,
    Knob,
    switch,
)
from tests.support.onvif import Answer, Client, logged_in

USERS = [
    User(name="anna", password="secret", role="administrator"),
    User(name="bert", password="secret", role="viewer"),
]
YARD = "<timg:VideoSourceToken>yard</timg:VideoSourceToken>"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench.installed(monkeypatch)


@pytest.fixture
async def relay(bench: Bench, tmp_path: Path) -> AsyncIterator[Relay]:
    async with Relay(port=0, users=USERS, state_folder=str(tmp_path)) as relay:
        await relay.add_camera("yard", camera="made up")
        yield relay


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[Client]:
    async with logged_in(relay) as client:
        yield client


async def post(client: Client, name: str, inside: str = "", token: str = YARD) -> Answer:
    return await client.call(f"<timg:{name}>{token}{inside}</timg:{name}>", "/onvif/imaging_service")


async def ask(client: Client, name: str, inside: str = "") -> Answer:
    """The answer of an operation, which is no fault."""
    answer = await post(client, name, inside)
    assert answer.status == 200, "".join(answer.root.itertext())
    assert answer.root.find(f".//{{{NSMAP['timg']}}}{name}Response") is not None
    return answer


async def change(client: Client, settings: str, more: str = "") -> Answer:
    inside = f"<timg:ImagingSettings>{settings}</timg:ImagingSettings>{more}"
    return await post(client, "SetImagingSettings", inside)


def said(answer: Answer, path: str) -> dict[str, Any]:
    """What is inside of an element: texts by name, the texts of those that come again as a list."""
    (found,) = answer.all(f".//timg:{path}")
    return inside_of(found)


def inside_of(element: etree._Element) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for child in element:
        name = etree.QName(child).localname
        value = inside_of(child) if len(child) else child.text
        made[name] = (
            value if name not in made else [*([made[name]] * (not isinstance(made[name], list))), value]
        )
    return made


async def test_settings_are_those_of_the_controls(client: Client) -> None:
    answer = await ask(client, "GetImagingSettings")
    found = said(answer, "ImagingSettings")
    assert found == {
        "BacklightCompensation": {"Mode": "OFF"},
        "Brightness": "128",
        "ColorSaturation": "64",
        "Contrast": "32",
        "Exposure": {"Mode": "AUTO"},
        "Focus": {"AutoFocusMode": "AUTO"},
        "Sharpness": "3",
        "WhiteBalance": {"Mode": "AUTO"},
    }
    # The schema has them in this order.
    assert list(found) == sorted(found)


async def test_options_are_the_ranges_of_the_controls(client: Client) -> None:
    found = said(await ask(client, "GetOptions"), "ImagingOptions")
    assert list(found) == sorted(found)
    assert found["Brightness"] == {"Min": "0", "Max": "255"}
    assert found["BacklightCompensation"] == {"Mode": ["OFF", "ON"], "Level": {"Min": "1", "Max": "2"}}
    assert found["Exposure"] == {
        "Mode": ["AUTO", "MANUAL"],
        "ExposureTime": {"Min": "100", "Max": "500000"},
        "Gain": {"Min": "0", "Max": "100"},
    }
    assert found["Focus"] == {"AutoFocusModes": ["AUTO", "MANUAL"]}
    assert found["WhiteBalance"] == {"Mode": ["AUTO", "MANUAL"]}


async def test_what_is_set_is_set_of_the_camera(bench: Bench, client: Client) -> None:
    bench.driver.knobs |= {RED: Knob(), BLUE: Knob()}
    answer = await change(
        client,
        "<tt:BacklightCompensation><tt:Mode>ON</tt:Mode></tt:BacklightCompensation>"
        "<tt:Brightness>200.4</tt:Brightness>"
        "<tt:Exposure><tt:Mode>MANUAL</tt:Mode><tt:ExposureTime>1.0E4</tt:ExposureTime><tt:Gain>7</tt:Gain>"
        "</tt:Exposure><tt:Focus><tt:AutoFocusMode>MANUAL</tt:AutoFocusMode></tt:Focus><tt:WhiteBalance>"
        "<tt:Mode>MANUAL</tt:Mode><tt:CrGain>9</tt:CrGain><tt:CbGain>8</tt:CbGain></tt:WhiteBalance>",
    )
    assert answer.status == 200, "".join(answer.root.itertext())
    values = {number: knob.value for number, knob in bench.driver.knobs.items()}
    wanted = {BACKLIGHT: 1, BRIGHTNESS: 200, EXPOSURE: 1, TIME: 100, GAIN: 7, AUTOFOCUS: 0, RED: 9, BLUE: 8}
    assert values == values | wanted | {WHITE_BALANCE: 0}
    found = said(await ask(client, "GetImagingSettings"), "ImagingSettings")
    assert found["BacklightCompensation"] == {"Mode": "ON", "Level": "1"}
    assert found["Exposure"] == {"Mode": "MANUAL", "ExposureTime": "10000", "Gain": "7"}
    assert found["WhiteBalance"] == {"Mode": "MANUAL", "CrGain": "9", "CbGain": "8"}


@pytest.mark.parametrize("by_hand", [True, False])
async def test_settings_that_are_sent_back_change_nothing(
    bench: Bench, client: Client, by_hand: bool
) -> None:
    knobs = bench.driver.knobs
    knobs |= {AUTOGAIN: switch(by_hand), RED: Knob(), BLUE: Knob()}
    knobs[BRIGHTNESS].flags = 4  # read only
    if by_hand:
        knobs[EXPOSURE].value, knobs[WHITE_BALANCE].value, knobs[BACKLIGHT].value = 1, 0, 2
    (settings,) = (await ask(client, "GetImagingSettings")).all(".//timg:ImagingSettings")
    answer = await post(client, "SetImagingSettings", etree.tostring(settings).decode())
    assert answer.status == 200, "".join(answer.root.itertext())
    assert bench.driver.written == []


async def test_what_the_camera_chooses_is_not_set_where_clients_send_it_along(
    bench: Bench, client: Client
) -> None:
    exposure = "<tt:Exposure><tt:Mode>AUTO</tt:Mode><tt:ExposureTime>100</tt:ExposureTime></tt:Exposure>"
    assert (await change(client, f"{exposure}<tt:Brightness>1</tt:Brightness><tt:Extension/>")).status == 200
    assert bench.driver.written == [(BRIGHTNESS, 1)]


async def test_all_that_chooses_the_exposure_changes_with_its_mode(bench: Bench, client: Client) -> None:
    bench.driver.knobs[AUTOGAIN] = switch(True)
    await change(client, "<tt:Exposure><tt:Mode>MANUAL</tt:Mode></tt:Exposure>")
    assert bench.driver.written == [(EXPOSURE, 1), (AUTOGAIN, 0)]
    del bench.driver.knobs[EXPOSURE], bench.driver.knobs[TIME]
    await change(client, "<tt:Exposure><tt:Mode>AUTO</tt:Mode></tt:Exposure>")
    assert bench.driver.written[2:] == [(AUTOGAIN, 1)]
    bench.driver.knobs[EXPOSURE] = Knob(1, 0, 3, 1, 3, 3, entries=(1, 3))
    await change(client, "<tt:Exposure><tt:Mode>MANUAL</tt:Mode><tt:Gain>5</tt:Gain></tt:Exposure>")
    assert bench.driver.written[3:] == [(AUTOGAIN, 0), (GAIN, 5)]


@pytest.mark.parametrize(
    "settings",
    [
        "<tt:Brightness>NaN</tt:Brightness>",
        "<tt:Brightness>INF</tt:Brightness>",
        "<tt:Brightness>1e999</tt:Brightness>",
        "<tt:Brightness>1_0</tt:Brightness>",
        "<tt:Brightness>bright</tt:Brightness>",
        "<tt:Brightness><tt:Min>1</tt:Min></tt:Brightness>",
        "<tt:Brightness>255.1</tt:Brightness>",
        "<tt:Brightness>-1</tt:Brightness>",
        "<tt:Contrast>1</tt:Contrast><tt:Brightness>999999999999</tt:Brightness>",
        "<tt:IrCutFilter>ON</tt:IrCutFilter>",
        "<tt:BacklightCompensation><tt:Mode>HALF</tt:Mode></tt:BacklightCompensation>",
        "<tt:BacklightCompensation><tt:Mode>ON</tt:Mode><tt:Level>0</tt:Level></tt:BacklightCompensation>",
        "<tt:Exposure><tt:Gain>1</tt:Gain></tt:Exposure>",
        "<tt:Exposure><tt:Mode>SOON</tt:Mode></tt:Exposure>",
        "<tt:Exposure><tt:Mode>MANUAL</tt:Mode><tt:ExposureTime>1</tt:ExposureTime></tt:Exposure>",
        "<tt:Exposure><tt:Mode>MANUAL</tt:Mode><tt:Iris>1</tt:Iris></tt:Exposure>",
        "<tt:WhiteBalance><tt:Mode>MANUAL</tt:Mode><tt:CrGain>1</tt:CrGain></tt:WhiteBalance>",
        "<tt:Focus><tt:AutoFocusMode>AUTO</tt:AutoFocusMode><tt:NearLimit>1</tt:NearLimit></tt:Focus>",
    ],
)
async def test_settings_that_cannot_be_are_refused(bench: Bench, client: Client, settings: str) -> None:
    answer = await change(client, settings)
    assert answer.subcodes == ["ter:InvalidArgVal", "ter:SettingsInvalid"]
    assert bench.driver.written == []


async def test_settings_that_are_missing_are_refused(client: Client) -> None:
    answer = await post(client, "SetImagingSettings")
    assert answer.subcodes == ["ter:InvalidArgVal", "ter:SettingsInvalid"]


async def test_a_mode_that_the_camera_has_not_is_refused(bench: Bench, client: Client) -> None:
    bench.driver.knobs[EXPOSURE].entries = (1,)
    bench.driver.knobs[EXPOSURE].value = 1
    for settings in (
        "<tt:Exposure><tt:Mode>AUTO</tt:Mode></tt:Exposure>",
        "<tt:Exposure><tt:Mode>MANUAL</tt:Mode><tt:Gain>101</tt:Gain></tt:Exposure>",
    ):
        assert (await change(client, settings)).subcodes[-1] == "ter:SettingsInvalid"
    found = said(await ask(client, "GetOptions"), "ImagingOptions")
    assert found["Exposure"]["Mode"] == "MANUAL"


@pytest.mark.parametrize(
    "name",
    ["GetImagingSettings", "GetOptions", "SetImagingSettings", "GetMoveOptions", "GetStatus", "Move", "Stop"],
)
@pytest.mark.parametrize(
    "token",
    ["", "<timg:VideoSourceToken/>", "<timg:VideoSourceToken>garage</timg:VideoSourceToken>"],
)
async def test_a_source_that_is_not_there_is_told(client: Client, name: str, token: str) -> None:
    assert (await post(client, name, "", token)).subcodes == ["ter:InvalidArgVal", "ter:NoSource"]


async def test_what_the_driver_refuses_is_told(bench: Bench, client: Client) -> None:
    bench.driver.refused[BRIGHTNESS] = errno.EIO
    answer = await change(client, "<tt:Contrast>1</tt:Contrast><tt:Brightness>1</tt:Brightness>")
    assert (answer.status, answer.subcodes) == (500, ["ter:Action"])
    assert "does not take 1 for brightness" in "".join(answer.root.itertext())


async def test_a_camera_that_is_unplugged_is_told(bench: Bench, relay: Relay, client: Client) -> None:
    bench.driver.gone = True
    for name in ("GetImagingSettings", "GetOptions"):
        answer = await post(client, name)
        assert (answer.status, answer.subcodes) == (500, ["ter:Action"])
        assert "was lost" in "".join(answer.root.itertext())
    bench.opened[0].pulled = True
    events = relay.events()
    bench.driver.gone, bench.driver.knobs[BRIGHTNESS].value = False, 50
    async for event in events:
        if isinstance(event, CameraBack):
            break
    assert said(await ask(client, "GetImagingSettings"), "ImagingSettings")["Brightness"] == "50"


async def test_a_camera_that_is_stopped_is_told(relay: Relay, client: Client) -> None:
    await relay.stop_source("yard")
    answer = await post(client, "GetImagingSettings")
    assert answer.subcodes == ["ter:InvalidArgVal", "ter:NoSource"]
    with pytest.raises(PathError):
        await relay.camera_controls("yard")


async def test_the_focus_is_moved_to_a_place_and_by_a_way(bench: Bench, client: Client) -> None:
    found = said(await ask(client, "GetMoveOptions"), "MoveOptions")
    assert found == {
        "Absolute": {"Position": {"Min": "0", "Max": "250"}},
        "Relative": {"Distance": {"Min": "-250", "Max": "250"}},
    }
    place = "<tt:Absolute><tt:Position>50</tt:Position></tt:Absolute>"
    await ask(client, "Move", f"<timg:Focus>{place}</timg:Focus>")
    assert bench.driver.written == [(AUTOFOCUS, 0), (FOCUS, 50)]
    way = "<tt:Relative><tt:Distance>-80</tt:Distance></tt:Relative>"
    await ask(client, "Move", f"<timg:Focus>{way}</timg:Focus>")
    status = said(await ask(client, "GetStatus"), "Status")
    assert status == {"FocusStatus20": {"Position": "0", "MoveStatus": "UNKNOWN"}}
    await ask(client, "Stop")
    for wrong in (
        "",
        "<timg:Focus/>",
        "<timg:Focus><tt:Absolute><tt:Position>NaN</tt:Position></tt:Absolute></timg:Focus>",
        "<timg:Focus><tt:Absolute><tt:Position>251</tt:Position></tt:Absolute></timg:Focus>",
        "<timg:Focus><tt:Relative><tt:Distance>INF</tt:Distance></tt:Relative></timg:Focus>",
        "<timg:Focus><tt:Continuous><tt:Speed>1</tt:Speed></tt:Continuous></timg:Focus>",
    ):
        assert (await post(client, "Move", wrong)).subcodes == ["ter:InvalidArgVal", "ter:SettingsInvalid"]


async def test_without_a_motor_the_focus_does_not_move(bench: Bench, client: Client) -> None:
    del bench.driver.knobs[FOCUS]
    assert said(await ask(client, "GetMoveOptions"), "MoveOptions") == {}
    assert said(await ask(client, "GetStatus"), "Status") == {}
    for name in ("Move", "Stop"):
        answer = await post(client, name)
        assert answer.subcodes == ["ter:ActionNotSupported", "ter:NoImagingForSource"]


async def test_what_has_no_controls_says_so() -> None:
    async with Relay(port=0, users=USERS) as relay, logged_in(relay) as client:
        await relay.add_camera("yard", camera="pattern", size="320x180", microphone="none")
        assert said(await ask(client, "GetImagingSettings"), "ImagingSettings") == {}
        assert said(await ask(client, "GetOptions"), "ImagingOptions") == {}
        answer = await change(client, "<tt:Brightness>1</tt:Brightness>")
        assert answer.subcodes == ["ter:ActionNotSupported", "ter:NoImagingForSource"]


async def test_a_mirror_has_no_settings_of_its_own(relay: Relay, client: Client) -> None:
    relay.mirror("cam1", "yard")
    cam1 = "<timg:VideoSourceToken>cam1</timg:VideoSourceToken>"
    assert said(await post(client, "GetOptions", "", cam1), "ImagingOptions") == {}
    answer = await post(client, "SetImagingSettings", "<timg:ImagingSettings/>", cam1)
    assert answer.subcodes == ["ter:ActionNotSupported", "ter:NoImagingForSource"]


async def test_there_are_no_presets(client: Client) -> None:
    assert (await post(client, "GetPresets")).subcodes == ["ter:ActionNotSupported"]


async def test_who_may_only_look_sets_nothing(bench: Bench, relay: Relay) -> None:
    async with logged_in(relay, "bert") as client:
        await ask(client, "GetImagingSettings")
        answer = await change(client, "<tt:Brightness>1</tt:Brightness>")
        assert answer.subcodes == ["ter:NotAuthorized"]
        answer = await post(client, "Move", "<timg:Focus><tt:Absolute/></timg:Focus>")
        assert answer.subcodes == ["ter:NotAuthorized"]
    assert bench.driver.written == []


async def test_the_device_tells_where_the_service_is(client: Client) -> None:
    for device in ("/onvif/", "/onvif/yard/"):
        for category in ("Imaging", "All"):
            asked = f"<tds:GetCapabilities><tds:Category>{category}</tds:Category></tds:GetCapabilities>"
            answer = await client.call(asked, f"{device}device_service")
            address = f"{client.base}{device}imaging_service"
            assert answer.text(".//tt:Imaging/tt:XAddr") == address
        asked = "<tds:GetServices><tds:IncludeCapability>true</tds:IncludeCapability></tds:GetServices>"
        answer = await client.call(asked, f"{device}device_service")
        addresses = [found.text for found in answer.all(".//tds:XAddr")]
        assert address in addresses
        (capabilities,) = answer.all(".//timg:Capabilities")
        assert capabilities.get("Presets") == "false"
        answer = await client.call(
            f"<timg:GetImagingSettings>{YARD}</timg:GetImagingSettings>", f"{device}imaging_service"
        )
        assert answer.status == 200


@pytest.mark.parametrize(
    ("persistence", "after"),
    [
        ("", 200),
        ("<timg:ForcePersistence>true</timg:ForcePersistence>", 200),
        ("<timg:ForcePersistence>false</timg:ForcePersistence>", 128),
    ],
)
async def test_what_is_kept_outlasts_the_relay(
    bench: Bench, tmp_path: Path, persistence: str, after: int
) -> None:
    async with Relay(port=0, users=USERS, state_folder=str(tmp_path)) as relay:
        await relay.add_camera("yard", camera="made up")
        async with logged_in(relay) as client:
            assert (await change(client, "<tt:Brightness>200</tt:Brightness>", persistence)).status == 200
    for name, value in (("Cam", after), ("Another", 128)):
        bench.name, bench.driver.knobs[BRIGHTNESS].value = name, 128
        async with Relay(port=0, users=USERS, state_folder=str(tmp_path)) as relay:
            await relay.add_camera("yard", camera="made up")
            assert bench.driver.knobs[BRIGHTNESS].value == value
