"""What this machine can do at all: a bare loop that writes the same bytes to the same number of sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from relaycore._relaycore import measure_floor
from relaycore.bench.plan import FloorKind, FloorPlan, Plan, encode
from relaycore.bench.report import read_floor
from relaycore.bench.result import Floor
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import BitRate
from relaycore.settings.values import parse_bitrate

__all__ = ["FloorWishes", "fitting_floor", "floor_plan", "measure"]

FLOOR_S: Final = 5.0
"""Seconds that the bare loop runs beside a load test."""

Rate = Annotated[float, Meta(ge=1, le=240, description="bursts per second, from 1 to 240", examples=[30])]
_Cpu = Annotated[int, Meta(ge=0, le=9999, description="the number of a processor", examples=[0])]
_Kind = Annotated[
    FloorKind,
    Meta(
        description="`tcp_burst`, `tcp_packet`, `udp_offload`, `udp_sendmmsg` or `udp_packet`",
        examples=["tcp_burst"],
    ),
]


class FloorWishes(msgspec.Struct, frozen=True, kw_only=True):
    """A bare loop as it was asked for: one field for each option of ``relaycore bench floor``."""

    sockets: Annotated[
        int, Meta(ge=1, le=100_000, description="how many sockets, from 1 to 100000", examples=[1000])
    ] = 1000
    bitrate: BitRate = 4_000_000
    fps: Annotated[
        float, Meta(ge=1, le=240, description="bursts per second, from 1 to 240", examples=[30])
    ] = 30.0
    seconds: Annotated[
        float, Meta(ge=0.1, le=3600, description="seconds, from 0.1 to 3600", examples=[5])
    ] = FLOOR_S
    kind: _Kind | None = None
    sender_cpu: _Cpu | None = None
    drain_cpu: _Cpu | None = None


def floor_plan(wishes: FloorWishes, kind: FloorKind) -> FloorPlan:
    """The plan of a bare loop of one kind."""
    return FloorPlan(
        sockets=wishes.sockets,
        bitrate=parse_bitrate(wishes.bitrate),
        fps=wishes.fps,
        seconds=wishes.seconds,
        kind=kind,
        sender_cpu=wishes.sender_cpu,
        drain_cpu=wishes.drain_cpu,
    )


def fitting_floor(plan: Plan, server_cpus: Sequence[int]) -> FloorPlan:
    """The bare loop that does what a server has to do in a run.

    As many sockets as there are good readers, the rate of the stream, and the best that there is for their
    transport. Where the server may use one processor only, the loop sends on that one. ConfigurationError
    when nothing is published, so that the rate is unknown.
    """
    if not plan.sources:
        raise ConfigurationError(
            Message("--floor needs a stream that the load test publishes: its rate is unknown.")
        )
    good = [group for group in plan.groups if group.is_good]
    udp = all(group.transport == "udp" for group in good)
    source = plan.sources[0]
    return FloorPlan(
        sockets=max(1, sum(group.count for group in good)),
        bitrate=source.bitrate,
        fps=source.fps,
        seconds=FLOOR_S,
        kind="udp_offload" if udp else "tcp_burst",
        sender_cpu=server_cpus[0] if len(server_cpus) == 1 else None,
        drain_cpu=plan.cpus[0] if plan.cpus else None,
    )


async def measure(plan: FloorPlan, loop: Callable[[bytes], bytes] = measure_floor) -> Floor:
    """Runs a bare loop. ConfigurationError when the machine cannot do it."""
    try:
        report = read_floor(await asyncio.to_thread(loop, encode(plan)))
    except (OSError, ValueError) as error:
        raise ConfigurationError(Message("The bare loop cannot be run: {error}.", error=error)) from None
    return Floor(plan=plan, report=report)
