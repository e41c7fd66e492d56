"""Media2 of ONVIF as aonvif reads it: all answers are held against the WSDL that it brings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import av
import pytest
from aonvif import ONVIFCamera
from aonvif.exceptions import ONVIFError
from zeep.exceptions import Fault

from relaycore import Relay, User

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

TIMEOUT = 60.0
NAMESPACE = "http://www.onvif.org/ver20/media/wsdl"
USER = User(name="anna", password="anna's secret", role="operator")


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[USER]) as relay:
        await relay.add_camera("yard", camera="pattern", size="640x480", fps=5)
        yield relay


@pytest.fixture
async def media(relay: Relay) -> AsyncIterator[Any]:
    """The service, at the address that the device tells."""
    camera = ONVIFCamera("127.0.0.1", relay.address[1], USER.name, USER.password)
    try:
        async with asyncio.timeout(TIMEOUT):
            services = await camera.create_devicemgmt_service().GetServices({"IncludeCapability": True})
            (service,) = (one for one in services if one.Namespace == NAMESPACE)
            camera._xaddrs[NAMESPACE] = service.XAddr
            yield camera.create_onvif_service("media2")
    finally:
        await camera.close()


async def test_profiles_are_read_with_all_that_is_in_them(media: Any) -> None:
    main, sub = await media.GetProfiles({"Type": ["All"]})
    assert ([main.token, sub.token], main.fixed) == (["yard/main", "yard/sub"], True)
    has = main.Configurations
    assert (has.VideoSource.SourceToken, has.VideoSource.Bounds.width) == ("yard", 640)
    encoder = has.VideoEncoder
    assert (encoder.Encoding, encoder.Resolution.Height, encoder.RateControl.FrameRateLimit) == (
        "H264",
        480,
        5,
    )
    assert (encoder.GovLength, encoder.Profile) == (5, "Main")
    assert (has.AudioSource.SourceToken, has.AudioEncoder.Encoding) == ("yard", "mpeg4-generic")
    assert has.PTZ.NodeToken == "yard"
    (bare,) = await media.GetProfiles({"Token": "yard/sub"})
    assert bare.Configurations is None


async def test_an_encoder_is_changed(relay: Relay, media: Any) -> None:
    (options,) = await media.GetVideoEncoderConfigurationOptions({"ConfigurationToken": "yard/main"})
    (encoder,) = await media.GetVideoEncoderConfigurations({"ConfigurationToken": "yard/main"})
    assert (options.Encoding, options.GovLengthRange) == ("H264", [1, 300])
    assert options.FrameRatesSupported == [5, 4, 3, 2, 1]
    encoder.Resolution = options.ResolutionsAvailable[1]
    encoder.RateControl.BitrateLimit = 500
    encoder.GovLength = 10
    await media.SetVideoEncoderConfiguration({"Configuration": encoder})
    state = relay.encoder("yard")
    assert (state.width, state.height, state.bitrate, state.gop_seconds) == (480, 360, 500_000, 2)


def first_picture(url: str) -> tuple[int, int]:
    with av.open(url.replace("://", "://anna:anna's%20secret@"), options={"rtsp_transport": "tcp"}) as stream:
        frame = next(stream.decode(video=0))
        return frame.width, frame.height


@pytest.mark.parametrize(("token", "size"), [("yard/main", (640, 480)), ("yard/sub", (480, 360))])
async def test_streams_are_found_and_decoded(
    relay: Relay, media: Any, token: str, size: tuple[int, int]
) -> None:
    uri = await media.GetStreamUri({"Protocol": "RTSP", "ProfileToken": token})
    assert uri.startswith(f"rtsp://127.0.0.1:{relay.address[1]}/yard")
    await media.SetSynchronizationPoint({"ProfileToken": token})
    assert await asyncio.to_thread(first_picture, uri) == size
    assert (await media.GetSnapshotUri({"ProfileToken": token})).endswith("/snapshot.jpg")


async def test_all_that_is_told_is_valid(media: Any) -> None:
    capabilities = await media.GetServiceCapabilities()
    assert capabilities.ProfileCapabilities.MaximumNumberOfProfiles == 2
    assert "VideoEncoder" in capabilities.ProfileCapabilities.ConfigurationsSupported
    assert capabilities.StreamingCapabilities.RTSPStreaming
    assert capabilities.StreamingCapabilities.RTSPWebSocketUri == "ws:/rtsp"
    for name in (
        "GetVideoSourceConfigurations",
        "GetVideoSourceConfigurationOptions",
        "GetVideoEncoderConfigurationOptions",
        "GetAudioSourceConfigurations",
        "GetAudioSourceConfigurationOptions",
        "GetAudioEncoderConfigurations",
        "GetAudioEncoderConfigurationOptions",
        "GetMetadataConfigurationOptions",
    ):
        assert await getattr(media, name)() is not None
    for name in (
        "GetMetadataConfigurations",
        "GetAnalyticsConfigurations",
        "GetAudioOutputConfigurations",
        "GetAudioDecoderConfigurations",
        "GetOSDs",
        "GetMasks",
    ):
        assert not await getattr(media, name)()
    (mode,) = await media.GetVideoSourceModes({"VideoSourceToken": "yard"})
    assert (mode.Enabled, mode.MaxFramerate, mode.Encodings) == (True, 5, ["H264"])
    info = await media.GetVideoEncoderInstances({"ConfigurationToken": "yard"})
    assert (info.Total, info.Codec[0].Encoding, info.Codec[0].Number) == (2, "H264", 2)


async def test_what_is_fixed_is_told_by_faults(media: Any) -> None:
    for name, asked, reason in (
        ("CreateProfile", {"Name": "SynoProfile"}, "as many profiles"),
        ("DeleteProfile", {"Token": "yard/main"}, "stays"),
        ("RemoveConfiguration", {"ProfileToken": "yard/main", "Configuration": {"Type": "All"}}, "stays"),
    ):
        with pytest.raises((Fault, ONVIFError), match=reason):
            await getattr(media, name)(asked)
