"""What a benchmark found, and how it is kept: a JSON file for each benchmark."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

__all__ = ["FOLDER", "Figure", "Options", "Record", "Result", "keep", "kept", "middle"]

FOLDER: Final = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on the command line.

    ``minutes`` is the length of the memory benchmark. ``repeats`` is how often one of load or versus, or
    web.webrtc_viewers, measures the same, ``seconds`` how long each time, ``peers`` what versus compares, by
    the names of their files.
    """

    minutes: float = 10.0
    repeats: int = 3
    seconds: float = 10.0
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, which should be less than ``below``, or not less than ``at_least``.

    Of a number that was measured several times it is the median, and ``low`` and ``high`` are the others'
    limits. ``of`` is the server that it belongs to, where there are several.
    """

    name: str
    value: float
    unit: str
    below: float | None = None
    at_least: float | None = None
    low: float | None = None
    high: float | None = None
    of: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it is as it should be; None where it has no aim."""
        if self.below is not None:
            return self.value < self.below
        if self.at_least is not None:
            return self.value >= self.at_least
        return None

    @property
    def aim(self) -> str:
        """What it should be, in words; empty where it has no aim."""
        if self.below is not None:
            return f"below {self.below:.4g}"
        return "" if self.at_least is None else f"at least {self.at_least:.4g}"

    @property
    def verdict(self) -> str:
        """How it compares with its aim, in words; empty without one."""
        return "" if self.met is None else f"{self.aim}: {'met' if self.met else 'missed'}"


def middle(
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    below: float | None = None,
    at_least: float | None = None,
    of: str = "",
) -> Figure:
    """The figure of what was measured several times."""
    return Figure(name, median(values), unit, below, at_least, min(values), max(values), of)


@dataclass(slots=True)
class Result:
    """All that a benchmark found.

    ``method`` says how it was taken. ``cpu_seconds`` is the processor time by process, ``samples`` what the
    figures were made from where that is worth keeping, and ``runs`` the same as records. ``versions`` are
    those of other servers.
    """

    title: str
    method: str
    figures: list[Figure]
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def keep(name: str, result: Result, circumstances: dict[str, Any]) -> None:
    """Writes the result of a benchmark."""
    FOLDER.mkdir(exist_ok=True)
    versions = {**circumstances["versions"], **result.versions}
    record = {"benchmark": name, **circumstances, **asdict(result), "versions": versions}
    (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


class Record(msgspec.Struct, frozen=True):
    """A result as it was kept, and how it came about."""

    benchmark: str
    command: str
    machine: dict[str, Any]
    versions: dict[str, str]
    title: str
    method: str
    figures: list[Figure]
    cpu_seconds: dict[str, float] = {}
    runs: list[dict[str, Any]] = []


def kept(folder: Path = FOLDER) -> dict[str, Record]:
    """All results by the names of their benchmarks."""
    records = (msgspec.json.decode(path.read_bytes(), type=Record) for path in sorted(folder.glob("*.json")))
    return {record.benchmark: record for record in records}
