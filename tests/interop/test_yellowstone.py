"""Yellowstone, an RTSP client of Node.js, gets each packet of the stream.

Its payloads are not looked at: yellowstone 2.1.0 takes every packet for one with a header extension, and cuts
four bytes off.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from tests.support.processes import run
from tests.support.server import Server

PROGRAM = Path(__file__).parent / "clients" / "node" / "play-yellowstone.mjs"

PICTURES = 60


def test_yellowstone_gets_every_packet(server: Server) -> None:
    lines = run(["node", PROGRAM, server.url, str(PICTURES)]).split("\n")
    packets = [tuple(map(int, line.split())) for line in lines if line]
    assert sum(marker for _, _, marker in packets) == PICTURES
    for (number, time, marker), (next_number, next_time, _) in pairwise(packets):
        assert next_number == (number + 1) & 0xFFFF
        assert (next_time != time) == bool(marker), "the marker is on the last packet of each picture"
