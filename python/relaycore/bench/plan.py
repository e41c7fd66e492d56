"""What a run is to do: the other side of ``rust/relaycore-load/src/plan.rs``, which explains each field.

Times are milliseconds from the start of the run, rates are bits per second.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from relaycore.settings.urls import masked

__all__ = [
    "Behaviour",
    "FloorKind",
    "FloorPlan",
    "Group",
    "Impairment",
    "Plan",
    "ReaderTransport",
    "Source",
    "SourceKind",
    "SourceTransport",
    "encode",
    "shareable",
]

SourceKind = Literal["publish", "rtp_udp"]
"""ANNOUNCE and RECORD, or RTP over UDP without any session."""

SourceTransport = Literal["tcp", "udp"]
"""Interleaved on the connection, or as datagrams."""

ReaderTransport = Literal["tcp", "udp", "mixed"]
"""Interleaved, as datagrams, or every second reader so."""

Behaviour = Literal["good", "stalled", "slow"]
"""Reads what comes at once, nothing after the first picture, or at ``read_rate``."""

FloorKind = Literal["tcp_burst", "tcp_packet", "udp_offload", "udp_sendmmsg", "udp_packet"]
"""The system calls of the bare loop."""


class _WithPassword(msgspec.Struct, frozen=True):
    """Shows its password neither to a log nor to a traceback."""

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        values = msgspec.structs.asdict(self)
        return [
            (name, "***" if name == "password" and value is not None else value)
            for name, value in values.items()
        ]


class Source(_WithPassword, frozen=True, kw_only=True):
    """Publishers that are alike."""

    kind: SourceKind
    url: str
    user: str | None = None
    password: str | None = None
    transport: SourceTransport = "tcp"
    count: int = 1
    bitrate: int
    fps: float = 30.0
    gop_ms: int = 1000
    key_frame_times: float = 1.0
    start_ms: int = 0
    ramp_per_second: float | None = None
    restart_every_ms: int | None = None


class Impairment(msgspec.Struct, frozen=True, kw_only=True):
    """A bad link, made up behind the socket."""

    loss: float = 0.0
    delay_ms: int = 0
    reorder: float = 0.0


class Group(_WithPassword, frozen=True, kw_only=True):
    """Readers that are alike."""

    name: str
    url: str
    paths: int = 1
    count: int
    transport: ReaderTransport = "tcp"
    user: str | None = None
    password: str | None = None
    wrong_password: bool = False
    ramp_per_second: float | None = None
    start_ms: int = 0
    stay_ms: int | None = None
    behaviour: Behaviour = "good"
    read_rate: int | None = None
    impairment: Impairment | None = None

    @property
    def is_good(self) -> bool:
        """Whether its readers are to get all there is in time: the others make it hard for them."""
        return self.behaviour == "good" and self.impairment is None and not self.wrong_password


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    seed: int = 0
    threads: int = 1
    cpus: list[int] | None = None
    warm_up_ms: int = 0
    duration_ms: int
    check_one_in: int = 16
    sources: list[Source] = []
    groups: list[Group] = []

    @property
    def readers(self) -> int:
        """How many readers there are in all groups."""
        return sum(group.count for group in self.groups)

    @property
    def total_ms(self) -> int:
        """Whole time of the run."""
        return self.warm_up_ms + self.duration_ms


class FloorPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the bare loop is to do."""

    sockets: int
    bitrate: int
    fps: float = 30.0
    seconds: float
    kind: FloorKind
    sender_cpu: int | None = None
    drain_cpu: int | None = None


def encode(plan: Plan | FloorPlan) -> bytes:
    """A plan as the load generator reads it, passwords included."""
    return msgspec.json.encode(plan)


def shareable(plan: Plan) -> Plan:
    """The plan as it may be kept and sent around: without passwords, and without tokens in URLs."""
    replace = msgspec.structs.replace
    return replace(
        plan,
        sources=[replace(source, url=masked(source.url), password=None) for source in plan.sources],
        groups=[replace(group, url=masked(group.url), password=None) for group in plan.groups],
    )
