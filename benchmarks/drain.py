"""Readers that cost little: ``python -m benchmarks.drain URL COUNT``, in a process of its own.

Opens so many readers over TCP, or viewers where the URL is one of a WebSocket, prints ``ready``, and throws
away what comes until its standard input ends; then it prints how many bytes that were, and its processor time
in seconds.
"""

from __future__ import annotations

import base64
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.rtsp import Playing

__all__ = ["Drain", "readers"]


@dataclass
class Drain:
    """What the readers got, known after they have ended."""

    received: int = 0
    cpu_seconds: float = 0.0


@contextmanager
def readers(url: str, count: int) -> Iterator[Drain]:
    """So many readers that run until the end of the block. RuntimeError when they cannot be opened."""
    drain = Drain()
    if count == 0:
        yield drain
        return
    command = [sys.executable, "-m", "benchmarks.drain", url, str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{count} readers could not be opened")
        yield drain
        received, cpu = process.communicate()[0].split()
        drain.received, drain.cpu_seconds = int(received), float(cpu)


def _open(url: str) -> socket.socket:
    """A connection that media comes over. ConnectionError when the server refuses."""
    if not url.startswith("ws://"):
        return Playing(url).socket
    host, _, rest = url.removeprefix("ws://").partition("/")
    name, _, port = host.rpartition(":")
    connection = socket.create_connection((name, int(port)))
    lines = [
        f"GET /{rest} HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        # No more than the head: what follows is counted.
        byte = connection.recv(1)
        head += byte
        if not byte or len(head) > 4096:
            raise ConnectionError("the server ended a handshake")
    if b" 101 " not in head:
        raise ConnectionError(f"the server answered {head[:80]!r}")
    return connection


def main() -> None:
    """Reads until standard input ends."""
    url, count = sys.argv[1], int(sys.argv[2])
    buffer = bytearray(1 << 18)
    received = 0
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        for _ in range(count):
            connection = _open(url)
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ, connection)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select():
                if key.data is None:
                    print(received, time.process_time())
                    return
                size = key.data.recv_into(buffer)
                if size == 0:
                    raise ConnectionError("the server ended a reader")
                received += size


if __name__ == "__main__":
    main()
