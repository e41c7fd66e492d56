"""Rules of multicast: what SETUP and the description say of the group, and sessions that share it."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from typing import Final

from relaycore.doctor.client import ANSWER_S
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.rules.asking import need_header, need_status
from relaycore.doctor.visit import Session, Visit, session_id
from relaycore.language import Message

__all__ = ["RULES"]

OFFER: Final = "RTP/AVP;multicast"

LEAVING_S: Final = 0.5
"""Seconds after TEARDOWN in which packets that were on their way may come."""

PACKET_BYTES: Final = 2048


async def transport(visit: Visit) -> None:
    """The answer says where to listen, and how far packets go."""
    session = await _set_up(visit)
    value = need_header(session.answers[0], "Transport")
    found = _parameters(value)
    for name in ("multicast", "destination", "port", "ttl"):
        if name not in found:
            raise Broken(Message("{header} does not name {values}.", header="Transport", values=name))
    _group(value)
    if not found["ttl"].isdigit() or not 1 <= int(found["ttl"]) <= 255:
        raise Broken(Message("{header} cannot be read: {value}", header="Transport", value=repr(value)))


async def group(visit: Visit) -> None:
    """The description names the group that SETUP leads to."""
    _, description = await visit.describe()
    media = (await visit.sent_media())[0]
    lines = [line for line in (*media.lines, *description.lines) if line.startswith("c=")]
    address, *rest = (lines[0].split(" ")[-1] if lines else "").split("/")
    try:
        named = ipaddress.ip_address(address)
    except ValueError:
        named = None
    if named is None or not named.is_multicast:
        raise Untried(Message("The description names no group."))
    if named.version == 4 and not (rest and rest[0].isdigit()):
        raise Broken(Message("The description has no {values}.", values="/ttl"))
    session = await _set_up(visit)
    told, port = _group(need_header(session.answers[0], "Transport"))
    described = f"{named} {media.line.split(' ')[1].partition('/')[0]}"
    if f"{told} {port}" != described:
        raise Broken(
            Message(
                "{header} is {value} and not {wanted}.",
                header="Transport",
                value=f"{told} {port}",
                wanted=described,
            )
        )


async def shared(visit: Visit) -> None:
    """Two sessions have the group; when one ends, the other still gets its packets."""
    first, second = await _set_up(visit), await _set_up(visit)
    places = [_group(need_header(one.answers[0], "Transport")) for one in (first, second)]
    url = await visit.aggregate()
    try:
        ear = _listen(*places[1], second.client.host)
    except OSError:
        raise Untried(Message("The group cannot be joined here.")) from None
    try:
        for session in (first, second):
            need_status(await session.request("PLAY", url), 200)
        if not await _hears(ear):
            raise Untried(Message("No packet came."))
        need_status(await first.request("TEARDOWN", url), 200)
        await asyncio.sleep(LEAVING_S)
        _empty(ear)
        if not await _hears(ear):
            raise Broken(Message("No packet came after another session had ended."))
        await second.request("TEARDOWN", url)
    finally:
        ear.close()


async def _set_up(visit: Visit) -> Session:
    """A session by multicast. Untried where the server has none."""
    media = (await visit.sent_media())[0]
    client = await visit.connect()
    answer = await client.request("SETUP", media.control, {"Transport": OFFER})
    if answer.status != 200:
        raise Untried(Message("The server does not have this."))
    return Session(client, session_id(answer), (answer,))


def _parameters(value: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in value.split(";"))
    return {name.lower(): text for name, _, text in pairs}


def _group(value: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    """The address and port of RTP that a Transport names. Broken when they are none."""
    found = _parameters(value)
    port = re.match(r"\d{1,5}", found.get("port", ""))
    try:
        address = ipaddress.ip_address(found.get("destination", ""))
    except ValueError:
        address = None
    if address is None or not address.is_multicast or port is None or not 1 <= int(port[0]) <= 65535:
        raise Broken(Message("{header} cannot be read: {value}", header="Transport", value=repr(value)))
    return address, int(port[0])


def _listen(group: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, host: str) -> socket.socket:
    """A socket that hears a group on the interface of an address of ours. OSError when it cannot."""
    family = socket.AF_INET if group.version == 4 else socket.AF_INET6
    ear = socket.socket(family, socket.SOCK_DGRAM)
    try:
        ear.setblocking(False)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ear.bind(("", port))
        if group.version == 4:
            own = socket.inet_aton(host)
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group.packed + own)
        else:
            ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group.packed + bytes(4))
    except OSError:
        ear.close()
        raise
    return ear


async def _hears(ear: socket.socket) -> bool:
    """Whether a packet comes in time."""
    try:
        async with asyncio.timeout(ANSWER_S):
            await asyncio.get_running_loop().sock_recv(ear, PACKET_BYTES)
    except (OSError, TimeoutError):
        return False
    return True


def _empty(ear: socket.socket) -> None:
    """Takes what has come already."""
    try:
        while True:
            ear.recv(PACKET_BYTES)
    except OSError:
        return


RULES: Final = (
    Rule(
        "multicast-transport",
        Message("SETUP of multicast is answered with destination, port and ttl."),
        "RFC 2326 §12.39",
        transport,
    ),
    Rule(
        "multicast-group",
        Message("The group of the description is that of SETUP, and has a ttl."),
        "RFC 4566 §5.7, ONVIF Streaming §5.2.2.5",
        group,
    ),
    Rule(
        "multicast-shared",
        Message("The end of a session does not stop the group for another."),
        "ONVIF Streaming §5.2.2.5",
        shared,
    ),
)
