"""What a run found: the other side of ``rust/relaycore-load/src/report.rs``, which explains each field.

Times are milliseconds. All fields have defaults, so that results of other versions can be read.
"""

from __future__ import annotations

import msgspec

__all__ = [
    "AccessUnits",
    "Distribution",
    "Fairness",
    "Finding",
    "FloorReport",
    "Generator",
    "GroupReport",
    "Machine",
    "Packets",
    "ReaderReport",
    "Report",
    "Second",
    "Snapshot",
    "SourceReport",
    "read_floor",
    "read_report",
    "read_snapshot",
]


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Distribution(_Part, frozen=True, kw_only=True):
    """A distribution of times; all are 0 where nothing was counted."""

    count: int = 0
    min: float = 0.0
    mean: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    max: float = 0.0


class Machine(_Part, frozen=True, kw_only=True):
    """Where a run took place."""

    system: str = ""
    architecture: str = ""
    cpus: int = 0
    descriptors: int | None = None
    optimised: bool = True


class Generator(_Part, frozen=True, kw_only=True):
    """What the load generator itself cost while it was measured."""

    threads: int = 0
    cpu_seconds: float = 0.0
    busiest_thread: float = 0.0


class AccessUnits(_Part, frozen=True, kw_only=True):
    """Access units of the time that was measured."""

    expected: int = 0
    complete: int = 0
    incomplete: int = 0
    corrupt: int = 0
    missing: int = 0
    impaired: int = 0
    marked: int = 0
    content_checked: int = 0

    @property
    def broken(self) -> int:
        """Those that did not come as they were sent."""
        return self.incomplete + self.corrupt + self.missing


class Packets(_Part, frozen=True, kw_only=True):
    """RTP packets of the time that was measured."""

    received: int = 0
    lost: int = 0
    reordered: int = 0
    duplicate: int = 0
    malformed: int = 0
    impaired: int = 0


class Fairness(_Part, frozen=True, kw_only=True):
    """How evenly readers were served, by the access units that each got whole."""

    jain: float = 0.0
    least: int = 0
    most: int = 0


class ReaderReport(_Part, frozen=True, kw_only=True):
    """One reader."""

    playing: bool = False
    sessions: int = 0
    failed: int = 0
    setup_ms: float | None = None
    first_picture_ms: float | None = None
    latency_mean_ms: float = 0.0
    latency_max_ms: float = 0.0
    complete: int = 0
    broken: int = 0
    lost: int = 0
    bytes: int = 0


class GroupReport(_Part, frozen=True, kw_only=True):
    """A group of readers."""

    name: str = ""
    asked: int = 0
    playing: int = 0
    failed: int = 0
    left: int = 0
    refused: int = 0
    setup_ms: Distribution = Distribution()
    first_packet_ms: Distribution = Distribution()
    first_picture_ms: Distribution = Distribution()
    latency_ms: Distribution = Distribution()
    gap_ms: Distribution = Distribution()
    access_units: AccessUnits = AccessUnits()
    packets: Packets = Packets()
    bytes: int = 0
    fairness: Fairness = Fairness()
    readers: list[ReaderReport] = []


class SourceReport(_Part, frozen=True, kw_only=True):
    """The sources of one entry of the plan."""

    url: str = ""
    count: int = 0
    publishing: int = 0
    failed: int = 0
    restarts: int = 0
    access_units: int = 0
    skipped: int = 0
    bytes: int = 0
    setup_ms: Distribution = Distribution()
    late_ms: Distribution = Distribution()


class Second(_Part, frozen=True, kw_only=True):
    """One second of a run."""

    t: int = 0
    playing: int = 0
    bytes: int = 0
    access_units: int = 0
    lost: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


class Finding(_Part, frozen=True, kw_only=True):
    """What is wrong, counted. The example holds what the server sent: print it with care."""

    kind: str = ""
    count: int = 0
    first_at_ms: int = 0
    example: str = ""


class Report(_Part, frozen=True, kw_only=True):
    """The whole of a run."""

    machine: Machine = Machine()
    generator: Generator = Generator()
    seconds: float = 0.0
    groups: list[GroupReport] = []
    sources: list[SourceReport] = []
    seconds_series: list[Second] = []
    findings: list[Finding] = []

    @property
    def bytes(self) -> int:
        """Bytes that arrived at all readers while it was measured."""
        return sum(group.bytes for group in self.groups)

    @property
    def playing(self) -> int:
        """Readers that play at the end of the run."""
        return sum(group.playing for group in self.groups)


class Snapshot(_Part, frozen=True, kw_only=True):
    """Where a run is."""

    elapsed_ms: int = 0
    total_ms: int = 0
    finished: bool = False
    playing: int = 0
    failed: int = 0
    publishing: int = 0
    bytes: int = 0
    access_units: int = 0
    lost: int = 0
    last_second: Second = Second()


class FloorReport(_Part, frozen=True, kw_only=True):
    """What the bare loop cost."""

    machine: Machine = Machine()
    cpu_seconds_per_gigabit: float = 0.0
    cpu_seconds: float = 0.0
    latency_ms: Distribution = Distribution()
    written_within_ms: Distribution = Distribution()
    bytes: int = 0
    received_bytes: int = 0
    bursts: int = 0
    blocked: int = 0
    seconds: float = 0.0


_report = msgspec.json.Decoder(Report)
_snapshot = msgspec.json.Decoder(Snapshot)
_floor = msgspec.json.Decoder(FloorReport)


def read_report(data: bytes) -> Report:
    """The report of ``LoadRun.stop``."""
    return _report.decode(data)


def read_snapshot(data: bytes) -> Snapshot:
    """What ``LoadRun.snapshot`` gave."""
    return _snapshot.decode(data)


def read_floor(data: bytes) -> FloorReport:
    """The report of ``measure_floor``."""
    return _floor.decode(data)
