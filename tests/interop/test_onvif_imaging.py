"""Imaging of ONVIF as others ask for it: by a WSDL of their own, and by none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from onvif import ONVIFCamera
from zeep.exceptions import Fault

from relaycore import Relay, User
from tests.support.controls import BRIGHTNESS, CONTRAST, EXPOSURE, FOCUS, GAIN, Bench

PROGRAM = Path(__file__).parent / "clients" / "node" / "use-imaging.mjs"
TIMEOUT = 60.0
ANNA = User(name="anna", password="anna's secret", role="operator")
YARD = {"VideoSourceToken": "yard"}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench.installed(monkeypatch)


@pytest.fixture
async def relay(bench: Bench) -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA]) as relay:
        await relay.add_camera("yard", camera="made up")
        yield relay


async def test_settings_are_read_and_sent_back_with_one_changed(bench: Bench, relay: Relay) -> None:
    client = ONVIFCamera("127.0.0.1", relay.address[1], ANNA.name, ANNA.password)
    try:
        async with asyncio.timeout(TIMEOUT):
            await client.update_xaddrs()
            imaging = await client.create_imaging_service()
            assert not (await imaging.GetServiceCapabilities()).ImageStabilization
            options = await imaging.GetOptions(YARD)
            assert (options.Brightness.Min, options.Brightness.Max) == (0, 255)
            assert options.Exposure.Mode == ["AUTO", "MANUAL"]
            assert options.WhiteBalance.Mode == ["AUTO", "MANUAL"]
            settings = await imaging.GetImagingSettings(YARD)
            assert (settings.Contrast, settings.Exposure.Mode) == (32, "AUTO")
            settings.Contrast = 40
            await imaging.SetImagingSettings({**YARD, "ImagingSettings": settings, "ForcePersistence": True})
            assert bench.driver.written == [(CONTRAST, 40)]
            settings = await imaging.GetImagingSettings(YARD)
            assert settings.Contrast == 40
            settings.Contrast = float("nan")
            with pytest.raises(Fault, match="no number"):
                await imaging.SetImagingSettings({**YARD, "ImagingSettings": settings})
            moves = await imaging.GetMoveOptions(YARD)
            assert (moves.Absolute.Position.Max, moves.Continuous) == (250, None)
            await imaging.Move({**YARD, "Focus": {"Absolute": {"Position": 50}}})
            assert bench.driver.knobs[FOCUS].value == 50
            assert (await imaging.GetStatus(YARD)).FocusStatus20.Position == 50
            await imaging.Stop(YARD)
            with pytest.raises(Fault, match="no such video source"):
                await imaging.GetOptions({"VideoSourceToken": "garage"})
            await relay.add_camera("door", camera="made up")
            bench.driver.knobs.clear()
            door = {"VideoSourceToken": "door"}
            # The client makes nothing of elements that hold nothing.
            for name in ("GetImagingSettings", "GetOptions", "GetMoveOptions", "GetStatus"):
                assert await getattr(imaging, name)(door) is None
    finally:
        await client.close()


async def test_a_client_without_a_wsdl_sets_what_it_names(bench: Bench, relay: Relay) -> None:
    arguments = [str(relay.address[1]), ANNA.name, str(ANNA.password), "200"]
    client = await asyncio.create_subprocess_exec(
        "node", PROGRAM, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(TIMEOUT):
            printed, complaints = await client.communicate()
    finally:
        if client.returncode is None:
            client.kill()
    assert client.returncode == 0, complaints.decode()
    found = json.loads(printed)
    assert found["options"]["brightness"] == {"min": 0, "max": 255}
    assert found["before"]["exposure"] == {"mode": "AUTO"}
    assert found["after"]["brightness"] == 200
    assert found["after"]["exposure"] == {"mode": "MANUAL", "exposureTime": 15_700, "gain": 7}
    values = [bench.driver.knobs[number].value for number in (BRIGHTNESS, EXPOSURE, GAIN)]
    assert values == [200, 1, 7]
