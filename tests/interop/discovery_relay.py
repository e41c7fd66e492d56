"""A program that makes devices known until its input ends. The first line it prints says that it does.

Each line of its input sets how many devices there are, or says `look`: at the networks of the machine.
"""

from __future__ import annotations

import asyncio
import sys
import uuid

from relaycore.onvif.discovery import Discovery, Target, device_scopes, device_urn

SEED = uuid.UUID(int=9)


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def targets(count: int) -> list[Target]:
    return [
        Target(
            device_urn(SEED, f"cam{number}"),
            device_scopes(f"cam{number}", "relaycore"),
            f"/onvif/cam{number}/device_service",
        )
        for number in range(count)
    ]


async def main() -> None:
    discovery = Discovery(sys.argv[1], 8554)
    discovery.set_targets(targets(int(sys.argv[2])))
    await discovery.open()
    say("open", *discovery.networks)
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if line == "look":
            await discovery.look()
        else:
            discovery.set_targets(targets(int(line)))
        say("done", *discovery.networks)
    await discovery.close()


asyncio.run(main())
