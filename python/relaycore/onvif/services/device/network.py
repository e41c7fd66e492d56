"""The network of the machine, as far as clients ask. Nothing of it can be changed from here."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from pathlib import Path
from typing import Final

from lxml import etree

from relaycore._relaycore import interface_addresses
from relaycore.addresses import reachable_addresses
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.names import TDS
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]

MOST_SERVERS: Final = 4
"""Name servers that are told of."""


async def get_hostname(call: Call) -> etree._Element:  # noqa: ARG001
    """The name of the machine."""
    return node(
        "tds:GetHostnameResponse",
        node("tds:HostnameInformation", node("tt:FromDHCP", False), node("tt:Name", socket.gethostname())),
    )


async def get_network_interfaces(call: Call) -> etree._Element:
    """One interface, with the address that the client has used and the device's own hardware address.

    That of the machine is none of the client's business, and many devices share it.
    """
    found = await asyncio.to_thread(_reached_at, call.host, call.listens_on)
    return node(
        "tds:GetNetworkInterfacesResponse",
        node(
            "tds:NetworkInterfaces",
            node("tt:Enabled", True),
            node("tt:Info", node("tt:Name", "eth0"), node("tt:HwAddress", call.device.mac)),
            node(
                "tt:IPv4",
                node("tt:Enabled", True),
                node(
                    "tt:Config",
                    node("tt:Manual", node("tt:Address", found[0]), node("tt:PrefixLength", found[1])),
                    node("tt:DHCP", False),
                ),
            )
            if found is not None
            else None,
            token="eth0",  # noqa: S106 (the name of an interface)
        ),
    )


async def get_network_protocols(call: Call) -> etree._Element:
    """What is spoken at which port: all at the one."""
    port = call.relay.address[1]
    plain, tls = not call.relay.config.tls.required, call.relay.certificate is not None
    spoken = (("HTTP", plain), ("HTTPS", tls), ("RTSP", plain))
    return node(
        "tds:GetNetworkProtocolsResponse",
        *(
            node(
                "tds:NetworkProtocols",
                node("tt:Name", name),
                node("tt:Enabled", enabled),
                node("tt:Port", port),
            )
            for name, enabled in spoken
        ),
    )


async def get_dns(call: Call) -> etree._Element:  # noqa: ARG001
    """The name servers, where the system tells them."""
    servers = await asyncio.to_thread(_name_servers)
    return node(
        "tds:GetDNSResponse",
        node(
            "tds:DNSInformation",
            node("tt:FromDHCP", False),
            *(_address("tt:DNSManual", server) for server in servers),
        ),
    )


async def get_ntp(call: Call) -> etree._Element:  # noqa: ARG001
    """The machine has its time by itself; which server it asks is not known here."""
    return node("tds:GetNTPResponse", node("tds:NTPInformation", node("tt:FromDHCP", False)))


async def get_network_default_gateway(call: Call) -> etree._Element:  # noqa: ARG001
    """The gateway, where the system tells it."""
    gateway = await asyncio.to_thread(_gateway)
    known = None if gateway is None else node("tt:IPv4Address", gateway)
    return node("tds:GetNetworkDefaultGatewayResponse", node("tds:NetworkGateway", known))


OPERATIONS: Final = (
    Operation(TDS, "GetHostname", "anyone", get_hostname),
    Operation(TDS, "GetNetworkInterfaces", "view", get_network_interfaces),
    Operation(TDS, "GetNetworkProtocols", "view", get_network_protocols),
    Operation(TDS, "GetDNS", "view", get_dns),
    Operation(TDS, "GetNTP", "view", get_ntp),
    Operation(TDS, "GetNetworkDefaultGateway", "view", get_network_default_gateway),
)


def _reached_at(host: str, listens_on: str) -> tuple[str, int] | None:
    """The IPv4 address that a client has used, and the bits that its network shares.

    Where it has used a name, or an address that this machine does not have (that of a router before it), it
    is the best for other machines.
    """
    try:
        prefixes = {str(own): prefix for _, _, own, prefix in interface_addresses() if own.version == 4}
    except OSError:
        prefixes = {}
    used = host.rpartition(":")[0] or host
    if used in prefixes:
        return used, prefixes[used]
    for address in reachable_addresses(listens_on):
        if _version(address) == 4:
            # Nothing but the address itself is known of a network that the system does not tell.
            return address, prefixes.get(address, 32)
    return None


def _version(address: str) -> int:
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return 0


def _address(name: str, address: str) -> etree._Element:
    is_six = _version(address) == 6
    return node(
        name,
        node("tt:Type", "IPv6" if is_six else "IPv4"),
        node("tt:IPv6Address" if is_six else "tt:IPv4Address", address),
    )


def _name_servers() -> list[str]:
    """What resolv.conf(5) says; nothing elsewhere."""
    try:
        lines = Path("/etc/resolv.conf").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    named = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
    return [server for server in named if _version(server)][:MOST_SERVERS]


def _gateway() -> str | None:
    """The gateway of the route to everywhere on Linux (proc_pid_net(5)); ``None`` elsewhere."""
    try:
        lines = Path("/proc/net/route").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines[1:]:
        words = line.split()
        if len(words) > 2 and words[1] == "00000000":
            return str(ipaddress.IPv4Address(int(words[2], 16).to_bytes(4, "little")))
    return None
