"""The Media2 service of ONVIF: what it says is what the encoders do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from relaycore import MulticastSettings, PathSettings, Relay, User
from relaycore.http_digest import HttpDigest
from relaycore.onvif.soap.names import NSMAP
from tests.support.onvif import Answer, Client, logged_in

MAIN = "<tr2:ProfileToken>yard/main</tr2:ProfileToken>"
ENCODER = "<tr2:ConfigurationToken>yard/main</tr2:ConfigurationToken>"
ADDRESS = "/onvif/media2_service"


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    users = [
        User(name="anna", password="secret", role="administrator"),
        User(name="otto", password="secret", role="viewer"),
    ]
    paths = {"yard": PathSettings(multicast=MulticastSettings(group="239.1.2.3", port=5004))}
    async with Relay(port=0, users=users, paths=paths) as relay:
        await relay.add_camera("yard", camera="pattern", size="640x480", fps=5, gop_seconds=2)
        yield relay


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[Client]:
    async with logged_in(relay) as client:
        yield client


async def ask(client: Client, name: str, inside: str = "", address: str = ADDRESS) -> Answer:
    """The answer of an operation, which is no fault."""
    answer = await client.call(f"<tr2:{name}>{inside}</tr2:{name}>", address)
    assert answer.status == 200, "".join(answer.root.itertext())
    assert answer.root.find(f".//{{{NSMAP['tr2']}}}{name}Response") is not None
    return answer


async def fault(client: Client, name: str, inside: str = "") -> list[str]:
    answer = await client.call(f"<tr2:{name}>{inside}</tr2:{name}>", ADDRESS)
    return answer.subcodes


def wish(inside: str, token: str = "yard/main", **attributes: str) -> str:
    """A configuration of an encoder."""
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<tr2:Configuration token="{token}"{more}>{inside}</tr2:Configuration>'


async def test_the_device_tells_of_the_service(relay: Relay, client: Client) -> None:
    for device in ("", "yard/"):
        address = f"/onvif/{device}device_service"
        body = "<tds:GetServices><tds:IncludeCapability>true</tds:IncludeCapability></tds:GetServices>"
        services = (await client.call(body, address)).all(".//tds:Service")
        found = {one.findtext("tds:Namespace", namespaces=NSMAP): one for one in services}[NSMAP["tr2"]]
        at = found.findtext("tds:XAddr", namespaces=NSMAP)
        assert at == f"{client.base}/onvif/{device}media2_service"
        streaming = found.find("tds:Capabilities/tr2:Capabilities/tr2:StreamingCapabilities", NSMAP)
        assert streaming is not None
        assert streaming.get("RTSPWebSocketUri") == "ws:/rtsp"
        answer = await ask(client, "GetProfiles", address=at.removeprefix(client.base))
        assert [one.get("token") for one in answer.all(".//tr2:Profiles")] == ["yard/main", "yard/sub"]


@pytest.mark.parametrize(
    ("types", "found"),
    [
        ([], None),
        (["All"], ["VideoSource", "AudioSource", "VideoEncoder", "AudioEncoder", "PTZ"]),
        (["VideoEncoder"], ["VideoEncoder"]),
        (["PTZ", "VideoSource"], ["VideoSource", "PTZ"]),
        (["Analytics"], []),
        (["Metadata", "AudioSource"], ["AudioSource"]),
        (["Teapot"], []),
    ],
)
async def test_profiles_have_the_configurations_that_are_asked_for(
    client: Client, types: list[str], found: list[str] | None
) -> None:
    answer = await ask(client, "GetProfiles", "".join(f"<tr2:Type>{one}</tr2:Type>" for one in types))
    for profile in answer.all(".//tr2:Profiles"):
        assert profile.get("fixed") == "true"
        inside = profile.find("tr2:Configurations", NSMAP)
        names = None if inside is None else [str(one.tag).rpartition("}")[2] for one in inside]
        assert names == found


async def test_one_profile_is_found_by_its_token(client: Client) -> None:
    answer = await ask(client, "GetProfiles", "<tr2:Token>yard/sub</tr2:Token>")
    assert [one.get("token") for one in answer.all(".//tr2:Profiles")] == ["yard/sub"]
    assert await fault(client, "GetProfiles", "<tr2:Token>none</tr2:Token>") == [
        "ter:InvalidArgVal",
        "ter:NoProfile",
    ]


async def test_encoders_are_told_as_they_run(relay: Relay, client: Client) -> None:
    answer = await ask(client, "GetVideoEncoderConfigurations")
    for found, rendition in zip(answer.all(".//tr2:Configurations"), ("main", "sub"), strict=True):
        state = relay.encoder("yard", "main" if rendition == "main" else "sub")
        assert [
            found.get("token"),
            found.findtext("tt:Encoding", namespaces=NSMAP),
            found.findtext("tt:Resolution/tt:Width", namespaces=NSMAP),
            found.findtext("tt:Resolution/tt:Height", namespaces=NSMAP),
            found.findtext("tt:RateControl/tt:FrameRateLimit", namespaces=NSMAP),
            found.findtext("tt:RateControl/tt:BitrateLimit", namespaces=NSMAP),
            found.get("GovLength"),
            found.get("Profile"),
        ] == [
            f"yard/{rendition}",
            "H264",
            str(state.width),
            str(state.height),
            f"{state.fps:g}",
            str(state.bitrate // 1000),
            str(round(state.gop_seconds * state.fps)),
            state.profile,
        ]


async def test_an_encoder_that_runs_is_changed_and_tells_so(relay: Relay, client: Client) -> None:
    inside = (
        "<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>320</tt:Width><tt:Height>240</tt:Height>"
        '</tt:Resolution><tt:RateControl ConstantBitRate="true"><tt:FrameRateLimit>2.5</tt:FrameRateLimit>'
        "<tt:BitrateLimit>300</tt:BitrateLimit></tt:RateControl><tt:Quality>1</tt:Quality>"
    )
    events = relay.events()
    await ask(client, "SetVideoEncoderConfiguration", wish(inside, GovLength="5"))
    state = relay.encoder("yard")
    assert (state.width, state.height, state.fps, state.bitrate) == (320, 240, 2.5, 300_000)
    assert state.gop_seconds == 2
    event = await anext(events)
    assert type(event).__name__ == "SettingsChanged"
    answer = await ask(client, "GetVideoEncoderConfigurations", ENCODER)
    assert answer.text(".//tt:FrameRateLimit") == "2.5"
    assert answer.all(".//tt:RateControl")[0].get("ConstantBitRate") == "false"


@pytest.mark.parametrize(("kbps", "told"), [("1", 64_000), ("999999", 50_000_000)])
async def test_a_bitrate_out_of_its_range_is_brought_into_it(
    relay: Relay, client: Client, kbps: str, told: int
) -> None:
    inside = f"<tt:RateControl><tt:BitrateLimit>{kbps}</tt:BitrateLimit></tt:RateControl>"
    await ask(client, "SetVideoEncoderConfiguration", wish(inside))
    assert relay.encoder("yard").bitrate == told


@pytest.mark.parametrize(
    ("inside", "attributes"),
    [
        ("<tt:Encoding>JPEG</tt:Encoding>", {}),
        ("<tt:Encoding>H265</tt:Encoding>", {}),
        ("<tt:Resolution><tt:Width>641</tt:Width><tt:Height>480</tt:Height></tt:Resolution>", {}),
        ("<tt:Resolution><tt:Width>1e2</tt:Width><tt:Height>480</tt:Height></tt:Resolution>", {}),
        ("<tt:RateControl><tt:FrameRateLimit>NaN</tt:FrameRateLimit></tt:RateControl>", {}),
        ("<tt:RateControl><tt:FrameRateLimit>INF</tt:FrameRateLimit></tt:RateControl>", {}),
        ("<tt:RateControl><tt:FrameRateLimit>0</tt:FrameRateLimit></tt:RateControl>", {}),
        ("<tt:RateControl><tt:FrameRateLimit>-5</tt:FrameRateLimit></tt:RateControl>", {}),
        ("<tt:RateControl><tt:FrameRateLimit>900</tt:FrameRateLimit></tt:RateControl>", {}),
        ("<tt:RateControl><tt:BitrateLimit>many</tt:BitrateLimit></tt:RateControl>", {}),
        ("<tt:RateControl><tt:BitrateLimit>-1</tt:BitrateLimit></tt:RateControl>", {}),
        ("", {"GovLength": "0"}),
        ("", {"GovLength": "999999"}),
        ("", {"GovLength": "two"}),
        ("", {"Profile": "Teapot"}),
    ],
)
async def test_what_an_encoder_cannot_be_is_refused(
    relay: Relay, client: Client, inside: str, attributes: dict[str, str]
) -> None:
    before = relay.encoder("yard")
    told = await fault(client, "SetVideoEncoderConfiguration", wish(inside, **attributes))
    assert told == ["ter:InvalidArgVal", "ter:ConfigModify"]
    assert relay.encoder("yard") == before


async def test_nothing_is_changed_by_who_may_only_look_or_is_nobody(relay: Relay, client: Client) -> None:
    before = relay.encoder("yard")
    body = "<tt:RateControl><tt:BitrateLimit>300</tt:BitrateLimit></tt:RateControl>"
    set_it = f"<tr2:SetVideoEncoderConfiguration>{wish(body)}</tr2:SetVideoEncoderConfiguration>"
    assert (await client.call(set_it, ADDRESS, middlewares=())).status == 401
    viewer = (HttpDigest("otto", "secret"),)
    assert (await client.call(set_it, ADDRESS, middlewares=viewer)).subcodes == ["ter:NotAuthorized"]
    assert (await client.call("<tr2:GetProfiles/>", ADDRESS, middlewares=())).status == 401
    assert relay.encoder("yard") == before


async def test_options_are_those_of_the_encoder(relay: Relay, client: Client) -> None:
    options = relay.encoder_options("yard")
    (found,) = (await ask(client, "GetVideoEncoderConfigurationOptions", ENCODER)).all(".//tr2:Options")
    sizes = [
        (int(one[0].text or ""), int(one[1].text or ""))
        for one in found.findall("tt:ResolutionsAvailable", NSMAP)
    ]
    assert tuple(sizes) == options.sizes
    assert found.get("FrameRatesSupported") == "5 4 3 2 1"
    assert found.get("GovLengthRange") == "1 300"
    assert found.get("ProfilesSupported") == " ".join(options.profiles)
    assert found.get("ConstantBitRateSupported") == "false"
    assert found.findtext("tt:BitrateRange/tt:Max", namespaces=NSMAP) == str(options.bitrate[1] // 1000)
    # What is offered is taken.
    for rate in ("5", "1"):
        inside = f"<tt:RateControl><tt:FrameRateLimit>{rate}</tt:FrameRateLimit></tt:RateControl>"
        await ask(client, "SetVideoEncoderConfiguration", wish(inside))
        assert relay.encoder("yard").fps == int(rate)


@pytest.mark.parametrize(
    ("protocol", "scheme"),
    [("RtspUnicast", "rtsp"), ("RtspMulticast", "rtsp"), ("RTSP", "rtsp"), ("RtspOverHttp", "http")],
)
async def test_streams_are_where_the_client_reaches_them(
    relay: Relay, client: Client, protocol: str, scheme: str
) -> None:
    named = Client(f"http://localhost:{relay.address[1]}", client.http)
    answer = await ask(named, "GetStreamUri", f"<tr2:Protocol>{protocol}</tr2:Protocol>{MAIN}")
    assert answer.text(".//tr2:Uri") == f"{scheme}://localhost:{relay.address[1]}/yard"


@pytest.mark.parametrize(
    ("protocol", "token", "subcode"),
    [
        ("RtspMulticast", "yard/sub", "ter:InvalidMulticastSettings"),
        ("RtspsUnicast", "yard/main", "ter:InvalidStreamSetup"),
        ("RtspsMulticast", "yard/main", "ter:InvalidStreamSetup"),
        ("Pigeon", "yard/main", "ter:InvalidStreamSetup"),
        ("RTSP", "yard", "ter:NoProfile"),
    ],
)
async def test_streams_do_not_come_by_what_is_not_set_up(
    client: Client, protocol: str, token: str, subcode: str
) -> None:
    inside = f"<tr2:Protocol>{protocol}</tr2:Protocol><tr2:ProfileToken>{token}</tr2:ProfileToken>"
    assert await fault(client, "GetStreamUri", inside) == ["ter:InvalidArgVal", subcode]


async def test_the_picture_is_where_it_is_said_to_be(client: Client) -> None:
    url = (await ask(client, "GetSnapshotUri", MAIN)).text(".//tr2:Uri")
    assert url == f"{client.base}/yard/snapshot.jpg"
    async with client.http.get(url) as response:
        assert (response.status, response.content_type) == (200, "image/jpeg")


async def test_cameras_and_their_mode_are_told(relay: Relay, client: Client) -> None:
    relay.mirror("hall", "yard")
    answer = await ask(client, "GetVideoSourceConfigurations")
    assert sorted(str(one.get("token")) for one in answer.all(".//tr2:Configurations")) == ["hall", "yard"]
    answer = await ask(client, "GetVideoSourceConfigurations", MAIN)
    assert [one.get("token") for one in answer.all(".//tr2:Configurations")] == ["yard"]
    source = "<tr2:VideoSourceToken>yard</tr2:VideoSourceToken>"
    (mode,) = (await ask(client, "GetVideoSourceModes", source)).all(".//tr2:VideoSourceModes")
    assert (mode.get("Enabled"), mode.findtext("tr2:Encodings", namespaces=NSMAP)) == ("true", "H264")
    assert mode.findtext("tr2:MaxResolution/tt:Width", namespaces=NSMAP) == "640"
    for camera, number in (("yard", "2"), ("hall", "1")):
        token = f"<tr2:ConfigurationToken>{camera}</tr2:ConfigurationToken>"
        answer = await ask(client, "GetVideoEncoderInstances", token)
        assert (answer.text(".//tr2:Codec/tr2:Encoding"), answer.text(".//tr2:Total")) == ("H264", number)


async def test_sound_is_named_as_its_stream_names_it(client: Client) -> None:
    (found,) = (await ask(client, "GetAudioEncoderConfigurations", MAIN)).all(".//tr2:Configurations")
    assert found.findtext("tt:Encoding", namespaces=NSMAP) == "mpeg4-generic"
    (options,) = (await ask(client, "GetAudioEncoderConfigurationOptions")).all(".//tr2:Options")
    for name in ("Bitrate", "SampleRate"):
        rate = found.findtext(f"tt:{name}", namespaces=NSMAP)
        assert options.findtext(f"tt:{name}List/tt:Items", namespaces=NSMAP) == rate


async def test_a_camera_without_sound_says_so(relay: Relay, client: Client) -> None:
    await relay.remove_camera("yard")
    await relay.add_camera("yard", camera="pattern", size="320x240", fps=5, microphone="none")
    for name in ("GetAudioSourceConfigurations", "GetAudioEncoderConfigurations"):
        assert (await ask(client, name)).all(".//tr2:Configurations") == []
        assert "ter:NoConfig" in await fault(client, name.removesuffix("s") + "Options")
        token = "yard" if "Source" in name else "yard/main"
        named = f"<tr2:ConfigurationToken>{token}</tr2:ConfigurationToken>"
        assert "ter:NoConfig" in await fault(client, name, named)
    types = "<tr2:Type>AudioSource</tr2:Type><tr2:Type>AudioEncoder</tr2:Type>"
    (main, _) = (await ask(client, "GetProfiles", types)).all(".//tr2:Configurations")
    assert len(main) == 0


@pytest.mark.parametrize(
    "name",
    [
        "GetServiceCapabilities",
        "GetVideoSourceConfigurationOptions",
        "GetAudioSourceConfigurations",
        "GetAudioSourceConfigurationOptions",
        "GetMetadataConfigurations",
        "GetMetadataConfigurationOptions",
        "GetAnalyticsConfigurations",
        "GetAudioOutputConfigurations",
        "GetAudioDecoderConfigurations",
        "GetOSDs",
        "GetMasks",
    ],
)
async def test_what_takes_no_token_is_answered(client: Client, name: str) -> None:
    await ask(client, name)


def reference(kind: str, token: str = "") -> str:
    """A configuration of a type, by its token if there is one."""
    named = f"<tr2:Token>{token}</tr2:Token>" if token else ""
    return f"<tr2:Configuration><tr2:Type>{kind}</tr2:Type>{named}</tr2:Configuration>"


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("AddConfiguration", reference("VideoSource", "yard") + reference("VideoEncoder", "yard/main")),
        ("AddConfiguration", reference("All")),
        ("AddConfiguration", ""),
        ("RemoveConfiguration", reference("Metadata") + reference("Analytics", "any")),
    ],
)
async def test_what_changes_nothing_of_a_profile_is_done(client: Client, name: str, inside: str) -> None:
    await ask(client, name, MAIN + inside)


CONFLICT = ["ter:Action", "ter:ConfigurationConflict"]
NO_CONFIG = ["ter:InvalidArgVal", "ter:NoConfig"]
NO_PROFILE = ["ter:InvalidArgVal", "ter:NoProfile"]
NONE = "<tr2:ProfileToken>none</tr2:ProfileToken>"


@pytest.mark.parametrize(
    ("name", "inside", "subcodes"),
    [
        ("CreateProfile", "<tr2:Name>SynoProfile</tr2:Name>", ["ter:Action", "ter:MaxNVTProfiles"]),
        ("DeleteProfile", "<tr2:Token>yard/main</tr2:Token>", ["ter:Action", "ter:DeletionOfFixedProfile"]),
        ("DeleteProfile", "<tr2:Token>none</tr2:Token>", NO_PROFILE),
        ("DeleteProfile", "", NO_PROFILE),
        ("AddConfiguration", NONE, NO_PROFILE),
        ("AddConfiguration", MAIN + reference("VideoEncoder", "yard/sub"), CONFLICT),
        ("AddConfiguration", MAIN + reference("VideoEncoder", "none"), NO_CONFIG),
        ("AddConfiguration", MAIN + reference("VideoEncoder"), NO_CONFIG),
        ("AddConfiguration", MAIN + reference("Teapot", "yard"), NO_CONFIG),
        ("AddConfiguration", MAIN + "<tr2:Name>Other</tr2:Name>", CONFLICT),
        ("RemoveConfiguration", NONE, NO_PROFILE),
        ("RemoveConfiguration", MAIN + reference("VideoEncoder"), CONFLICT),
        ("RemoveConfiguration", MAIN + reference("All"), CONFLICT),
        ("GetVideoEncoderConfigurations", NONE, NO_PROFILE),
        ("GetVideoEncoderConfigurations", "<tr2:ConfigurationToken>yard</tr2:ConfigurationToken>", NO_CONFIG),
        (
            "GetVideoEncoderConfigurations",
            ENCODER + "<tr2:ProfileToken>yard/sub</tr2:ProfileToken>",
            NO_CONFIG,
        ),
        ("GetVideoEncoderInstances", ENCODER, NO_CONFIG),
        ("GetVideoEncoderInstances", "", NO_CONFIG),
        ("GetVideoSourceModes", "", ["ter:InvalidArgVal", "ter:NoVideoSource"]),
        ("GetMetadataConfigurations", ENCODER, NO_CONFIG),
        ("GetMetadataConfigurationOptions", NONE, NO_PROFILE),
        ("GetOSDs", "<tr2:OSDToken>time</tr2:OSDToken>", NO_CONFIG),
        ("GetMasks", "<tr2:Token>door</tr2:Token>", NO_CONFIG),
        ("GetSnapshotUri", "", NO_PROFILE),
        ("SetSynchronizationPoint", NONE, NO_PROFILE),
        ("SetVideoEncoderConfiguration", "", ["ter:InvalidArgVal", "ter:ConfigModify"]),
        ("SetVideoEncoderConfiguration", wish("", "none"), NO_CONFIG),
        ("SetVideoSourceMode", "", ["ter:ActionNotSupported"]),
        ("GetOSDOptions", "", ["ter:ActionNotSupported"]),
    ],
)
async def test_what_is_not_there_is_a_fault(
    client: Client, name: str, inside: str, subcodes: list[str]
) -> None:
    assert await fault(client, name, inside) == subcodes


async def test_a_point_to_join_at_is_made(
    relay: Relay, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, str]] = []
    monkeypatch.setattr(relay, "force_key_frame", lambda *shown: made.append(shown))
    await ask(client, "SetSynchronizationPoint", "<tr2:ProfileToken>yard/sub</tr2:ProfileToken>")
    assert made == [("yard", "sub")]


async def test_what_media_has_no_name_for_is_in_media2_alone(
    relay: Relay, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = relay.encoder

    def of(path: str, rendition: str = "main") -> object:
        state = told(path, "main" if rendition == "main" else "sub")
        return replace(state, encoding="h265", profile=None) if rendition == "main" else state

    monkeypatch.setattr(relay, "encoder", of)
    answer = await ask(client, "GetProfiles", "<tr2:Type>VideoEncoder</tr2:Type>")
    encodings = [one.text for one in answer.all(".//tt:Encoding")]
    assert encodings == ["H265", "H264"]
    instances = await ask(
        client, "GetVideoEncoderInstances", "<tr2:ConfigurationToken>yard</tr2:ConfigurationToken>"
    )
    assert [one.text for one in instances.all(".//tr2:Encoding")] == ["H265", "H264"]
    options = await ask(client, "GetVideoEncoderConfigurationOptions")
    assert [one.text for one in options.all(".//tt:Encoding")] == ["H265", "H264"]

    async def media(body: str) -> Answer:
        return await client.call(body, "/onvif/media_service")

    profiles = (await media("<trt:GetProfiles/>")).all(".//trt:Profiles")
    assert [one.get("token") for one in profiles] == ["yard/sub"]
    encoders = await media("<trt:GetVideoEncoderConfigurations/>")
    assert [one.get("token") for one in encoders.all(".//trt:Configurations")] == ["yard/sub"]
    assert len((await media("<trt:GetVideoSources/>")).all(".//trt:VideoSources")) == 1
    token = "<trt:ProfileToken>yard/main</trt:ProfileToken>"
    for name in ("GetProfile", "GetStreamUri", "GetCompatibleVideoEncoderConfigurations"):
        assert (await media(f"<trt:{name}>{token}</trt:{name}>")).subcodes == NO_PROFILE
    guaranteed = await media(
        "<trt:GetGuaranteedNumberOfVideoEncoderInstances><trt:ConfigurationToken>yard"
        "</trt:ConfigurationToken></trt:GetGuaranteedNumberOfVideoEncoderInstances>"
    )
    assert (guaranteed.text(".//trt:TotalNumber"), guaranteed.text(".//trt:H264")) == ("1", "1")


async def test_encrypted_streams_are_told_where_there_is_a_certificate(
    relay: Relay, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(relay), "certificate", property(lambda _: object()))
    answer = await ask(client, "GetStreamUri", f"<tr2:Protocol>RtspsUnicast</tr2:Protocol>{MAIN}")
    assert answer.text(".//tr2:Uri") == f"rtsps://127.0.0.1:{relay.address[1]}/yard"


async def test_a_camera_that_stands_still_has_no_profiles(relay: Relay, client: Client) -> None:
    await relay.stop_source("yard")
    for name in ("GetProfiles", "GetVideoEncoderConfigurations", "GetVideoSourceConfigurations"):
        assert len((await ask(client, name)).all(f".//tr2:{name}Response")[0]) == 0
    for name in ("GetVideoSourceConfigurationOptions", "GetVideoEncoderConfigurationOptions"):
        assert await fault(client, name) == NO_CONFIG
