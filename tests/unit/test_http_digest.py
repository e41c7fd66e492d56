"""Logging in at somebody else's server by HTTP Digest leaves nothing behind."""

from __future__ import annotations

import asyncio

import aiohttp

from relaycore.http_digest import HttpDigest
from tests.support.http import TIMEOUT
from tests.support.listening import listening

CHALLENGE = (
    b"HTTP/1.1 401 Unauthorized\r\n"
    b'WWW-Authenticate: Digest realm="camera", nonce="c0ffee", qop="auth", algorithm=MD5\r\n'
    b"Content-Length: 1000000\r\n\r\n"
    b"the rest of this never comes"
)
WELCOME = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwelcome"


async def test_the_connection_of_a_challenge_that_never_ends_is_given_back() -> None:
    given_back = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if b"authorization: digest" in request.lower():
            writer.write(WELCOME)
        else:
            writer.write(CHALLENGE)
            assert await reader.read() == b""
            given_back.set()

    async with (
        asyncio.timeout(TIMEOUT),
        listening(serve) as port,
        aiohttp.ClientSession(middlewares=(HttpDigest("anna", "secret"),)) as http,
        http.get(f"http://127.0.0.1:{port}/") as answer,
    ):
        assert await answer.text() == "welcome"
        await given_back.wait()


async def test_a_second_challenge_is_what_is_answered() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(CHALLENGE[: CHALLENGE.index(b"Content-Length")] + b"Content-Length: 2\r\n\r\nno")

    async with (
        asyncio.timeout(TIMEOUT),
        listening(serve) as port,
        aiohttp.ClientSession(middlewares=(HttpDigest("anna", "wrong"),)) as http,
        http.get(f"http://127.0.0.1:{port}/") as answer,
    ):
        assert (answer.status, await answer.text()) == (401, "no")
