"""The end of a Windows program: in order, with a goodbye to its readers."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.support.rtsp import Client
from tests.windows.wine import running, serve

pytestmark = pytest.mark.timeout(240)

BYE = 203
"""The type of an RTCP packet that says goodbye (RFC 3550 section 6.6)."""

SMALL = ("--size", "320x240")

BREAK = """
import signal, socket, sys, threading
from relaycore.control.cli import main

def press(port):
    with socket.create_connection(("127.0.0.1", port)) as order:
        order.recv(1)
    signal.raise_signal(signal.SIGBREAK)

threading.Thread(target=press, args=(int(sys.argv[1]),), daemon=True).start()
sys.exit(main(sys.argv[2:]))
"""
"""relaycore, which breaks when a connection to the port of the first argument ends.

The C library of Wine 8 passes Ctrl-C on to programs, but not Ctrl-Break.
"""


@pytest.mark.parametrize("udp", [False, True], ids=["tcp", "udp"])
async def test_ctrl_c_says_goodbye_to_readers_and_ends_with_zero(udp: bool) -> None:
    with serve(*SMALL) as (server, url):
        async with await Client.connect(url) as client:
            await client.start(udp=udp)
            await client.packet()
            stopped = asyncio.create_task(asyncio.to_thread(server.stop))
            while BYE not in (await client.rtcp()).types:
                pass
            assert await stopped == 0
    assert server.log[-1]["message"] == "stopped"


def test_ctrl_break_ends_with_zero() -> None:
    with socket.create_server(("127.0.0.1", 0)) as orders:
        port = str(orders.getsockname()[1])
        with running("-c", BREAK, port, "serve", "--log-json", "--port", "0", *SMALL) as server:
            server.wait_for(lambda record: record["message"] == "serving")
            order, _ = orders.accept()
            order.close()
            assert server.wait() == 0
    assert server.log[-1]["message"] == "stopped"
