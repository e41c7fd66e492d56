"""The sockets of WS-Discovery: one for each family on port 3702, and one to speak on each network."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import struct
import time
from collections.abc import Iterable
from random import Random
from typing import Any, Final

from relaycore.onvif.discovery.names import GROUP_V4, GROUP_V6, MAX_DELAY_S, PORT
from relaycore.onvif.discovery.networks import Address, Interface, find_interfaces, interface_of
from relaycore.onvif.discovery.responder import Responder
from relaycore.onvif.discovery.targets import Target
from relaycore.system.sockets import share_port

__all__ = ["Discovery"]

SPREAD_S: Final = 0.01
"""Seconds a device in which many devices greet, where MAX_DELAY_S is too short for them."""

LOOK_S: Final = 5.0
"""Seconds between two looks at the networks of this machine."""

WAITING: Final = 4096
"""Most answers and greetings that wait for their time; more are not sent."""

REPEAT_S: Final = 0.1
"""Seconds until a Hello is said again, as a datagram may be lost (SOAP-over-UDP section 3.2)."""

RECEIVE_BYTES: Final = 1 << 20
"""Wish for what the system keeps of datagrams that wait to be read."""

_log = logging.getLogger(__name__)


class Discovery:
    """Makes devices known on all networks by which a listener on ``host`` and ``port`` is reached.

    Only whoever is in one of these networks is answered, nobody behind a router. All methods are called from
    the event loop of :meth:`open`; must be closed.
    """

    def __init__(self, host: str, port: int, *, scheme: str = "http", random: Random | None = None) -> None:
        self._host = host
        self._random = random or Random()  # noqa: S311 (keeps devices from speaking at once)
        self._responder = Responder(port, int(time.time()), scheme=scheme, random=self._random)
        self._interfaces: list[Interface] = []
        self._ears: list[tuple[socket.AddressFamily, socket.socket, asyncio.DatagramTransport]] = []
        self._mouths: dict[tuple[str, int], list[socket.socket]] = {}
        self._own_ports: set[int] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._looking: asyncio.Task[None] | None = None

    @property
    def networks(self) -> list[str]:
        """Names of the interfaces on which devices are found."""
        return [interface.name for interface in self._interfaces]

    @property
    def ignored(self) -> int:
        """Datagrams that were none of WS-Discovery, or too many."""
        return self._responder.ignored

    async def open(self) -> None:
        """Begins to listen. OSError when that cannot be done in any family."""
        failures = []
        for family, host in ((socket.AF_INET, ""), (socket.AF_INET6, "::")):
            try:
                await self._listen(family, host)
            except OSError as error:
                failures.append(error)
        if not self._ears:
            raise failures[0]
        await self.look()
        self._looking = asyncio.create_task(self._keep_looking())

    async def close(self) -> None:
        """Says Bye for every device, and closes the sockets."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
            self._looking = None
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._ears:
            for target in self._responder.targets:
                self._say_bye(target)
        for mouths in self._mouths.values():
            for mouth in mouths:
                mouth.close()
        self._mouths.clear()
        for _, _, transport in self._ears:
            transport.close()
        self._ears.clear()
        # Transports close their sockets with the next round of the loop.
        await asyncio.sleep(0)

    def set_targets(self, targets: Iterable[Target]) -> None:
        """Makes these devices known and no others: Hello for those that came or changed, Bye for who left."""
        changed, gone = self._responder.set_targets(targets)
        for target in gone:
            self._say_bye(target)
        for target in changed:
            for interface in self._interfaces:
                self._greet(target, interface)

    async def look(self) -> None:
        """Looks which networks there are: joins the new ones, and greets there."""
        found = await asyncio.to_thread(find_interfaces, self._host)
        if not self._ears or found == self._interfaces:
            return
        before, self._interfaces = self._interfaces, found
        for interface in before:
            if interface not in found:
                for mouth in self._mouths.pop((interface.name, interface.index), []):
                    mouth.close()
        for interface in found:
            if interface not in before:
                self._join(interface)
                for target in self._responder.targets:
                    self._greet(target, interface)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except OSError as error:
                _log.warning("the networks of this machine are not known: %s", error)

    async def _listen(self, family: socket.AddressFamily, host: str) -> None:
        ear = socket.socket(family, socket.SOCK_DGRAM)
        try:
            # Other programs of this machine may be found or may look for devices, too.
            share_port(ear)
            if family == socket.AF_INET6:
                ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            with contextlib.suppress(OSError):
                ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            ear.setblocking(False)
            ear.bind((host, PORT))
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(lambda: _Ear(self), sock=ear)
        except BaseException:
            ear.close()
            raise
        self._ears.append((family, ear, transport))

    def heard(self, data: bytes, address: tuple[Any, ...], transport: asyncio.DatagramTransport) -> None:
        """A datagram has come."""
        host, _, _ = str(address[0]).partition("%")
        try:
            source = ipaddress.ip_address(host)
        except ValueError:
            return
        if address[1] in self._own_ports and self._is_own(source):
            return  # what is said to everybody comes back
        interface = interface_of(self._interfaces, source, int(address[3]) if len(address) > 3 else 0)
        if interface is None:
            return
        now = asyncio.get_running_loop().time()
        for delay, answer in self._responder.receive(data, source, interface, now):
            self._later(delay, lambda answer=answer: transport.sendto(answer, address))

    def _is_own(self, source: Address) -> bool:
        return any(source == own for interface in self._interfaces for own, _ in interface.addresses)

    def _join(self, interface: Interface) -> None:
        """Hears the groups on an interface, and opens what speaks there, for the families that it has."""
        v4 = next((address for address, _ in interface.addresses if address.version == 4), None)
        v6 = any(address.version == 6 for address, _ in interface.addresses)
        mouths = self._mouths.setdefault((interface.name, interface.index), [])
        for family, ear, _ in self._ears:
            try:
                if family == socket.AF_INET and v4 is not None:
                    group = socket.inet_aton(GROUP_V4) + v4.packed
                    # Who is in it already hears so, and goes on.
                    with contextlib.suppress(OSError):
                        ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
                    mouth = socket.socket(family, socket.SOCK_DGRAM)
                    mouths.append(mouth)
                    mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, v4.packed)
                    mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
                    mouth.bind((str(v4), 0))
                    mouth.setblocking(False)
                    mouth.connect((GROUP_V4, PORT))
                    self._own_ports.add(mouth.getsockname()[1])
                elif family == socket.AF_INET6 and v6 and interface.index:
                    member = socket.inet_pton(family, GROUP_V6) + struct.pack("@I", interface.index)
                    with contextlib.suppress(OSError):
                        ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
                    mouth = socket.socket(family, socket.SOCK_DGRAM)
                    mouths.append(mouth)
                    mouth.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface.index)
                    mouth.setblocking(False)
                    mouth.connect((GROUP_V6, PORT, 0, interface.index))
                    self._own_ports.add(mouth.getsockname()[1])
            except OSError as error:
                _log.info("no discovery by %s on %s: %s", family.name, interface.name, error)

    def _greet(self, target: Target, interface: Interface) -> None:
        delay = self._random.uniform(0.0, max(MAX_DELAY_S, SPREAD_S * len(self._responder.targets)))
        for again in (0.0, REPEAT_S):
            self._later(
                delay + again, lambda: self._speak(interface, self._responder.hello(target, interface))
            )

    def _say_bye(self, target: Target) -> None:
        for interface in self._interfaces:
            self._speak(interface, self._responder.bye(target))

    def _speak(self, interface: Interface, message: bytes) -> None:
        for mouth in self._mouths.get((interface.name, interface.index), ()):
            # A network that is down now is looked at again.
            with contextlib.suppress(OSError):
                mouth.send(message)

    def _later(self, delay: float, act: Any) -> None:
        if len(self._timers) >= WAITING:
            return
        timer: asyncio.TimerHandle

        def done() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(delay, done)
        self._timers.add(timer)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] # what asyncio says of datagram endpoints

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._discovery.heard(data, addr, self._transport)
