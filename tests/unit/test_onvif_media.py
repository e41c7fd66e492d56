"""The media service of ONVIF: what it says is what the encoders do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from relaycore import MulticastSettings, PathSettings, Relay, User
from relaycore.onvif.soap.names import NSMAP
from tests.support.onvif import Answer, Client, logged_in

TOKEN = "<trt:ProfileToken>yard/{}</trt:ProfileToken>"


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    users = [User(name="anna", password="secret", role="administrator")]
    paths = {"yard": PathSettings(multicast=MulticastSettings(group="239.1.2.3", port=5004))}
    async with Relay(port=0, users=users, paths=paths) as relay:
        await relay.add_camera("yard", camera="pattern", size="640x480", fps=5, gop_seconds=2)
        yield relay


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[Client]:
    async with logged_in(relay) as client:
        yield client


async def ask(client: Client, name: str, inside: str = "") -> Answer:
    """The answer of an operation, which is no fault."""
    answer = await client.call(f"<trt:{name}>{inside}</trt:{name}>", "/onvif/media_service")
    assert answer.status == 200, "".join(answer.root.itertext())
    assert answer.root.find(f".//{{{NSMAP['trt']}}}{name}Response") is not None
    return answer


async def fault(client: Client, name: str, inside: str = "") -> list[str]:
    answer = await client.call(f"<trt:{name}>{inside}</trt:{name}>", "/onvif/media_service")
    return answer.subcodes


async def test_a_camera_has_two_profiles_with_what_its_encoders_do(relay: Relay, client: Client) -> None:
    answer = await ask(client, "GetProfiles")
    assert [(one.get("token"), one.get("fixed")) for one in answer.all(".//trt:Profiles")] == [
        ("yard/main", "true"),
        ("yard/sub", "true"),
    ]
    for rendition, found in zip(("main", "sub"), answer.all(".//trt:Profiles"), strict=True):
        state = relay.encoder("yard", "main" if rendition == "main" else "sub")
        path = "tt:VideoEncoderConfiguration/tt:"
        said = [
            found.findtext(path + part, namespaces=NSMAP)
            for part in (
                "Encoding",
                "Resolution/tt:Width",
                "Resolution/tt:Height",
                "RateControl/tt:FrameRateLimit",
                "RateControl/tt:BitrateLimit",
                "H264/tt:GovLength",
                "H264/tt:H264Profile",
            )
        ]
        fps, gop = round(state.fps), round(state.gop_seconds * state.fps)
        assert said == [
            "H264",
            str(state.width),
            str(state.height),
            str(fps),
            str(state.bitrate // 1000),
            str(gop),
            state.profile,
        ]


async def test_an_encoder_that_runs_is_changed_and_its_stream_goes_on(relay: Relay, client: Client) -> None:
    answer = await ask(
        client, "GetVideoEncoderConfiguration", "<trt:ConfigurationToken>yard/main</trt:ConfigurationToken>"
    )
    assert answer.text(".//tt:RateControl/tt:FrameRateLimit") == "5"
    events = relay.events()
    await ask(
        client,
        "SetVideoEncoderConfiguration",
        '<trt:Configuration token="yard/main"><tt:Encoding>H264</tt:Encoding><tt:Resolution>'
        "<tt:Width>320</tt:Width><tt:Height>240</tt:Height></tt:Resolution><tt:RateControl>"
        "<tt:FrameRateLimit>4</tt:FrameRateLimit><tt:BitrateLimit>300</tt:BitrateLimit></tt:RateControl>"
        "<tt:H264><tt:GovLength>12</tt:GovLength></tt:H264></trt:Configuration>",
    )
    state = relay.encoder("yard")
    assert (state.width, state.height, state.fps, state.bitrate) == (320, 240, 4, 300_000)
    assert state.gop_seconds == 3
    event = await anext(events)
    assert type(event).__name__ == "SettingsChanged"


@pytest.mark.parametrize(
    "inside",
    [
        "<tt:Encoding>JPEG</tt:Encoding>",
        "<tt:Resolution><tt:Width>641</tt:Width><tt:Height>480</tt:Height></tt:Resolution>",
        "<tt:RateControl><tt:FrameRateLimit>900</tt:FrameRateLimit></tt:RateControl>",
        "<tt:RateControl><tt:BitrateLimit>-1</tt:BitrateLimit></tt:RateControl>",
        "<tt:RateControl><tt:BitrateLimit>many</tt:BitrateLimit></tt:RateControl>",
    ],
)
async def test_what_an_encoder_cannot_be_is_refused(relay: Relay, client: Client, inside: str) -> None:
    before = relay.encoder("yard")
    wish = f'<trt:Configuration token="yard/main">{inside}</trt:Configuration>'
    assert await fault(client, "SetVideoEncoderConfiguration", wish) == [
        "ter:InvalidArgVal",
        "ter:ConfigModify",
    ]
    assert relay.encoder("yard") == before


async def test_options_are_those_of_the_encoder(relay: Relay, client: Client) -> None:
    answer = await ask(client, "GetVideoEncoderConfigurationOptions", TOKEN.format("main"))
    sizes = [
        (int(one[0].text or ""), int(one[1].text or ""))
        for one in answer.all("s:Body/*/trt:Options/tt:H264/tt:ResolutionsAvailable")
    ]
    assert tuple(sizes) == relay.encoder_options("yard").sizes


@pytest.mark.parametrize(
    ("stream", "protocol", "scheme"),
    [
        ("RTP-Unicast", "UDP", "rtsp"),
        ("RTP-Unicast", "RTSP", "rtsp"),
        ("RTP-Unicast", "HTTP", "http"),
        ("RTP-Multicast", "UDP", "rtsp"),
    ],
)
async def test_streams_are_where_the_client_reaches_them(
    relay: Relay, client: Client, stream: str, protocol: str, scheme: str
) -> None:
    setup = (
        f"<trt:StreamSetup><tt:Stream>{stream}</tt:Stream><tt:Transport><tt:Protocol>{protocol}</tt:Protocol>"
        "</tt:Transport></trt:StreamSetup>"
    )
    port = relay.address[1]
    named = Client(f"http://localhost:{port}", client.http)
    answer = await ask(named, "GetStreamUri", setup + TOKEN.format("main"))
    assert answer.text(".//tt:Uri") == f"{scheme}://localhost:{port}/yard"


async def test_a_stream_without_a_group_does_not_come_by_multicast(client: Client) -> None:
    setup = (
        "<trt:StreamSetup><tt:Stream>RTP-Multicast</tt:Stream><tt:Transport><tt:Protocol>UDP</tt:Protocol>"
        "</tt:Transport></trt:StreamSetup>"
    )
    told = await fault(client, "GetStreamUri", setup + TOKEN.format("sub"))
    assert told == ["ter:InvalidArgVal", "ter:InvalidStreamSetup"]


async def test_the_picture_is_where_it_is_said_to_be(client: Client) -> None:
    answer = await ask(client, "GetSnapshotUri", TOKEN.format("main"))
    url = answer.text(".//tt:Uri")
    assert url == f"{client.base}/yard/snapshot.jpg"
    async with client.http.get(url) as response:
        assert (response.status, response.content_type) == (200, "image/jpeg")


async def test_a_point_to_join_at_is_made(relay: Relay, client: Client) -> None:
    # By itself it makes one in 300 pictures.
    await relay.set_encoder("yard", gop_seconds=60)
    reader = relay.read("yard")
    pictures = (unit.random_access async for unit in reader if unit.track == 0)
    others = 0
    while others < 5:
        others = 0 if await anext(pictures) else others + 1
    await ask(client, "SetSynchronizationPoint", TOKEN.format("main"))
    for _ in range(50):
        if await anext(pictures):
            return
    pytest.fail("none was made")


@pytest.mark.parametrize(
    ("name", "inside", "subcodes"),
    [
        ("CreateProfile", "<trt:Name>SynoProfile</trt:Name>", ["ter:Action", "ter:MaxNVTProfiles"]),
        ("DeleteProfile", TOKEN.format("main"), ["ter:Action", "ter:DeletionOfFixedProfile"]),
        ("DeleteProfile", TOKEN.format("none"), ["ter:InvalidArgVal", "ter:NoProfile"]),
        ("GetProfile", "", ["ter:InvalidArgVal", "ter:NoProfile"]),
        ("GetStreamUri", "", ["ter:InvalidArgVal", "ter:NoProfile"]),
        ("GetVideoSourceConfiguration", "", ["ter:InvalidArgVal", "ter:NoConfig"]),
        ("SetVideoEncoderConfiguration", "", ["ter:InvalidArgVal", "ter:ConfigModify"]),
        ("GetOSDOptions", "", ["ter:ActionNotSupported"]),
    ],
)
async def test_what_is_not_there_is_a_fault(
    client: Client, name: str, inside: str, subcodes: list[str]
) -> None:
    assert await fault(client, name, inside) == subcodes


@pytest.mark.parametrize(
    "name",
    [
        "GetServiceCapabilities",
        "GetVideoSources",
        "GetAudioSources",
        "GetVideoSourceConfigurations",
        "GetVideoSourceConfigurationOptions",
        "GetAudioSourceConfigurations",
        "GetAudioSourceConfigurationOptions",
        "GetVideoEncoderConfigurations",
        "GetVideoEncoderConfigurationOptions",
        "GetAudioEncoderConfigurations",
        "GetAudioEncoderConfigurationOptions",
        "GetMetadataConfigurations",
        "GetOSDs",
    ],
)
async def test_what_takes_no_token_is_answered(client: Client, name: str) -> None:
    await ask(client, name)


@pytest.mark.parametrize(
    "name",
    [
        "GetProfile",
        "GetCompatibleVideoSourceConfigurations",
        "GetCompatibleAudioSourceConfigurations",
        "GetCompatibleVideoEncoderConfigurations",
        "GetCompatibleAudioEncoderConfigurations",
        "GetCompatibleMetadataConfigurations",
    ],
)
async def test_what_is_of_a_profile_is_answered(client: Client, name: str) -> None:
    await ask(client, name, TOKEN.format("sub"))


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("GetVideoSourceConfiguration", "yard"),
        ("GetAudioSourceConfiguration", "yard"),
        ("GetGuaranteedNumberOfVideoEncoderInstances", "yard"),
        ("GetVideoEncoderConfiguration", "yard/sub"),
        ("GetAudioEncoderConfiguration", "yard/main"),
    ],
)
async def test_what_is_of_a_configuration_is_answered(client: Client, name: str, token: str) -> None:
    await ask(client, name, f"<trt:ConfigurationToken>{token}</trt:ConfigurationToken>")


async def test_a_camera_that_stands_still_has_no_profiles(relay: Relay, client: Client) -> None:
    await relay.stop_source("yard")
    assert (await ask(client, "GetProfiles")).all(".//trt:Profiles") == []


async def test_a_mirror_is_a_camera_with_the_stream_that_it_shows(relay: Relay, client: Client) -> None:
    relay.mirror("hall", "yard")
    answer = await ask(client, "GetProfiles")
    tokens = [one.get("token") for one in answer.all(".//trt:Profiles")]
    assert sorted(map(str, tokens)) == ["hall/main", "yard/main", "yard/sub"]
    wish = (
        '<trt:Configuration token="hall/main"><tt:RateControl><tt:BitrateLimit>300</tt:BitrateLimit>'
        "</tt:RateControl></trt:Configuration>"
    )
    assert "ter:ConfigModify" in await fault(client, "SetVideoEncoderConfiguration", wish)


async def test_a_camera_that_moves_says_so_in_its_profiles(client: Client) -> None:
    found = (await ask(client, "GetProfiles")).all(".//trt:Profiles/tt:PTZConfiguration")
    assert [one.get("token") for one in found] == ["yard", "yard"]
