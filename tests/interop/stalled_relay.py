"""A program that embeds a relay and whose event loop stands still on demand; test_stalled_loop.py runs it.

It prints the URL of the test pattern. At a line on its standard input it prints ``stalled`` and blocks the
loop until the next line comes; then it prints ``running``. It ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys

from relaycore import Relay


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def stall() -> None:
        if not sys.stdin.readline():
            loop.remove_reader(sys.stdin)
            ended.set()
            return
        print("stalled", flush=True)  # noqa: T201 (how the test follows it)
        sys.stdin.readline()
        print("running", flush=True)  # noqa: T201 (how the test follows it)

    async with Relay(port=0) as relay:
        await relay.add_camera("cam", camera="pattern", size="640x360", fps=30)
        loop.add_reader(sys.stdin, stall)
        print(relay.urls("cam")[0], flush=True)  # noqa: T201 (how the test follows it)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
