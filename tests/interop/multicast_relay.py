"""A program that serves the test pattern with a multicast group; test_multicast.py runs it.

It prints the URL, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys

from relaycore import Relay

GROUP = ("239.255.42.1", 5004, 1, "127.0.0.1")
"""Address of the group, port of its first track, time to live, interface."""


async def main() -> None:
    """Serve until standard input ends."""
    async with Relay(port=0) as relay:
        engine = relay._engine
        assert engine is not None
        engine.configure_path("cam", multicast=GROUP)
        await relay.add_camera("cam", camera="pattern", size="640x360", fps=30)
        print(relay.urls("cam")[0], flush=True)  # noqa: T201 (how the test follows it)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
