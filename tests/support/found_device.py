"""Devices on loopback that are found by WS-Discovery, with answers that are changed on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import cast

from relaycore.onvif.discovery.networks import Interface
from relaycore.onvif.discovery.responder import Responder
from relaycore.onvif.discovery.targets import Target

__all__ = ["Change", "found_devices"]

Change = Callable[[bytes], bytes]

HERE = ip_address("127.0.0.1")
LOOPBACK = Interface("lo", 1, ((HERE, 8),), (HERE,))


class _Answering(asyncio.DatagramProtocol):
    """What the responder of the relay says, but for the changes, and at once."""

    def __init__(self, responder: Responder, question: Change, answer: Change) -> None:
        self._responder, self._question, self._answer = responder, question, answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is no asyncio.DatagramTransport, but does what one does.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        now = asyncio.get_running_loop().time()
        for _, answer in self._responder.receive(self._question(data), HERE, LOOPBACK, now):
            self._transport.sendto(self._answer(answer), addr)


@asynccontextmanager
async def found_devices(
    targets: Sequence[Target],
    port: int,
    *,
    question: Change = lambda data: data,
    answer: Change = lambda data: data,
) -> AsyncIterator[int]:
    """The port of UDP where devices are asked for whose services are at ``port``."""
    responder = Responder(port, 1)
    responder.set_targets(targets)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Answering(responder, question, answer), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
