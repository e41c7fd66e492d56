"""``relaycore doctor`` finds every fault of ONVIF that is planted, and none in relaycore."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from relaycore import Relay, User
from relaycore.control.cli import main
from relaycore.control.commands import doctor
from relaycore.doctor.credentials import Credentials
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Finding, Outcome
from relaycore.doctor.onvif import client
from relaycore.doctor.report import to_json
from relaycore.doctor.rules import onvif
from relaycore.doctor.rules.onvif import discovery, events, messages
from relaycore.doctor.target import Target, onvif_address
from relaycore.doctor.visit import Visit, excerpt
from relaycore.errors import ConfigurationError
from tests.support.faulty_onvif import Fault, Said, answering, edit, faulty_onvif
from tests.support.onvif import envelope

ANNA = User(name="anna", password="open-sesame", role="administrator")

OURS = [rule for rule in onvif.RULES if rule not in discovery.RULES]
"""Those of discovery have tests of their own."""

NOTHING = envelope("<tds:GetUsersResponse/>")
NO_ACTION = envelope("<tds:RelaycoreDoctorResponse/>")
TIME = (
    "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime><tt:Date><tt:Year>2026"
    "</tt:Year></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
)


def year(said: Said) -> Said:
    """A clock of another year."""
    if "GetSystemDateAndTime" not in said.request or said.status != 200:
        return said
    body = re.sub(rb"<tt:Year>\d+<", b"<tt:Year>2001<", said.body)
    assert body != said.body or b"Fault" in said.body
    return replace(said, body=body)


def refused(said: Said) -> bool:
    """Whether a token was refused."""
    return "UsernameToken" in said.request and b"NotAuthorized" in said.body


def refusing_tokens(said: Said) -> Said:
    """Says of each token that it is wrong."""
    if "UsernameToken" not in said.request or said.status != 200:
        return said
    fault = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value>"
        "</s:Subcode></s:Code><s:Reason><s:Text xml:lang='en'>no</s:Text></s:Reason></s:Fault>"
    )
    return replace(said, status=400, body=envelope(fault).encode())


def without_picture(said: Said) -> Said:
    """There is no JPEG where there was one."""
    return replace(said, body=b"GIF89a") if "snapshot.jpg" in said.request and said.status == 200 else said


def second_of(prefix: str) -> Fault:
    """Gives the second profile the token of the first."""

    def fault(said: Said) -> Said:
        if f"{prefix}:GetProfiles" not in said.request or said.status != 200:
            return said
        assert b'"own/sub"' in said.body, said.body
        return replace(said, body=said.body.replace(b'"own/sub"', b'"own/main"'))

    return fault


def with_status(code: str, status: int) -> Fault:
    """Gives faults of a side another status."""
    return lambda said: replace(said, status=status) if f">s:{code}<".encode() in said.body else said


def worn_out() -> Fault:
    """Does not answer the next one after it had to read a long request."""
    long: list[str] = []

    def fault(said: Said) -> Said:
        if len(said.request) >= messages.LONG_BYTES:
            long.append("")
            return said
        return replace(said, status=503, body=long.pop().encode()) if long else said

    return fault


def elsewhere(said: Said) -> Said:
    """The stream over HTTP is at another port."""
    if ">HTTP<" not in said.request or said.status != 200:
        return said
    return replace(said, body=re.sub(rb":\d+/own", b":1/own", said.body))


def letting_strangers_in(said: Said) -> Said:
    """Where somebody has logged in by HTTP, a token is not looked at."""
    return replace(said, status=200, body=NOTHING.encode()) if said.authorized and refused(said) else said


def imaging_set_to(brightness: float) -> Fault:
    """A camera with one setting of imaging, whose range is 0 to 100."""
    settings = f"<timg:ImagingSettings><tt:Brightness>{brightness}</tt:Brightness></timg:ImagingSettings>"
    limits = "<tt:Brightness><tt:Min>0</tt:Min><tt:Max>100</tt:Max></tt:Brightness>"

    def fault(said: Said) -> Said:
        if "<timg:GetImagingSettings>" in said.request:
            body = f"<timg:GetImagingSettingsResponse>{settings}</timg:GetImagingSettingsResponse>"
        elif "<timg:GetOptions>" in said.request:
            options = f"<timg:ImagingOptions>{limits}</timg:ImagingOptions>"
            body = f"<timg:GetOptionsResponse>{options}</timg:GetOptionsResponse>"
        else:
            return said
        return replace(said, status=200, body=envelope(body).encode(), challenge=None)

    return fault


def ending_early(said: Said) -> Said:
    """Subscriptions end at once."""
    if "CreatePullPointSubscription" not in said.request or said.status != 200:
        return said
    (now,) = re.findall(rb"CurrentTime[^>]*>([^<]+)<", said.body)
    return replace(said, body=re.sub(rb"(TerminationTime[^>]*>)[^<]+<", rb"\g<1>" + now + b"<", said.body))


def with_one_reference(said: Said) -> Said:
    """All subscriptions are at one address."""
    if "CreatePullPointSubscription" not in said.request or said.status != 200:
        return said
    return replace(said, body=re.sub(rb"/subscription/[^<]+<", b"/subscription/one<", said.body))


def twice(said: Said) -> Said:
    """Every message comes twice."""
    if "PullMessages" not in said.request or said.status != 200:
        return said
    message = re.compile(rb"<wsnt:NotificationMessage.*?</wsnt:NotificationMessage>", re.DOTALL)
    return replace(said, body=message.sub(rb"\g<0>\g<0>", said.body))


PRESETS = envelope(
    '<tptz:GetPresetsResponse><tptz:Preset token="1"/><tptz:Preset token="1"/></tptz:GetPresetsResponse>'
)
STREAM = envelope(
    "<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>rtsp://127.0.0.1/own</tt:Uri>"
    "</trt:MediaUri></trt:GetStreamUriResponse>"
)
CONFIGURED = envelope(
    '<tr2:GetProfilesResponse><tr2:Profiles token="own/main"><tr2:Configurations>'
    '<tr2:VideoSource token="own"/></tr2:Configurations></tr2:Profiles></tr2:GetProfilesResponse>'
)


FAULTS: dict[str, Fault] = {
    "onvif-before-login": answering(401, "", of="<tds:GetServices>"),
    "onvif-pre-auth": answering(401, "", of="GetHostname"),
    "onvif-guarded": answering(200, NOTHING, of="GetScopes"),
    "onvif-clock": year,
    "onvif-login": answering(200, NOTHING, of="GetUsers"),
    "onvif-digest": lambda said: replace(said, challenge="Basic realm=x"),
    "onvif-token": refusing_tokens,
    "onvif-token-once": answering(200, NOTHING, of="GetDeviceInformation", only=refused),
    "onvif-token-age": answering(200, NOTHING, of="GetDeviceInformation", only=refused),
    "onvif-token-whole": answering(200, NOTHING, of="GetDeviceInformation", only=refused),
    "onvif-both-logins": letting_strangers_in,
    "onvif-wrong-password": answering(200, NOTHING, of="GetUsers", only=refused),
    "onvif-unknown-operation": answering(200, NO_ACTION, of="RelaycoreDoctor"),
    "onvif-optional": answering(400, "no", of="GetOSDs"),
    "onvif-soap": lambda said: replace(said, kind="text/xml"),
    "onvif-malformed": lambda said: said if said.request.endswith("Envelope>") else replace(said, status=200),
    "onvif-entities": answering(200, envelope(TIME), of="&asked;"),
    "onvif-fault-status": with_status("Sender", 500),
    "onvif-fault-names": lambda said: replace(said, body=said.body.replace(b"/ver10/error", b"/error")),
    "onvif-namespace": answering(200, NO_ACTION, of="urn:relaycore-doctor"),
    "onvif-method": answering(200, "", of="PROPFIND"),
    "onvif-long-request": worn_out(),
    "onvif-information": edit("FirmwareVersion", "Firmware", of="GetDeviceInformation"),
    "onvif-addresses": edit("http://127.0.0.1:", "http://192.0.2.1:", of="GetServices"),
    "onvif-scopes": edit("onvif.org/name", "onvif.org/label", of="GetScopes"),
    "onvif-time-zone": edit("<tt:TZ>", "<tt:TZ>+0:", of="GetSystemDateAndTime"),
    "onvif-services": edit("tt:Major", "tt:Mayor", of="GetServices"),
    "onvif-capabilities": edit("/onvif/media_service", "/onvif/media", of="<tds:GetCapabilities>"),
    "onvif-service-capabilities": edit('MaxPullPoints="64"', 'MaxPullPoints="65"', of="<tds:GetServices>"),
    "onvif-reference": edit("urn:uuid:", "uuid:", of="GetEndpointReference"),
    "onvif-interfaces": edit("tt:HwAddress", "tt:Hardware", of="GetNetworkInterfaces"),
    "onvif-profiles": second_of("trt"),
    "onvif-sub": edit("<tt:Width>320<", "<tt:Width>640<", of="GetProfiles"),
    "onvif-fixed": edit(' fixed="true"', "", of="<trt:GetProfiles/>"),
    "onvif-h264": edit("<tt:Encoding>H264<", "<tt:Encoding>JPEG<", of="<trt:GetProfiles/>"),
    "onvif-use-count": edit("<tt:UseCount>2<", "<tt:UseCount>1<", of="<trt:GetProfiles/>"),
    "onvif-profile": edit("<tt:Width>640<", "<tt:Width>642<", of="<trt:GetProfile>"),
    "onvif-unknown-profile": answering(200, NOTHING, of="<trt:GetProfile>"),
    "onvif-sources": edit('token="own"', 'token="other"', of="GetVideoSources"),
    "onvif-bounds": edit('width="640"', 'width="1280"', of="<trt:GetProfiles/>"),
    "onvif-ranges": edit("<tt:FrameRateLimit>5<", "<tt:FrameRateLimit>50<", of="<trt:GetProfiles/>"),
    "onvif-rate-control": edit("tt:RateControl", "tt:Rate", of="<trt:GetProfiles/>"),
    "onvif-encoders": edit("<tt:GovLength>5<", "<tt:GovLength>6<", of="GetVideoEncoderConfigurations/"),
    "onvif-instances": edit("trt:TotalNumber>2<", "trt:TotalNumber>0<", of="GetGuaranteedNumber"),
    "onvif-encoding": edit("<tt:Encoding>H264<", "<tt:Encoding>JPEG<", of="<trt:GetProfiles/>"),
    "onvif-uri-length": edit("/own<", f"/own?{'x' * 128}<", of="GetStreamUri"),
    "onvif-tunnel-port": elsewhere,
    "onvif-lasting": edit("InvalidAfterReboot>false", "InvalidAfterReboot>true", of="GetSnapshotUri"),
    "onvif-multicast": answering(200, STREAM, of="RTP-Multicast"),
    "onvif-options": edit("<tt:Width>640<", "<tt:Width>642<", of="GetVideoEncoderConfigurationOptions"),
    "onvif-truth": edit("<tt:Width>640<", "<tt:Width>1920<", of="GetProfiles"),
    "onvif-streams": edit("rtsp://127.0.0.1", "rtsp://0.0.0.0", of="GetStreamUri"),
    "onvif-snapshot": without_picture,
    "onvif-rate": edit("<tt:FrameRateLimit>5<", "<tt:FrameRateLimit>1<", of="<trt:GetProfiles/>"),
    "onvif-snapshot-capability": edit(
        'SnapshotUri="true"', 'SnapshotUri="false"', of="<trt:GetServiceCapabilities/>"
    ),
    "onvif-snapshot-login": lambda said: replace(said, challenge="Basic realm=x"),
    "onvif-media2": second_of("tr2"),
    "onvif-media2-encoders": edit("<tt:Width>640<", "<tt:Width>642<", of="<tr2:GetProfiles>"),
    "onvif-media2-types": answering(200, CONFIGURED, of="<tr2:GetProfiles/>"),
    "onvif-media2-streams": edit("rtsp://127.0.0.1", "rtsp://0.0.0.0", of="<tr2:GetStreamUri>"),
    "onvif-websocket": edit("ws:/rtsp", "ws://192.0.2.1/rtsp", of="<tr2:GetServiceCapabilities/>"),
    "onvif-imaging": imaging_set_to(200),
    "onvif-imaging-source": answering(200, NOTHING, of="GetImagingSettings"),
    "onvif-ptz-nodes": edit("<tt:Min>0<", "<tt:Min>-1<", of="<tptz:GetNode>"),
    "onvif-ptz-configurations": edit(
        ">http://www.onvif.org/ver10/tptz/ZoomSpaces/PositionGenericSpace</tt:DefaultAbsoluteZoom",
        ">http://www.onvif.org/ver10/tptz/ZoomSpaces/PositionSpace</tt:DefaultAbsoluteZoom",
        of="<tptz:GetConfigurations/>",
    ),
    "onvif-ptz-profiles": edit("PT10S", "PT11S", of="<tptz:GetConfigurations/>"),
    "onvif-ptz-options": edit("PT60S", "PT6S", of="<tptz:GetConfigurationOptions>"),
    "onvif-ptz-status": edit("tt:MoveStatus", "tt:Moving", of="<tptz:GetStatus>"),
    "onvif-ptz-position": edit('x="0"', 'x="2"', of="<tptz:GetStatus>"),
    "onvif-ptz-fov": edit("TranslationSpaceFov", "TranslationSpace", of="<tptz:GetNodes/>"),
    "onvif-ptz-presets": answering(200, PRESETS, of="<tptz:GetPresets>"),
    "onvif-pull-point": answering(500, "", of="Unsubscribe"),
    "onvif-renew": answering(500, "", of="Renew"),
    "onvif-termination": ending_early,
    "onvif-absolute-time": answering(400, "", of="Z</tev:InitialTerminationTime>"),
    "onvif-event-times": edit("Z</tev:TerminationTime>", "</tev:TerminationTime>", of="PullMessages"),
    "onvif-apart": with_one_reference,
    "onvif-message-limit": twice,
    "onvif-patience": answering(200, envelope("<tev:PullMessagesResponse/>"), of="PullMessages"),
    "onvif-long-timeout": answering(400, "", of=">PT60S</tev:Timeout>"),
    "onvif-synchronization": answering(500, "", of="SetSynchronizationPoint"),
    "onvif-ended": answering(200, NOTHING, of="PullMessages"),
    "onvif-initial-states": edit('"Initialized"', '"Changed"', of="PullMessages"),
    "onvif-dialects": edit("topicExpression/ConcreteSet", "topicExpression/Set", of="GetEventProperties"),
    "onvif-topic-set": edit('wstop:topic="true"', 'wstop:topic="false"', of="GetEventProperties"),
    "onvif-told-topics": edit("CellMotionDetector/Motion", "Motion", of="PullMessages"),
    "onvif-message-times": edit('Z" PropertyOperation', '" PropertyOperation', of="PullMessages"),
    "onvif-topic-filter": edit("CellMotionDetector/Motion", "Motion", of="PullMessages"),
}


NOT_HERE = {"onvif-imaging"}
"""Rules about what a camera like this has not."""


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA]) as relay:
        await relay.add_camera("own", camera="pattern", size="640x480", fps=5, microphone="none")
        yield relay


def visit(relay: Relay, address: str | None = None, *, log_in: bool = True) -> Visit:
    port = relay.address[1]
    return Visit(
        Target.parse(f"rtsp://127.0.0.1:{port}/own"),
        Credentials(ANNA.name, ANNA.password) if log_in else None,
        duration=2.0,
        onvif=address or f"http://127.0.0.1:{port}/onvif/device_service",
    )


async def found(looking: Visit, only: str) -> Finding:
    (finding,) = await examine(looking, [rule for rule in OURS if rule.id == only])
    return finding


async def test_relaycore_keeps_to_all_rules(relay: Relay) -> None:
    findings = await examine(visit(relay), OURS)
    others = [one for one in findings if one.outcome is not Outcome.HOLDS]
    assert [(one.rule.id, one.why, one.shown) for one in others if one.outcome is Outcome.FAILS] == []
    assert {one.rule.id for one in others} == NOT_HERE


async def test_each_rule_has_a_fault() -> None:
    assert FAULTS.keys() == {rule.id for rule in OURS}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_found_and_shown(relay: Relay, name: str) -> None:
    async with faulty_onvif(relay.address[1], FAULTS[name]) as address:
        finding = await found(visit(relay, address), name)
    assert finding.outcome is Outcome.FAILS, finding
    assert finding.why
    assert any(line.startswith(("> POST ", "> GET ", "> PROPFIND ")) for line in finding.shown)
    assert any(line.startswith("< HTTP ") for line in finding.shown)
    shown = "".join(finding.shown)
    assert ANNA.password not in shown
    assert "response=" not in shown


async def test_without_a_login_what_needs_one_is_not_tried(relay: Relay) -> None:
    outcomes = {one.rule.id: one.outcome for one in await examine(visit(relay, log_in=False), OURS)}
    assert Outcome.FAILS not in outcomes.values()
    assert outcomes["onvif-before-login"] is outcomes["onvif-malformed"] is Outcome.HOLDS
    assert outcomes["onvif-token"] is outcomes["onvif-profiles"] is Outcome.UNTRIED


async def test_without_an_address_nothing_is_tried(relay: Relay) -> None:
    looking = visit(relay)
    looking.onvif = None
    assert {one.outcome for one in await examine(looking, OURS)} == {Outcome.UNTRIED}


@pytest.mark.parametrize(
    "body", [b"", b"\0" * 100, b"<a", b"<!DOCTYPE a><a/>", b"<a/>", b"x" * (client.MOST_BYTES + 1)]
)
async def test_what_is_no_answer_is_told(relay: Relay, body: bytes) -> None:
    async with faulty_onvif(relay.address[1], lambda said: replace(said, body=body)) as address:
        finding = await found(visit(relay, address), "onvif-information")
    assert finding.outcome is Outcome.FAILS
    assert len(finding.shown) < 60


CHANGES_NOTHING = {
    "CreatePullPointSubscription",
    "PullMessages",
    "RelaycoreDoctor",
    "Renew",
    "SetSynchronizationPoint",
    "Unsubscribe",
}
"""Operations without Get that are asked for: about subscriptions of the doctor, and one that there is not."""


async def test_a_camera_is_left_as_it_was(relay: Relay) -> None:
    asked: set[str] = set()

    def listening(said: Said) -> Said:
        method, _, rest = said.request.partition(" ")
        if "&asked;" in rest:  # It would read the time where it is done at all.
            return said
        names = re.findall(r"<s:Body>\s*<(?:\w+:)?(\w+)", rest)
        asked.update(names or [method])
        return said

    async with faulty_onvif(relay.address[1], listening) as address:
        await examine(visit(relay, address), OURS)
    reading = {name for name in asked if name.startswith("Get")}
    assert len(reading) > 20
    # Without a body, a picture is read, and a method is tried that there is not.
    assert asked - reading - CHANGES_NOTHING <= {"GET", "PROPFIND"}


async def test_subscriptions_are_ended_where_tokens_alone_log_in(relay: Relay) -> None:
    done: list[str] = []

    def without_digest(said: Said) -> Said:
        for name in ("CreatePullPointSubscription", "Unsubscribe"):
            if name in said.request and said.status == 200:
                done.append(name)
        return replace(said, challenge=None)

    async with faulty_onvif(relay.address[1], without_digest) as address:
        findings = await examine(visit(relay, address), events.RULES)
    assert {one.outcome for one in findings} == {Outcome.HOLDS}, findings
    assert done.count("Unsubscribe") == done.count("CreatePullPointSubscription") > 0


async def test_what_a_reference_has_is_sent_back(relay: Relay) -> None:
    """Some cameras have one address for all pull points, and tell them apart by a parameter."""
    asked: list[str] = []

    def with_parameter(said: Said) -> Said:
        if "CreatePullPointSubscription" not in said.request:
            asked.extend([said.request] if "/subscription/" in said.request and said.status == 200 else [])
            return said
        parameters = (
            b'<a:ReferenceParameters xmlns:a="http://www.w3.org/2005/08/addressing"><c:Id xmlns:c="urn:c">7'
            b"</c:Id></a:ReferenceParameters>"
        )
        return replace(said, body=said.body.replace(b"</tev:Sub", parameters + b"</tev:Sub"))

    async with faulty_onvif(relay.address[1], with_parameter) as address:
        finding = await found(visit(relay, address), "onvif-renew")
    assert finding.outcome is Outcome.HOLDS, finding
    assert len(asked) == 2
    for request in asked:
        assert '<c:Id xmlns:c="urn:c"' in request
        assert ">7</c:Id>" in request
        assert re.search(r"<wsa:To[^>]*>http://127.0.0.1:\d+/onvif/subscription/", request)
        assert "SubscriptionManager/" in request


async def test_settings_of_imaging_in_their_ranges_hold(relay: Relay) -> None:
    async with faulty_onvif(relay.address[1], imaging_set_to(50)) as address:
        assert (await found(visit(relay, address), "onvif-imaging")).outcome is Outcome.HOLDS


def with_picture(size: int) -> Fault:
    """Begins like a JPEG, and has so many bytes."""

    def fault(said: Said) -> Said:
        if "snapshot.jpg" not in said.request or said.status != 200:
            return said
        return replace(said, body=said.body[:4].ljust(size, b"\0"))

    return fault


@pytest.mark.parametrize(
    ("size", "outcome"),
    [(client.PICTURE_BYTES, Outcome.HOLDS), (client.PICTURE_BYTES + 1, Outcome.FAILS)],
)
async def test_a_picture_may_be_larger_than_a_document(relay: Relay, size: int, outcome: Outcome) -> None:
    async with faulty_onvif(relay.address[1], with_picture(size)) as address:
        finding = await found(visit(relay, address), "onvif-snapshot")
    assert client.PICTURE_BYTES > client.MOST_BYTES
    assert finding.outcome is outcome


LOGIN = "mallory:s3cret@"
"""A login inside of an address, which cameras tell their own by."""


@pytest.mark.parametrize(
    ("name", "of", "place"),
    [
        ("onvif-streams", "GetStreamUri", "127.0.0.1"),
        ("onvif-snapshot", "GetSnapshotUri", "127.0.0.1"),
        ("onvif-addresses", "GetServices", "127.0.0.1"),
        ("onvif-streams", "GetStreamUri", "192.0.2.1"),
        ("onvif-snapshot", "GetSnapshotUri", "192.0.2.1"),
        ("onvif-snapshot", "GetSnapshotUri", ""),
    ],
)
async def test_logins_in_addresses_are_not_shown(relay: Relay, name: str, of: str, place: str) -> None:
    async with faulty_onvif(relay.address[1], edit("://127.0.0.1", f"://{LOGIN}{place}", of=of)) as address:
        finding = await found(visit(relay, address), name)
    assert finding.outcome is (Outcome.HOLDS if place == "127.0.0.1" else Outcome.FAILS), finding
    told = to_json("http://192.0.2.1", [finding])
    assert "://***@" in told
    assert "mallory" not in told
    assert "s3cret" not in told


async def test_logins_in_addresses_are_not_shown_in_what_differs(relay: Relay) -> None:
    fault = edit("://127.0.0.1", f"://{LOGIN}127.0.0.1", of="<tds:GetCapabilities>")
    async with faulty_onvif(relay.address[1], fault) as address:
        finding = await found(visit(relay, address), "onvif-capabilities")
    assert finding.outcome is Outcome.FAILS
    assert "://***@127.0.0.1" in str(finding.why)
    assert "s3cret" not in to_json("http://192.0.2.1", [finding])


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("rtsp://h/user=admin_password=tl_Jw_channel=1_stream=0.sdp", "password=***_channel=1_stream=0.sdp"),
        ("rtsp://h/live?usr=admin&amp;pwd=s3cret&amp;ch=1 x", "&amp;pwd=***&amp;ch=1 x"),
        ("<tt:Uri>http://h/snap.jpg?PASSWORD=s3cret</tt:Uri>", "PASSWORD=***</tt:Uri>"),
        ("compass=north bypass=1", "compass=north bypass=1"),
    ],
)
def test_passwords_in_parameters_of_addresses_are_not_shown(said: str, shown: str) -> None:
    (line,) = excerpt(False, said.encode())
    assert line.endswith(shown)
    assert "s3cret" not in line
    assert "tl_Jw" not in line


def test_logins_in_addresses_are_not_shown_of_rtsp_either() -> None:
    said = b"a=control:rtsp://mallory:s3@cret@192.0.2.1/a?b@c rtsp://192.0.2.1/a@b"
    assert excerpt(False, said) == ["< a=control:rtsp://***@192.0.2.1/a?b@c rtsp://192.0.2.1/a@b"]


@pytest.mark.parametrize(
    ("name", "of", "pattern", "value", "outcome"),
    [
        ("onvif-clock", "GetSystemDateAndTime", r"<tt:Year>\d+", "<tt:Year>" + "9" * 400, Outcome.FAILS),
        ("onvif-encoding", "GetStreamUri", r"rtsp://[^<]+", "rtsp://[::1", Outcome.UNTRIED),
        ("onvif-streams", "GetStreamUri", r"rtsp://127.0.0.1:\d+", "rtsp://[127.0.0.1", Outcome.FAILS),
        ("onvif-tunnel-port", "GetStreamUri", r"127.0.0.1:\d+", "127.0.0.1:99999", Outcome.FAILS),
        ("onvif-sub", "<trt:GetProfiles/>", r"<tt:Width>\d+", "<tt:Width>nan", Outcome.FAILS),
        ("onvif-rate-control", "<trt:GetProfiles/>", r"Limit>\d+", "Limit>1e400", Outcome.FAILS),
        ("onvif-ranges", "<trt:GetProfiles/>", r"Encoding>H264", "Encoding>../*[", Outcome.UNTRIED),
        ("onvif-event-times", "PullMessages", r"Time>[^<]+", "Time>2026-13-45T00:00:00Z", Outcome.FAILS),
        ("onvif-ptz-options", "<tptz:GetConfigurationOptions>", r"Min>PT[^<]+", "Min>P", Outcome.FAILS),
    ],
)
async def test_whatever_stands_in_an_answer_is_judged(
    relay: Relay, name: str, of: str, pattern: str, value: str, outcome: Outcome
) -> None:
    def fault(said: Said) -> Said:
        if of not in said.request:
            return said
        return replace(said, body=re.sub(pattern.encode(), value.encode(), said.body))

    async with faulty_onvif(relay.address[1], fault) as address:
        finding = await found(visit(relay, address), name)
    assert finding.outcome is outcome, finding


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://h", "http://h/onvif/device_service"),
        ("https://h:8443/", "https://h:8443/onvif/device_service"),
        ("http://[::1]:80/onvif/yard/device_service", "http://[::1]:80/onvif/yard/device_service"),
    ],
)
def test_addresses_of_onvif(url: str, address: str) -> None:
    assert onvif_address(url) == address


@pytest.mark.parametrize("url", ["rtsp://h/x", "http://", "http://h:99999/", "http://h/a b", "http://u:p@h/"])
def test_addresses_that_are_not_taken(url: str) -> None:
    with pytest.raises(ConfigurationError):
        onvif_address(url)


async def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command, which has a loop of its own."""
    monkeypatch.setenv(doctor.PASSWORD_VARIABLE, ANNA.password)
    return await asyncio.to_thread(main, ["doctor", *arguments, "--user", ANNA.name, "--duration", "1"])


async def test_the_command_finds_the_stream_by_onvif(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{relay.address[1]}"
    assert await run(monkeypatch, url, "--only", "rtsp-description,onvif-truth", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["url"] == url
    assert [rule["outcome"] for rule in report["rules"]] == ["holds", "holds"]


async def test_the_command_is_told_an_address_beside_the_stream(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with faulty_onvif(relay.address[1], FAULTS["onvif-scopes"]) as address:
        url = f"{relay.urls('own')[0]}"
        assert await run(monkeypatch, url, "--onvif", address, "--only", "onvif-scopes,rtsp-options") == 1
    assert "The scopes have no name." in capsys.readouterr().out


async def test_rules_of_onvif_are_checked_where_no_stream_is_told(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = answering(500, "", of="GetStreamUri")
    async with faulty_onvif(relay.address[1], fault) as address:
        assert await run(monkeypatch, address, "--only", "onvif-scopes,rtsp-options", "--json") == 0
    assert [rule["id"] for rule in json.loads(capsys.readouterr().out)["rules"]] == ["onvif-scopes"]


async def test_a_device_that_asks_for_a_login_at_once_is_examined(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some do so even before they tell the time, which is for the rules to tell."""

    def closed(said: Said) -> Said:
        if "GetSystemDateAndTime" not in said.request or "UsernameToken" in said.request:
            return said
        return replace(said, status=401, body=b"", challenge=None)

    ids = "onvif-before-login,onvif-clock,onvif-soap,onvif-malformed,onvif-scopes"
    async with faulty_onvif(relay.address[1], closed) as address:
        assert await run(monkeypatch, address, "--only", ids, "--json") == 1
    rules = json.loads(capsys.readouterr().out)["rules"]
    assert [rule["outcome"] for rule in rules] == ["fails", *["holds"] * 4]


@pytest.mark.parametrize("body", [b"<html></html>", b"It works!", envelope(TIME).encode()[:-9]])
async def test_what_is_no_device_of_onvif_is_told(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    async with faulty_onvif(relay.address[1], lambda said: replace(said, status=200, body=body)) as address:
        assert await run(monkeypatch, address) == 2
        assert await run(monkeypatch, relay.urls("own")[0], "--onvif", address) == 2
    assert capsys.readouterr().err.count("is not answered") == 2


@pytest.mark.parametrize("name", ["onvif-interfaces", "onvif-reference"])
async def test_what_a_device_need_not_have_is_not_tried(relay: Relay, name: str) -> None:
    fault = (
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>ter:ActionNotSupported</s:Value>"
        "</s:Subcode></s:Code><s:Reason><s:Text xml:lang='en'>no</s:Text></s:Reason></s:Fault>"
    )
    async with faulty_onvif(relay.address[1], answering(500, envelope(fault), of="<tds:Get")) as address:
        assert (await found(visit(relay, address), name)).outcome is Outcome.UNTRIED


async def test_a_fault_with_the_status_of_an_answer_is_told(relay: Relay) -> None:
    async with faulty_onvif(relay.address[1], with_status("Sender", 200)) as address:
        finding = await found(visit(relay, address), "onvif-unknown-profile")
    assert str(finding.why) == "HTTP is '200' and not 400/500."


async def test_nobody_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    assert await run(monkeypatch, f"http://127.0.0.1:{unused_tcp_port}") == 2
    assert "is not answered" in capsys.readouterr().err
