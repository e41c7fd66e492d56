"""The device service of ONVIF."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from relaycore import OnvifSettings, Relay, User
from relaycore.onvif.services.device import network
from tests.support.onvif import Client, client_of, envelope, logged_in

ADMIN = User(name="anna", password="secret", role="administrator")


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    onvif = OnvifSettings(name="Front door", location="Berlin", hardware="laptop")
    async with Relay(port=0, users=[ADMIN], onvif=onvif, state_folder=str(tmp_path)) as relay:
        await relay.add_camera("yard", camera="pattern", size="160x90", fps=5, microphone="none")
        yield relay


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[Client]:
    async with logged_in(relay) as client:
        yield client


async def ask(client: Client, body: str, address: str = "/onvif/device_service") -> str:
    """The text of an answer that is no fault."""
    answer = await client.call(body, address)
    assert answer.status == 200, "".join(answer.root.itertext())
    return " ".join(text.strip() for text in answer.root.itertext() if text.strip())


async def scopes(client: Client) -> set[str]:
    return set((await ask(client, "<tds:GetScopes/>")).split())


async def test_services_are_told_by_the_address_that_the_client_used(relay: Relay, client: Client) -> None:
    host, port = relay.address
    named = client.base.replace(host, "localhost")
    other = Client(named, client.http)
    assert f"{named}/onvif/device_service" in await ask(other, "<tds:GetServices/>")
    assert f"http://{host}:{port}/onvif/device_service" in await ask(client, "<tds:GetCapabilities/>")


async def test_a_host_that_is_none_is_not_sent_back(client: Client) -> None:
    answer = await client.post(envelope("<tds:GetServices/>"), Host="a<b")
    assert answer.text(".//tds:XAddr") == f"{client.base}/onvif/device_service"


async def test_a_camera_is_a_device_of_its_own(relay: Relay, client: Client) -> None:
    whole = await ask(client, "<tds:GetEndpointReference/>")
    alone = await ask(client, "<tds:GetEndpointReference/>", "/onvif/yard/device_service")
    assert whole != alone
    assert alone.startswith("urn:uuid:")
    services = await ask(client, "<tds:GetServices/>", "/onvif/yard/device_service")
    assert "/onvif/yard/device_service" in services
    missing = await client.call("<tds:GetEndpointReference/>", "/onvif/none/device_service")
    assert missing.status == 404


async def test_names_of_devices_last(tmp_path: Path) -> None:
    urns = []
    for _ in range(2):
        async with Relay(port=0, state_folder=str(tmp_path)) as relay:
            urns.append(relay.devices.whole().urn)
    assert urns[0] == urns[1]


async def test_the_device_says_what_it_is(client: Client) -> None:
    said = await ask(client, "<tds:GetDeviceInformation/>")
    assert said.startswith("relaycore Front door ")
    assert said.endswith(" laptop")


async def test_the_time_is_that_of_the_machine_and_is_not_set(client: Client) -> None:
    before = await ask(client, "<tds:GetSystemDateAndTime/>")
    assert before.startswith("NTP ")
    wrong = (
        "<tds:SetSystemDateAndTime><tds:DateTimeType>Manual</tds:DateTimeType>"
        "<tds:UTCDateTime><tt:Date><tt:Year>1999</tt:Year></tt:Date></tds:UTCDateTime>"
        "</tds:SetSystemDateAndTime>"
    )
    assert await ask(client, wrong) == ""
    assert "1999" not in await ask(client, "<tds:GetSystemDateAndTime/>")


async def test_scopes_are_changed(relay: Relay, client: Client) -> None:
    assert {
        "onvif://www.onvif.org/Profile/Streaming",
        "onvif://www.onvif.org/name/Front%20door",
        "onvif://www.onvif.org/location/Berlin",
        "onvif://www.onvif.org/hardware/laptop",
    } <= await scopes(client)
    new = "onvif://www.onvif.org/name/Hall"
    await ask(client, f"<tds:SetScopes><tds:Scopes>{new}</tds:Scopes></tds:SetScopes>")
    assert new in relay.devices.whole().scopes
    assert "onvif://www.onvif.org/location/Berlin" not in await scopes(client)
    await ask(client, "<tds:AddScopes><tds:ScopeItem>onvif://other/1</tds:ScopeItem></tds:AddScopes>")
    gone = f"<tds:RemoveScopes><tds:ScopeItem>{new}</tds:ScopeItem></tds:RemoveScopes>"
    assert await ask(client, gone) == new
    assert (new in await scopes(client), "onvif://other/1" in await scopes(client)) == (False, True)


@pytest.mark.parametrize(
    ("body", "subcode"),
    [
        ("<tds:SetScopes><tds:Scopes>no URI</tds:Scopes></tds:SetScopes>", "ter:InvalidArgVal"),
        (
            "<tds:SetScopes>"
            + "".join(f"<tds:Scopes>a:{number}</tds:Scopes>" for number in range(33))
            + "</tds:SetScopes>",
            "ter:TooManyScopes",
        ),
        (
            "<tds:RemoveScopes><tds:ScopeItem>onvif://www.onvif.org/hardware/laptop</tds:ScopeItem>"
            "</tds:RemoveScopes>",
            "ter:FixedScope",
        ),
        ("<tds:RemoveScopes><tds:ScopeItem>a:b</tds:ScopeItem></tds:RemoveScopes>", "ter:NoScope"),
        ("<tds:SetDiscoveryMode/>", "ter:InvalidArgVal"),
        (
            "<tds:GetCapabilities><tds:Category>Kitchen</tds:Category></tds:GetCapabilities>",
            "ter:NoSuchService",
        ),
    ],
)
async def test_what_is_not_right_is_a_fault(client: Client, body: str, subcode: str) -> None:
    answer = await client.call(body)
    assert answer.subcodes[-1] == subcode


async def test_a_device_lets_itself_not_be_found(relay: Relay, client: Client) -> None:
    assert await ask(client, "<tds:GetDiscoveryMode/>") == "Discoverable"
    mode = "<tds:DiscoveryMode>NonDiscoverable</tds:DiscoveryMode>"
    await ask(client, f"<tds:SetDiscoveryMode>{mode}</tds:SetDiscoveryMode>")
    assert not relay.devices.whole().discoverable
    assert relay.devices.of_camera("yard") is not None


async def test_network_and_users_are_told(relay: Relay, client: Client) -> None:
    interface = await ask(client, "<tds:GetNetworkInterfaces/>")
    assert re.search("([0-9a-f]{2}:){5}[0-9a-f]{2} true 127.0.0.1 8 false", interface)
    assert f"RTSP true {relay.address[1]}" in await ask(client, "<tds:GetNetworkProtocols/>")
    for name in ("GetDNS", "GetNTP"):
        assert (await ask(client, f"<tds:{name}/>")).startswith("false")
    await ask(client, "<tds:GetNetworkDefaultGateway/>")
    assert await ask(client, "<tds:GetUsers/>") == "anna Administrator"


async def test_the_network_is_that_of_the_address_that_the_client_used(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [("lan", 2, IPv4Address("192.0.2.7"), 22), ("lo", 1, IPv4Address("127.0.0.1"), 8)]
    monkeypatch.setattr(network, "interface_addresses", lambda: known)
    lan, loopback = "192.0.2.7 22", "127.0.0.1 8"
    for used, told in (("192.0.2.7:80", lan), ("camera.example", loopback), ("[::1]:80", loopback)):
        answer = await client.post(envelope("<tds:GetNetworkInterfaces/>"), Host=used)
        assert f"{answer.text('.//tt:Address')} {answer.text('.//tt:PrefixLength')}" == told


async def test_a_restart_opens_the_cameras_anew(relay: Relay, client: Client) -> None:
    events = relay.events()
    assert "opened anew" in await ask(client, "<tds:SystemReboot/>")
    seen = []
    async for event in events:
        seen.append(type(event).__name__)
        if "StreamAdded" in seen:
            break
    assert seen.index("StreamRemoved") < seen.index("StreamAdded")


async def test_it_may_be_off() -> None:
    async with (
        Relay(port=0, onvif=OnvifSettings(enabled=False)) as relay,
        client_of(relay) as client,
        client.http.post(f"{client.base}/onvif/device_service", data=b"") as response,
    ):
        assert response.status == 404


async def test_the_sources_are_counted(client: Client) -> None:
    assert await ask(client, "<trt:GetAudioOutputs/>", "/onvif/deviceio_service") == ""
    answer = await client.call("<tmd:GetServiceCapabilities/>")
    (found,) = answer.all(".//tmd:Capabilities")
    assert (found.get("VideoSources"), found.get("AudioSources")) == ("1", "0")
    assert f"{client.base}/onvif/deviceio_service" in await ask(client, "<tds:GetCapabilities/>")
