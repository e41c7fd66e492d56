"""PTZ over views: spaces, moves, presets, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from relaycore import Relay
from relaycore.onvif.services.ptz import names, presets
from relaycore.onvif.services.ptz.errors import PtzError
from relaycore.onvif.services.ptz.operations import HANDLERS
from relaycore.onvif.services.ptz.presets import PRESET_FILE, Preset, Presets
from relaycore.onvif.soap.names import TPTZ, TT

HANDLED = {name: handler for _, name, _, handler in HANDLERS}
DOOR = Preset(name="Door", pan=0.25, tilt=-0.5, zoom=0.5)


@dataclass(frozen=True)
class Shown:
    """What is shown, at half of the scene's width."""

    pan: float = 0.25
    tilt: float = -0.25
    zoom: float = 0.5
    share: float = 0.5
    turning: bool = True
    zooming: bool = False


class Views:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def view(self, path: str) -> Shown:
        return Shown()

    async def set_view(
        self,
        path: str,
        pan: float | None = None,
        tilt: float | None = None,
        zoom: float | None = None,
        *,
        speed: float | None = None,
    ) -> None:
        self.told.append(("set", (path, pan, tilt, zoom, speed)))

    async def move_view(
        self,
        path: str,
        *,
        pan: float = 0.0,
        tilt: float = 0.0,
        zoom: float = 0.0,
        seconds: float | None = None,
    ) -> None:
        self.told.append(("move", (path, pan, tilt, zoom, seconds)))

    async def stop_view(self, path: str, *, turning: bool = True, zooming: bool = True) -> None:
        self.told.append(("stop", (path, turning, zooming)))


@dataclass
class Call:
    """A request."""

    body: etree._Element
    views: Any = field(default_factory=Views)
    presets: Presets = field(default_factory=lambda: Presets(None, tuple))
    cameras: Sequence[str] = ("yard", "front")

    def camera_of_profile(self, token: str) -> str | None:
        """Each camera has a profile, and there is one without motion."""
        return {"yard_main": "yard", "front_main": "front", "fixed_main": "fixed"}.get(token)

    def profiles_of(self, path: str) -> int:
        """Main and sub."""
        return 2


def call(name: str, inside: str = "", *, profile: str | None = "yard_main", **given: Any) -> Call:
    token = "" if profile is None else f"<t:ProfileToken>{profile}</t:ProfileToken>"
    body = f'<t:{name} xmlns:t="{TPTZ}" xmlns:tt="{TT}">{token}{inside}</t:{name}>'
    return Call(etree.fromstring(body), **given)


async def ask(name: str, inside: str = "", **given: Any) -> etree._Element:
    answer = etree.fromstring(etree.tostring(await HANDLED[name](call(name, inside, **given))))
    assert answer.tag == f"{{{TPTZ}}}{name}Response"
    return answer


async def told_by(name: str, inside: str = "") -> tuple[str, Any]:
    views = Views()
    await ask(name, inside, views=views)
    (only,) = views.told
    return only


def children(element: etree._Element) -> list[str]:
    return [etree.QName(child).localname for child in element]


async def test_nodes_and_configurations_have_the_order_of_the_schema() -> None:
    answer = await ask("GetNodes", profile=None)
    assert [node.get("token") for node in answer] == ["yard", "front"]
    assert children(answer[0]) == ["Name", "SupportedPTZSpaces", "MaximumNumberOfPresets", "HomeSupported"]
    (configuration,) = await ask("GetCompatibleConfigurations")
    assert configuration.get("token") == "yard"
    assert children(configuration) == [
        "Name",
        "UseCount",
        "NodeToken",
        "DefaultAbsolutePantTiltPositionSpace",
        "DefaultAbsoluteZoomPositionSpace",
        "DefaultRelativePanTiltTranslationSpace",
        "DefaultRelativeZoomTranslationSpace",
        "DefaultContinuousPanTiltVelocitySpace",
        "DefaultContinuousZoomVelocitySpace",
        "DefaultPTZSpeed",
        "DefaultPTZTimeout",
        "PanTiltLimits",
        "ZoomLimits",
    ]
    assert len(await ask("GetConfigurations", profile=None)) == 2
    for name, token in (("GetNode", "NodeToken"), ("GetConfiguration", "PTZConfigurationToken")):
        (one,) = await ask(name, f"<t:{token}>front</t:{token}>", profile=None)
        assert one.get("token") == "front"


async def test_options_offer_parts_of_what_is_seen() -> None:
    inside = "<t:ConfigurationToken>yard</t:ConfigurationToken>"
    (options,) = await ask("GetConfigurationOptions", inside, profile=None)
    assert children(options) == ["Spaces", "PTZTimeout"]
    relative = options.findall(f"{{{TT}}}Spaces/{{{TT}}}RelativePanTiltTranslationSpace/{{{TT}}}URI")
    assert [uri.text for uri in relative] == [names.PAN_TILT_TRANSLATION, names.FOV]


async def test_status_says_where_it_looks_and_what_moves() -> None:
    (status,) = await ask("GetStatus")
    assert children(status) == ["Position", "MoveStatus", "UtcTime"]
    assert (status[0][0].get("x"), status[0][0].get("y"), status[0][1].get("x")) == ("0.25", "-0.25", "0.5")
    assert [part.text for part in status[1]] == ["MOVING", "IDLE"]


VELOCITY = '<t:Velocity><tt:PanTilt x="0.5" y="-1"/><tt:Zoom x="0.25"/></t:Velocity>'


@pytest.mark.parametrize(
    ("name", "inside", "told"),
    [
        ("ContinuousMove", VELOCITY, ("move", ("yard", 0.5, -1.0, 0.25, 10.0))),
        (
            "ContinuousMove",
            f"{VELOCITY}<t:Timeout>PT2S</t:Timeout>",
            ("move", ("yard", 0.5, -1.0, 0.25, 2.0)),
        ),
        (
            "ContinuousMove",
            f"{VELOCITY}<t:Timeout>P1D</t:Timeout>",
            ("move", ("yard", 0.5, -1.0, 0.25, 60.0)),
        ),
        (
            "ContinuousMove",
            '<t:Velocity><tt:PanTilt x="0" y="0"/></t:Velocity>',
            ("stop", ("yard", True, True)),
        ),
        (
            "RelativeMove",
            f'<t:Translation><tt:PanTilt x="0.5" y="1" space="{names.FOV}"/></t:Translation>',
            ("set", ("yard", 0.5, 0.25, None, None)),
        ),
        (
            "RelativeMove",
            '<t:Translation><tt:PanTilt x="1" y="-1"/><tt:Zoom x="-1"/></t:Translation>',
            ("set", ("yard", 1.0, -1.0, 0.0, None)),
        ),
        (
            "AbsoluteMove",
            '<t:Position><tt:PanTilt x="-1" y="0.5"/><tt:Zoom x="1"/></t:Position>'
            '<t:Speed><tt:PanTilt x="0.5" y="0.2"/></t:Speed>',
            ("set", ("yard", -1.0, 0.5, 1.0, 0.5)),
        ),
        (
            "AbsoluteMove",
            '<t:Position><tt:Zoom x="1"/></t:Position>',
            ("set", ("yard", None, None, 1.0, None)),
        ),
        ("Stop", "", ("stop", ("yard", True, True))),
        (
            "Stop",
            "<t:PanTilt>true</t:PanTilt><t:Zoom>false</t:Zoom>",
            ("stop", ("yard", True, False)),
        ),
        ("GotoHomePosition", "", ("set", ("yard", 0.0, 0.0, 0.0, None))),
    ],
)
async def test_what_is_wished_is_what_the_view_does(name: str, inside: str, told: object) -> None:
    assert await told_by(name, inside) == told


@pytest.mark.parametrize(
    ("name", "inside", "subcode"),
    [
        ("AbsoluteMove", '<t:Position><tt:PanTilt x="2" y="0"/></t:Position>', "InvalidPosition"),
        ("AbsoluteMove", '<t:Position><tt:PanTilt x="NaN" y="0"/></t:Position>', "InvalidPosition"),
        ("AbsoluteMove", '<t:Position><tt:PanTilt x="a" y="0"/></t:Position>', "InvalidPosition"),
        ("AbsoluteMove", '<t:Position><tt:Zoom x="-1"/></t:Position>', "InvalidPosition"),
        ("AbsoluteMove", "", "InvalidPosition"),
        ("AbsoluteMove", '<t:Position><tt:Zoom x="1" space="x"/></t:Position>', "SpaceNotSupported"),
        ("RelativeMove", "", "InvalidTranslation"),
        ("ContinuousMove", f"{VELOCITY}<t:Timeout>PT0S</t:Timeout>", "TimeoutNotSupported"),
        ("SetHomePosition", "", "CannotOverwriteHome"),
        ("GotoPreset", "<t:PresetToken>7</t:PresetToken>", "NoToken"),
        ("RemovePreset", "<t:PresetToken>7</t:PresetToken>", "NoToken"),
        ("SetPreset", "<t:PresetToken>7</t:PresetToken>", "NoToken"),
        ("SetPreset", f"<t:PresetName>{'x' * 65}</t:PresetName>", "InvalidPresetName"),
        ("GetNode", "<t:NodeToken>other</t:NodeToken>", "NoEntity"),
        ("GetConfiguration", "", "NoConfig"),
    ],
)
async def test_what_makes_no_sense_is_the_fault_that_says_so(name: str, inside: str, subcode: str) -> None:
    views = Views()
    with pytest.raises(PtzError) as error:
        await ask(name, inside, views=views)
    assert error.value.subcodes[-1] == subcode
    assert views.told == []


@pytest.mark.parametrize(("profile", "subcode"), [("other", "NoProfile"), ("fixed_main", "NoPTZProfile")])
async def test_profiles_that_do_not_move_are_told_from_those_that_are_not_there(
    profile: str, subcode: str
) -> None:
    with pytest.raises(PtzError) as error:
        await ask("GetStatus", profile=profile)
    assert error.value.subcodes == ("InvalidArgVal", subcode)


async def test_presets_are_kept_gone_to_and_forgotten() -> None:
    kept, views = Presets(None, tuple), Views()
    answer = await ask("SetPreset", "<t:PresetName>Door</t:PresetName>", presets=kept)
    assert answer[0].text == "1"
    assert (await ask("SetPreset", presets=kept))[0].text == "2"
    listed = await ask("GetPresets", presets=kept)
    assert [(each.get("token"), each[0].text) for each in listed] == [("1", "Door"), ("2", "Preset 1")]
    assert children(listed[0]) == ["Name", "PTZPosition"]
    await ask("SetPreset", "<t:PresetToken>2</t:PresetToken>", presets=kept)
    assert len(kept.of("yard")) == 2
    assert len(await ask("GetPresets", profile="front_main", presets=kept)) == 0
    await ask("GotoPreset", "<t:PresetToken>1</t:PresetToken>", presets=kept, views=views)
    assert views.told == [("set", ("yard", 0.25, -0.25, 0.5, None))]
    await ask("RemovePreset", "<t:PresetToken>1</t:PresetToken>", presets=kept)
    assert list(kept.of("yard")) == ["2"]


async def test_presets_outlast_the_relay(tmp_path: Path) -> None:
    kept = Presets(tmp_path, tuple)
    await kept.open()
    await kept.keep("yard", DOOR)
    again = Presets(tmp_path, tuple)
    await again.open()
    assert again.of("yard") == {"1": DOOR}
    await again.remove("yard", "1")
    empty = Presets(tmp_path, tuple)
    await empty.open()
    assert empty.of("yard") == {}


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"yard": {"x": {}}}', b'{"yard": {"1": {"name": "a"}}}', b"\xff"]
)
async def test_a_file_that_makes_no_sense_is_put_aside(tmp_path: Path, data: bytes) -> None:
    (tmp_path / PRESET_FILE).write_bytes(data)
    kept = Presets(tmp_path, tuple)
    await kept.open()
    assert kept.of("yard") == {}
    await kept.keep("yard", DOOR)
    assert (tmp_path / f"{PRESET_FILE}.broken").read_bytes() == data


async def test_there_are_so_many_presets_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "MOST", 1)
    kept = Presets(None, tuple)
    await kept.keep("yard", DOOR)
    for name in ("Door", "Other"):
        with pytest.raises(PtzError):
            await kept.keep("yard", Preset(name=name, pan=0, tilt=0, zoom=0))


async def test_a_camera_of_the_relay_moves() -> None:
    async with Relay(port=0) as relay, asyncio.timeout(30):
        await relay.add_camera("yard", camera="pattern", size="320x180", microphone="none")
        place = '<t:Position><tt:PanTilt x="0.25" y="-0.25"/><tt:Zoom x="0.5"/></t:Position>'
        await ask("AbsoluteMove", place, views=relay)
        shown = relay.view("yard")
        assert (shown.pan, shown.tilt, shown.zoom, shown.share) == (0.25, -0.25, 0.5, 0.5)
        # What is at the right edge of what is seen comes to the middle.
        way = f'<t:Translation><tt:PanTilt x="0.5" y="0" space="{names.FOV}"/></t:Translation>'
        await ask("RelativeMove", way, views=relay)
        assert relay.view("yard").pan == 0.5
        velocity = '<t:Velocity><tt:PanTilt x="-0.1" y="0"/></t:Velocity>'
        await ask("ContinuousMove", velocity, views=relay)
        (status,) = await ask("GetStatus", views=relay)
        assert status.findtext(f"{{{TT}}}MoveStatus/{{{TT}}}PanTilt") == "MOVING"
        await ask("Stop", views=relay)
        assert not relay.view("yard").turning
