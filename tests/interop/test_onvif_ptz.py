"""PTZ of ONVIF as Frigate and Home Assistant ask for it: their client checks answers by its own WSDL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from onvif import ONVIFCamera
from zeep.exceptions import Fault

from relaycore import Relay
from relaycore.settings import User

TIMEOUT = 60.0
FOV = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/TranslationSpaceFov"
PROFILE = {"ProfileToken": "yard/main"}
OPERATOR = User(name="anna", password="anna's secret", role="operator")
VIEWER = User(name="bert", password="bert's secret", role="viewer")


@asynccontextmanager
async def ptz_of(relay: Relay, user: User) -> AsyncIterator[Any]:
    """The service, as a user asks it."""
    found = ONVIFCamera("127.0.0.1", relay.address[1], user.name, user.password)
    await found.update_xaddrs()
    try:
        yield await found.create_ptz_service()
    finally:
        await found.close()


async def test_a_camera_is_moved_and_comes_back_to_a_preset(tmp_path: Path) -> None:
    relay = Relay(port=0, users=[OPERATOR], state_folder=str(tmp_path))
    async with relay, asyncio.timeout(TIMEOUT), ptz_of(relay, OPERATOR) as ptz:
        await relay.add_camera("yard", camera="pattern", size="320x180", microphone="none")
        (node,) = await ptz.GetNodes()
        assert node.SupportedPTZSpaces.ContinuousPanTiltVelocitySpace
        (configuration,) = await ptz.GetConfigurations()
        options = await ptz.GetConfigurationOptions({"ConfigurationToken": configuration.token})
        assert FOV in [space.URI for space in options.Spaces.RelativePanTiltTranslationSpace]
        place = {"PanTilt": {"x": 0.25, "y": -0.25}, "Zoom": {"x": 0.5}}
        await ptz.AbsoluteMove({**PROFILE, "Position": place})
        preset = await ptz.SetPreset({**PROFILE, "PresetName": "Door"})
        way = {"PanTilt": {"x": 0.5, "y": 0.0, "space": FOV}}
        await ptz.RelativeMove({**PROFILE, "Translation": way})
        status = await ptz.GetStatus(PROFILE)
        assert (status.Position.PanTilt.x, status.Position.Zoom.x) == (0.5, 0.5)
        assert status.MoveStatus.PanTilt == "IDLE"
        await ptz.ContinuousMove({**PROFILE, "Velocity": {"PanTilt": {"x": -0.1, "y": 0.0}}})
        assert (await ptz.GetStatus(PROFILE)).MoveStatus.PanTilt == "MOVING"
        await ptz.Stop(PROFILE)
        assert (await ptz.GetStatus(PROFILE)).MoveStatus.PanTilt == "IDLE"
        await ptz.GotoPreset({**PROFILE, "PresetToken": preset})
        assert relay.view("yard").pan == 0.25
        (kept,) = await ptz.GetPresets(PROFILE)
        assert (kept.token, kept.Name) == (preset, "Door")
        with pytest.raises(Fault, match="no such profile"):
            await ptz.GetStatus({"ProfileToken": "garage/main"})


async def test_who_may_only_watch_moves_nothing() -> None:
    relay = Relay(port=0, users=[VIEWER])
    async with relay, asyncio.timeout(TIMEOUT), ptz_of(relay, VIEWER) as ptz:
        await relay.add_camera("yard", camera="pattern", size="320x180", microphone="none")
        with pytest.raises(Fault):
            await ptz.AbsoluteMove({**PROFILE, "Position": {"Zoom": {"x": 0.5}}})
        assert relay.view("yard").zoom == 0
        assert (await ptz.GetStatus(PROFILE)).Position.Zoom.x == 0
