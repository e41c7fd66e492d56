"""Clients that take their time are given a bounded one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from relaycore import Relay, User
from tests.support.http import Raw

ANNA = User(name="anna", password="open sesame")
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """A relay without any patience."""
    limits = {"http_timeout_s": 1, "idle_connection_s": 1, "http_connections": 3}
    async with Relay(port=0, limits=limits) as relay:
        yield relay


@pytest.mark.parametrize(
    "start",
    [b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n", HEALTH[:-1]],
)
async def test_a_head_that_does_not_end(relay: Relay, start: bytes) -> None:
    client = await Raw.connect(relay.address)
    client.send(start)
    await client.closed()
    await client.close()


@pytest.mark.parametrize("start", [b"", b"G", HEALTH[:-1]])
async def test_a_second_head_that_does_not_end(relay: Relay, start: bytes) -> None:
    client = await Raw.connect(relay.address)
    client.send(HEALTH + start)
    assert (await client.answer()).status == 200
    assert await client.closed() == b""
    await client.close()


async def test_a_body_that_does_not_come() -> None:
    async with Relay(port=0, users=[ANNA], basic=True, limits={"http_timeout_s": 1}) as relay:
        client = await Raw.connect(relay.address)
        client.send(
            b"PUT /api/v1/paths/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Basic YW5uYTpvcGVuIHNlc2FtZQ==\r\nContent-Length: 10\r\n\r\n{"
        )
        answer = await client.answer()
        assert answer.status == 408
        assert await client.closed() == b""
        await client.close()


async def test_answers_that_are_not_taken(relay: Relay) -> None:
    """More than the buffers of both sockets and of the reader here hold."""
    wanted = 4000
    client = await Raw.connect(relay.address)
    client.send(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * wanted)
    one = await client.answer()
    assert len(one.body) * wanted > 40_000_000
    await connections_of(relay, 0)
    await client.close()


async def connections_of(relay: Relay, count: int) -> None:
    """Asks until the relay has so many HTTP connections beside the one that asks."""
    client = await Raw.connect(relay.address)
    wanted = f'relaycore_connections{{protocol="http"}} {count + 1}\n'.encode()
    while True:
        client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if wanted in (await client.answer()).body:
            await client.close()
            return


async def test_connections_that_ended_are_not_counted(relay: Relay) -> None:
    for _ in range(5):
        client = await Raw.connect(relay.address)
        client.send(HEALTH)
        assert (await client.answer()).status == 200
        await client.close()
        await connections_of(relay, 0)
