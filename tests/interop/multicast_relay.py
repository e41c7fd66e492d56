"""A program that serves the test pattern with a multicast group; test_multicast.py runs it.

It prints the URL, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys

from relaycore import MulticastSettings, PathSettings, Relay

GROUP = MulticastSettings(group="239.255.42.1", interface="127.0.0.1")
ALONE = MulticastSettings(group="239.255.42.2", interface="127.0.0.1")


async def main() -> None:
    """Serve until standard input ends. The path ``alone`` is sent to its group without a session."""
    paths = {"cam": PathSettings(multicast=GROUP), "alone": PathSettings(multicast=ALONE)}
    async with Relay(port=0, paths=paths) as relay:
        await relay.add_camera("cam", camera="pattern", size="640x360", fps=30)
        relay.mirror("alone", "cam")
        await relay.start_multicast("alone")
        print(relay.urls("cam")[0], flush=True)  # noqa: T201 (how the test follows it)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
