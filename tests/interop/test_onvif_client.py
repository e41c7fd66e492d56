"""The device and its media as the client library of Home Assistant reads them, by a WSDL of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from onvif import ONVIFCamera
from zeep.exceptions import Fault

from relaycore import Relay, User

TIMEOUT = 60.0


@asynccontextmanager
async def camera_of(relay: Relay, password: str = "secret", user: str = "anna") -> AsyncIterator[ONVIFCamera]:
    """The client, which sends a WS-UsernameToken with everything."""
    found = ONVIFCamera("127.0.0.1", relay.address[1], user, password)
    try:
        yield found
    finally:
        await found.close()


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    users = [User(name="anna", password="secret", role="administrator")]
    async with Relay(port=0, users=users) as relay:
        await relay.add_camera("yard", camera="pattern", size="640x480", fps=5)
        yield relay


async def test_the_device_is_read(relay: Relay) -> None:
    async with asyncio.timeout(TIMEOUT), camera_of(relay) as camera:
        await camera.update_xaddrs()
        device = await camera.create_devicemgmt_service()
        assert (await device.GetDeviceInformation()).Manufacturer == "relaycore"
        capabilities = await device.GetCapabilities({"Category": "All"})
        assert capabilities.Media.XAddr.endswith("/onvif/media_service")
        assert capabilities.Events.WSPullPointSupport
        services = await device.GetServices({"IncludeCapability": True})
        assert len(services) >= 3
        (interface,) = await device.GetNetworkInterfaces()
        assert interface.Info.HwAddress == relay.devices.whole().mac
        scopes = [scope.ScopeItem for scope in await device.GetScopes()]
        assert "onvif://www.onvif.org/Profile/Streaming" in scopes
        for name in ("GetDNS", "GetNTP", "GetHostname", "GetNetworkDefaultGateway", "GetSystemDateAndTime"):
            assert await getattr(device, name)() is not None
        assert await device.GetDiscoveryMode() == "Discoverable"
        assert [user.UserLevel for user in await device.GetUsers()] == ["Administrator"]
        assert len(await device.GetNetworkProtocols()) == 3
        assert (await device.GetServiceCapabilities()).Security.UsernameToken


async def test_the_profiles_are_read(relay: Relay) -> None:
    async with asyncio.timeout(TIMEOUT), camera_of(relay) as camera:
        await camera.update_xaddrs()
        media = await camera.create_media_service()
        profiles = await media.GetProfiles()
        assert [profile.token for profile in profiles] == ["yard/main", "yard/sub"]
        assert all(profile.fixed for profile in profiles)
        encoder = profiles[0].VideoEncoderConfiguration
        assert (encoder.Encoding, encoder.Resolution.Width, encoder.RateControl.FrameRateLimit) == (
            "H264",
            640,
            5,
        )
        options = await media.GetVideoEncoderConfigurationOptions({"ProfileToken": "yard/main"})
        assert options.H264.ResolutionsAvailable[0].Width == 640
        encoder.RateControl.BitrateLimit = 500
        await media.SetVideoEncoderConfiguration({"Configuration": encoder, "ForcePersistence": True})
        assert relay.encoder("yard").bitrate == 500_000
        (source,) = await media.GetVideoSources()
        assert source.Resolution.Height == 480
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        uri = await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": "yard/main"})
        assert uri.Uri == f"rtsp://127.0.0.1:{relay.address[1]}/yard"
        assert (await media.GetServiceCapabilities()).SnapshotUri
        picture = await camera.get_snapshot("yard/main")
        assert picture is not None
        assert picture.startswith(b"\xff\xd8")
        for name in (
            "GetAudioSources",
            "GetAudioEncoderConfigurations",
            "GetVideoSourceConfigurations",
            "GetMetadataConfigurations",
        ):
            await getattr(media, name)()
        with pytest.raises(Fault, match="as many profiles"):
            await media.CreateProfile({"Name": "SynoProfile"})


async def test_sources_are_counted(relay: Relay) -> None:
    async with asyncio.timeout(TIMEOUT), camera_of(relay) as camera:
        await camera.update_xaddrs()
        device_io = await camera.create_deviceio_service()
        assert [source.token for source in await device_io.GetVideoSources()] == ["yard"]
        assert not await device_io.GetAudioOutputs()
        assert (await device_io.GetServiceCapabilities()).VideoSources == 1


async def test_a_wrong_password_is_told(relay: Relay) -> None:
    async with asyncio.timeout(TIMEOUT), camera_of(relay, "wrong") as camera:
        await camera.update_xaddrs()
        device = await camera.create_devicemgmt_service()
        with pytest.raises(Fault, match="Wrong password or user"):
            await device.GetDeviceInformation()


async def test_users_of_the_account_file_come_in_where_their_password_is_kept(tmp_path: Path) -> None:
    for name, options in (("kept", ["--onvif"]), ("hashed", [])):
        command = [sys.executable, "-m", "relaycore", "user", "add", name, *options]
        folder = ["--state-folder", str(tmp_path)]
        process = await asyncio.create_subprocess_exec(*command, *folder, stdin=subprocess.PIPE)
        await asyncio.wait_for(process.communicate(b"secret\n"), TIMEOUT)
        assert process.returncode == 0
    async with asyncio.timeout(TIMEOUT), Relay(port=0, state_folder=str(tmp_path)) as relay:
        for name in ("kept", "hashed"):
            async with camera_of(relay, user=name) as camera:
                await camera.update_xaddrs()
                device = await camera.create_devicemgmt_service()
                if name == "kept":
                    assert (await device.GetDeviceInformation()).Manufacturer == "relaycore"
                else:
                    with pytest.raises(Fault, match="Wrong password or user"):
                        await device.GetDeviceInformation()
