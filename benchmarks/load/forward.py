"""A publisher that sends on what a server sends: its packets go out in the moment they come."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.rtsp import Dialogue, Playing

__all__ = ["Packets", "forwarding"]


class Packets:
    """RTP packets out of interleaved data (RFC 2326 §10.12), each with the time that its end came with."""

    def __init__(self) -> None:
        self.times: list[tuple[bytes, float]] = []
        self._pending = bytearray()

    def add(self, data: bytes, at: float) -> None:
        """Takes what was received at a time. Answers between the packets are dropped."""
        pending = self._pending
        pending += data
        while len(pending) >= 4:
            if pending[0] != ord("$"):
                end = pending.find(b"\r\n\r\n")
                if end < 0:
                    return
                del pending[: end + 4]
                continue
            size = 4 + int.from_bytes(pending[2:4], "big")
            if len(pending) < size:
                return
            if pending[1] % 2 == 0:
                # The header is rewritten on the way, the payload is not.
                self.times.append((bytes(pending[16:size]), at))
            del pending[:size]


@contextmanager
def forwarding(source: str, target: str) -> Iterator[Packets]:
    """All tracks of ``source``, published to ``target`` over TCP until the end of the block.

    Gives the packets and when they were sent. RuntimeError when either refuses.
    """
    playing = Playing(source)
    dialogue = Dialogue(target)
    dialogue.ask("ANNOUNCE", target, "Content-Type: application/sdp", body=playing.description)
    controls = re.findall(r"^m=.*?^a=control:(\S+)", playing.description, flags=re.MULTILINE | re.DOTALL)
    for number, control in enumerate(controls):
        channels = f"interleaved={2 * number}-{2 * number + 1}"
        dialogue.ask("SETUP", f"{target}/{control}", f"Transport: RTP/AVP/TCP;unicast;{channels};mode=record")
    dialogue.ask("RECORD", target)
    sent = Packets()
    ends = threading.Event()

    def forward() -> None:
        data = playing.first
        while not ends.is_set():
            at = time.perf_counter()
            dialogue.connection.sendall(data)
            sent.add(data, at)
            data = playing.socket.recv(1 << 18)

    thread = threading.Thread(target=forward, daemon=True)
    thread.start()
    try:
        yield sent
    finally:
        ends.set()
        thread.join()
        playing.close()
        dialogue.connection.close()
