"""WS-Discovery without sockets: what is answered to which datagram."""

from __future__ import annotations

import uuid
from ipaddress import ip_address
from pathlib import Path
from random import Random

import pytest
from lxml import etree

from relaycore.onvif.discovery.identity import device_mac, device_urn, load_seed
from relaycore.onvif.discovery.limits import SOURCES, Allowance, Allowances
from relaycore.onvif.discovery.messages import DATAGRAM_BYTES, BadMessage, read
from relaycore.onvif.discovery.names import ADDRESSING, DISCOVERY, MAX_DELAY_S
from relaycore.onvif.discovery.networks import Interface, find_interfaces, interface_of
from relaycore.onvif.discovery.responder import DATAGRAMS_BURST, HEARD, MANY, QUESTIONS_BURST, Responder
from relaycore.onvif.discovery.targets import Target, device_scopes, scope_matches

URN = "urn:uuid:11111111-2222-3333-4444-555555555555"
SCOPES = device_scopes("Front Door", "relaycore", location="Hall", mac="02:00:00:00:00:01")
NEAR = ip_address("192.0.2.7")
NETWORK = Interface(
    "eth0",
    2,
    (
        (ip_address("192.0.2.1"), 24),
        (ip_address("198.51.100.1"), 24),
        (ip_address("2001:db8::1"), 64),
        (ip_address("fe80::1"), 64),
    ),
    (ip_address("192.0.2.1"), ip_address("198.51.100.1")),
)


def question(body: str, message_id: str | None = None) -> bytes:
    message_id = message_id or f"urn:uuid:{uuid.uuid4()}"
    return f"""<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{ADDRESSING}" xmlns:d="{DISCOVERY}"
 xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">
<s:Header><a:MessageID>{message_id}</a:MessageID>
<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>
<a:Action>{DISCOVERY}/Probe</a:Action></s:Header><s:Body>{body}</s:Body></s:Envelope>""".encode()


def probe(types: str = "", scopes: str = "", rule: str = "") -> bytes:
    body = f"<d:Types>{types}</d:Types>" if types else ""
    match_by = f' MatchBy="{rule}"' if rule else ""
    body += f"<d:Scopes{match_by}>{scopes}</d:Scopes>" if scopes else ""
    return question(f"<d:Probe>{body}</d:Probe>")


def responder(count: int = 1) -> Responder:
    made = Responder(8554, 1000, random=Random(1))
    made.set_targets([Target(URN[:-2] + f"{number:02}", SCOPES) for number in range(count)])
    return made


def asked(datagram: bytes, *, to: Responder | None = None, now: float = 0.0) -> list[tuple[float, bytes]]:
    return (to or responder()).receive(datagram, NEAR, NETWORK, now)


def value(message: bytes, name: str) -> str | None:
    return etree.fromstring(message).findtext(f".//{name}")


@pytest.mark.parametrize(
    "datagram",
    [
        question("<d:Probe/>"),
        probe("dn:NetworkVideoTransmitter"),
        probe("tds:Device"),
        probe("dn:NetworkVideoTransmitter tds:Device"),
        probe("unbound:NetworkVideoTransmitter"),
        probe(scopes="onvif://www.onvif.org/Profile/Streaming"),
        probe(scopes="onvif://www.onvif.org/type onvif://www.onvif.org"),
        probe(scopes="ONVIF://WWW.onvif.org/name/Front%20Door/"),
        probe("tds:Device", "onvif://www.onvif.org/Profile", f"{DISCOVERY}/rfc3986"),
        probe(scopes="onvif://www.onvif.org/MAC/02:00:00:00:00:01", rule=f"{DISCOVERY}/strcmp0"),
    ],
)
def test_a_probe_that_means_the_device_is_answered(datagram: bytes) -> None:
    ((delay, answer),) = asked(datagram)
    assert 0 <= delay <= MAX_DELAY_S
    assert etree.fromstring(answer).findtext(f".//{{{ADDRESSING}}}RelatesTo") == value(
        datagram, f"{{{ADDRESSING}}}MessageID"
    )
    assert value(answer, f"{{{DISCOVERY}}}XAddrs") == "http://192.0.2.1:8554/onvif/device_service"
    assert (value(answer, f"{{{DISCOVERY}}}Scopes") or "").split() == list(SCOPES)


@pytest.mark.parametrize(
    "datagram",
    [
        probe("dn:Printer"),
        probe("tds:NetworkVideoTransmitter"),
        probe("dn:NetworkVideoTransmitter dn:NetworkVideoStorage"),
        probe(scopes="onvif://www.onvif.org/Profile/Stream"),
        probe(scopes="onvif://www.onvif.org/Profile/Streaming/more"),
        probe(scopes="onvif://example.org/Profile"),
        probe(scopes="onvif://www.onvif.org/name/../Profile"),
        probe(scopes="onvif://www.onvif.org/Profile onvif://www.onvif.org/name/Other"),
        probe(scopes="onvif://www.onvif.org/Profile", rule=f"{DISCOVERY}/strcmp0"),
        probe(scopes="onvif://www.onvif.org/Profile", rule=f"{DISCOVERY}/ldap"),
        question(
            f"<d:Hello><a:EndpointReference><a:Address>{URN}</a:Address></a:EndpointReference></d:Hello>"
        ),
    ],
)
def test_what_means_another_is_not_answered(datagram: bytes) -> None:
    answering = responder()
    assert asked(datagram, to=answering) == []
    assert answering.ignored == 0


def test_resolve_finds_one_of_many() -> None:
    wanted = f"{URN[:-2]}17"
    body = (
        f"<d:Resolve><a:EndpointReference><a:Address>{wanted}</a:Address></a:EndpointReference></d:Resolve>"
    )
    ((delay, answer),) = asked(question(body), to=responder(200))
    assert delay == 0
    assert value(answer, f"{{{ADDRESSING}}}Address") == wanted
    assert value(answer, f"{{{ADDRESSING}}}Action") == f"{DISCOVERY}/ResolveMatches"
    assert asked(question(body), to=responder(3)) == []


def urns(messages: list[tuple[float, bytes]]) -> list[str]:
    path = f".//{{{DISCOVERY}}}ProbeMatch/{{{ADDRESSING}}}EndpointReference/{{{ADDRESSING}}}Address"
    return [found.text or "" for _, message in messages for found in etree.fromstring(message).iterfind(path)]


def test_some_devices_answer_each_at_its_own_time() -> None:
    answers = asked(question("<d:Probe/>"), to=responder(MANY))
    assert len(set(urns(answers))) == len(answers) == MANY == len({delay for delay, _ in answers})
    numbers = [
        int(found.get("MessageNumber", ""))
        for _, answer in answers
        for found in etree.fromstring(answer).iter(f"{{{DISCOVERY}}}AppSequence")
    ]
    assert numbers == sorted(set(numbers))


def test_a_fleet_answers_in_few_messages_and_in_another_order_each_time() -> None:
    fleet = responder(200)
    answers, others = asked(question("<d:Probe/>"), to=fleet), asked(question("<d:Probe/>"), to=fleet)
    assert len(set(urns(answers))) == 200
    assert len(answers) == 25
    assert max(len(answer) for _, answer in answers) < 9000
    assert sorted(urns(answers)) == sorted(urns(others))
    assert urns(answers) != urns(others)


def test_what_is_said_again_is_answered_once() -> None:
    answering, datagram = responder(), question("<d:Probe/>", "urn:uuid:1")
    assert len(asked(datagram, to=answering)) == 1
    assert asked(datagram, to=answering) == []
    for number in range(HEARD):
        answering.receive(
            question("<d:Probe/>", f"urn:uuid:o{number}"),
            ip_address(f"192.0.2.{10 + number % 9}"),
            NETWORK,
            number,
        )
    assert len(asked(datagram, to=answering, now=1000.0)) == 1


def test_a_changed_device_says_hello_with_a_larger_version() -> None:
    answering = responder()
    first = answering.hello(answering.targets[0], NETWORK)
    other = Target(answering.targets[0].urn, (*SCOPES, "onvif://www.onvif.org/name/Other"))
    assert answering.set_targets([other]) == ([other], [])
    second = answering.hello(other, NETWORK)
    version = f"{{{DISCOVERY}}}MetadataVersion"
    assert int(value(second, version) or 0) > int(value(first, version) or 0)
    assert answering.set_targets([]) == ([], [other])
    assert value(answering.bye(other), f"{{{DISCOVERY}}}XAddrs") is None


def test_a_sender_is_not_answered_without_end() -> None:
    answering = responder(200)
    rounds = [asked(question("<d:Probe/>"), to=answering) for _ in range(3 * QUESTIONS_BURST)]
    assert [len(urns(one)) for one in rounds] == [200] * QUESTIONS_BURST + [0] * (2 * QUESTIONS_BURST)
    assert answering.ignored == 2 * QUESTIONS_BURST
    assert asked(question("<d:Probe/>"), to=answering, now=10.0)


def test_many_senders_are_not_answered_without_end() -> None:
    answering = responder(200)
    sent = 0
    for number in range(250):
        source = ip_address(f"192.0.2.{number}")
        sent += len(urns(answering.receive(question("<d:Probe/>"), source, NETWORK, 0.0)))
    assert sent == 8 * 200


def test_a_flood_is_not_even_read() -> None:
    answering = responder()
    for _ in range(DATAGRAMS_BURST):
        asked(probe("dn:Printer"), to=answering)
    assert answering.ignored == 0
    assert asked(question("<d:Probe/>"), to=answering) == []
    assert answering.ignored == 1


def test_senders_that_are_remembered_are_bounded() -> None:
    known = Allowances(1, 0.0)
    assert known.take("first", 0.0)
    assert not known.take("first", 0.0)
    for number in range(SOURCES):
        known.take(str(number), 0.0)
    assert known.take("first", 0.0), "it was forgotten"


def test_an_allowance_fills_no_further_than_its_burst() -> None:
    allowance = Allowance(2, 1.0)
    assert [allowance.take(100.0) for _ in range(3)] == [True, True, False]
    assert not allowance.take(100.5)
    assert allowance.take(101.0)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>&b;</s:Body></s:Envelope>"""


@pytest.mark.parametrize(
    "datagram",
    [
        b"\xef\xbb\xbf" + question("<d:Probe/>"),
        question("<d:Probe/>").decode().replace("utf-8", "utf-16").encode("utf-16"),
        # As those of .NET say it who have written it into a string first.
        question("<d:Probe/>").replace(b"utf-8", b"utf-16"),
        question("<d:Probe/>").replace(b"utf-8", b"iso-8859-1"),
        question("<!-- here --><d:Probe/><?and here?>"),
    ],
    ids=["mark", "utf-16", "says utf-16", "says iso-8859-1", "comment"],
)
def test_a_probe_in_another_form_is_answered(datagram: bytes) -> None:
    assert len(asked(datagram)) == 1


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\0" * 40,
        b"GET / HTTP/1.1\r\n\r\n",
        BOMB,
        b"\xff\xfe" + BOMB.decode().encode("utf-16-le"),
        b"\xff\xfe\x00",
        b"\xff\xfe\x00\xdc",
        b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE a+AD4-<a/>",
        question("<d:Probe/>").replace(b"2003/05/soap-envelope", b"2003/05/other"),
        question("<d:Probe/>", "x" * 300),
        question("<d:Probe/>", " "),
        probe(" ".join(["dn:A"] * 40)),
        question("<d:Probe/>") + b" " * DATAGRAM_BYTES,
        question("<a>" * 300 + "</a>" * 300),
    ],
)
def test_garbage_is_ignored_and_counted(datagram: bytes) -> None:
    answering = responder()
    assert asked(datagram, to=answering) == []
    assert answering.ignored == 1


def test_damaged_datagrams_do_no_harm() -> None:
    random = Random(3702)
    good = [
        question("<d:Probe/>"),
        probe("tds:Device", "onvif://www.onvif.org", f"{DISCOVERY}/rfc3986"),
        BOMB,
    ]
    outcomes = set()
    for _ in range(5000):
        damaged = bytearray(random.choice(good))
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(damaged))
            match random.randrange(3):
                case 0:
                    damaged[at] = random.randrange(256)
                case 1:
                    del damaged[at : at + random.randint(1, 20)]
                case _:
                    damaged[at:at] = damaged[at : at + random.randint(1, 20)]
        try:
            outcomes.add(type(read(bytes(damaged))).__name__)
        except BadMessage:
            outcomes.add("bad")
    assert outcomes >= {"bad", "Probe", "NoneType"}


def test_scopes_are_compared_by_whole_segments() -> None:
    scope = "onvif://www.onvif.org/location/country/germany"
    assert scope_matches("onvif://www.onvif.org/location/country", scope)
    assert scope_matches("onvif://www.onvif.org/location/country/germany/?x#y", scope)
    assert not scope_matches("onvif://www.onvif.org/location/countr", scope)
    assert not scope_matches("onvif://www.onvif.org/Location", scope)
    assert not scope_matches("http://[broken", scope)


def test_whoever_is_behind_a_router_is_of_no_interface() -> None:
    assert interface_of([NETWORK], NEAR, 0) is NETWORK
    assert interface_of([NETWORK], ip_address("203.0.113.5"), 0) is None
    assert interface_of([NETWORK], ip_address("fe80::7"), 2) is NETWORK
    assert interface_of([NETWORK], ip_address("fe80::7"), 3) is None


def test_the_address_is_that_of_the_network_that_asks() -> None:
    assert NETWORK.own_for(ip_address("198.51.100.9")) == (ip_address("198.51.100.1"),)
    # By IPv6, where only IPv4 is listened on.
    assert NETWORK.own_for(ip_address("fe80::7")) == NETWORK.reached_at


def test_nothing_is_found_by_loopback() -> None:
    assert find_interfaces("127.0.0.1") == []
    assert all(not one.is_loopback for found in find_interfaces("0.0.0.0") for one in found.reached_at)


def test_names_stay_with_the_state_folder(tmp_path: Path) -> None:
    seed = load_seed(tmp_path / "state")
    assert load_seed(tmp_path / "state") == seed
    assert load_seed(None) != seed
    urns = {device_urn(seed, name) for name in ("", "cam", "door")}
    assert len(urns) == 3
    assert all(uuid.UUID(urn.removeprefix("urn:uuid:")).version == 5 for urn in urns)
    mac = device_mac(seed, "cam")
    assert int(mac[:2], 16) & 3 == 2
