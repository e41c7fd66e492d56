"""Envelopes, faults, and who may: requests of ONVIF as strangers send them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from relaycore import Relay, User
from relaycore.http_digest import HttpDigest
from relaycore.onvif.soap.names import NSMAP
from relaycore.onvif.soap.xml import BadXml, parse
from tests.support.onvif import Client, client_of, envelope

TDS = NSMAP["tds"]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A relay without users: programs of this machine may look."""
    async with Relay(port=0) as relay, client_of(relay) as client:
        yield client


@pytest.fixture
async def guarded() -> AsyncIterator[Client]:
    """A relay with users."""
    users = [
        User(name="anna", password="secret", role="administrator"),
        User(name="otto", password="secret", role="operator"),
        User(name="vera", password="secret", role="viewer"),
    ]
    async with Relay(port=0, users=users) as relay, client_of(relay) as client:
        yield client


def digest(user: str, password: str = "secret") -> tuple[HttpDigest]:
    return (HttpDigest(user, password),)


BOMB = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>' + envelope("<tds:GetScopes>&c;</tds:GetScopes>")
FILE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + envelope(
    "<tds:GetScopes>&b;</tds:GetScopes>"
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no xml",
        b"<a>",
        b"\xff\xfe<\x00a\x00/\x00>\x00",
        BOMB.encode(),
        FILE.encode(),
        envelope("&unknown;").encode(),
        envelope("").encode(),
        envelope("<a>" * 40 + "</a>" * 40).encode(),
        envelope("<tds:GetScopes/>").replace("</s:Body>", "").encode(),
    ],
    ids=["empty", "text", "open", "utf16", "bomb", "file", "entity", "nothing", "deep", "cut"],
)
async def test_what_is_no_message_is_a_fault_of_the_sender(client: Client, data: bytes) -> None:
    answer = await client.post(data)
    assert answer.status == 400
    assert answer.subcodes == ["ter:WellFormed"]
    assert answer.headers["Content-Type"] == "application/soap+xml; charset=utf-8"


def test_a_document_type_in_another_encoding_is_found() -> None:
    text = '<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>'
    with pytest.raises(BadXml):
        parse(text.encode())


async def test_a_body_that_is_too_long_is_refused(client: Client) -> None:
    answer = await client.post(envelope("<tds:GetScopes/>" + " " * 65_536))
    assert (answer.status, answer.subcodes) == (413, ["ter:WellFormed"])


async def test_a_body_that_is_too_long_and_does_not_say_so_is_refused(client: Client) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b" " * 1024

    async with client.http.post(client.base + "/onvif/device_service", data=parts()) as response:
        assert response.status == 413
        assert b"ter:WellFormed" in await response.read()


async def test_another_envelope_is_told(client: Client) -> None:
    answer = await client.post("<a xmlns='urn:b'/>")
    assert (answer.status, answer.text(".//s:Code/s:Value")) == (500, "s:VersionMismatch")


@pytest.mark.parametrize(
    "body",
    ["<tds:FormatDisk/>", '<GetScopes xmlns="urn:other"/>', "<GetScopes/>", "<trt:GetScopes/>"],
)
async def test_an_unknown_operation_is_told(client: Client, body: str) -> None:
    answer = await client.call(body)
    assert answer.status == 500
    assert answer.text(".//s:Code/s:Value") == "s:Receiver"
    assert answer.subcodes == ["ter:ActionNotSupported"]


async def test_an_operation_is_found_at_whatever_address_and_with_whatever_media_type(client: Client) -> None:
    answer = await client.post(
        envelope("<tds:GetScopes/>"), "/onvif/media_service", Content_Type="application/xml"
    )
    assert answer.status == 200
    assert answer.root.find(f".//{{{TDS}}}GetScopesResponse") is not None


async def test_who_speaks_soap_11_is_answered_so(client: Client) -> None:
    old = "http://schemas.xmlsoap.org/soap/envelope/"
    answer = await client.post(envelope("<tds:GetScopes/>").replace(NSMAP["s"], old), SOAPAction='""')
    assert (answer.status, answer.root.tag) == (200, f"{{{old}}}Envelope")
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    wrong = await client.post(envelope("<tds:FormatDisk/>").replace(NSMAP["s"], old))
    assert (wrong.status, wrong.root.findtext(".//faultcode")) == (500, "e:Server")


async def test_an_answer_says_which_request_it_is_for(client: Client) -> None:
    header = "<wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:Action>urn:get</wsa:Action>"
    answer = await client.call("<tds:GetScopes/>", header=header)
    assert answer.text("s:Header/wsa:RelatesTo") == "urn:uuid:1"
    assert answer.text("s:Header/wsa:Action") == "urn:getResponse"


BEFORE = (
    "GetSystemDateAndTime",
    "GetCapabilities",
    "GetServices",
    "GetServiceCapabilities",
    "GetHostname",
    "GetWsdlUrl",
    "GetEndpointReference",
)


@pytest.mark.parametrize("name", BEFORE)
async def test_some_operations_take_no_user(guarded: Client, name: str) -> None:
    answer = await guarded.call(f"<tds:{name}/>")
    assert answer.status == 200
    assert answer.root.find(f".//{{{TDS}}}{name}Response") is not None


@pytest.mark.parametrize(
    "body",
    [
        "<tds:GetDeviceInformation/>",
        "<tds:GetScopes/>",
        "<tds:GetUsers/>",
        "<tds:SystemReboot/>",
        "<tds:SetScopes><tds:Scopes>onvif://www.onvif.org/name/x</tds:Scopes></tds:SetScopes>",
        "<tds:SetDiscoveryMode><tds:DiscoveryMode>NonDiscoverable</tds:DiscoveryMode></tds:SetDiscoveryMode>",
        "<tds:SetSystemDateAndTime/>",
        "<tds:FormatDisk/>",
    ],
)
async def test_all_others_ask_who_it_is(guarded: Client, body: str) -> None:
    answer = await guarded.call(body)
    assert (answer.status, answer.subcodes) == (401, ["ter:NotAuthorized"])
    assert answer.headers["WWW-Authenticate"].startswith("Digest ")


async def test_every_operation_but_those_takes_a_user() -> None:
    from relaycore.onvif.services import SERVICES

    free = {
        operation.name
        for service in SERVICES
        for operation in service.operations
        if operation.needs == "anyone"
    }
    assert free == set(BEFORE)


async def test_a_user_comes_in_by_digest(guarded: Client) -> None:
    answer = await guarded.call("<tds:GetDeviceInformation/>", middlewares=digest("vera"))
    assert (answer.status, answer.text(".//tds:Manufacturer")) == (200, "relaycore")


async def test_a_wrong_password_is_refused(guarded: Client) -> None:
    answer = await guarded.call("<tds:GetDeviceInformation/>", middlewares=digest("vera", "wrong"))
    assert (answer.status, answer.subcodes) == (401, ["ter:NotAuthorized"])


SCOPES = "<tds:AddScopes><tds:ScopeItem>onvif://www.onvif.org/Country/x</tds:ScopeItem></tds:AddScopes>"


@pytest.mark.parametrize("user", ["vera", "otto"])
async def test_what_only_administrators_may_is_refused_to_others(guarded: Client, user: str) -> None:
    answer = await guarded.call(SCOPES, middlewares=digest(user))
    assert answer.status in (400, 403)
    assert answer.subcodes == ["ter:NotAuthorized"]
    kept = await guarded.call("<tds:GetScopes/>", middlewares=digest("anna"))
    assert "Country" not in "".join(kept.root.itertext())


async def test_a_page_of_another_site_changes_nothing(guarded: Client) -> None:
    answer = await guarded.post(envelope(SCOPES), middlewares=digest("anna"), Origin="https://other.example")
    assert answer.status == 403
