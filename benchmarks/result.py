"""What a benchmark found, and how it is kept: a JSON file for each benchmark, and a page made from them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["FOLDER", "Figure", "Options", "Result", "keep"]

FOLDER: Final = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on the command line. ``minutes`` is the length of the memory benchmark."""

    minutes: float = 10.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. With ``below``, the number should be less than that."""

    name: str
    value: float
    unit: str
    below: float | None = None

    @property
    def verdict(self) -> str:
        """How it compares with its aim, in words; empty without one."""
        if self.below is None:
            return ""
        return f"below {self.below:g}: {'met' if self.value < self.below else 'missed'}"


@dataclass(slots=True)
class Result:
    """All that a benchmark found.

    ``method`` says how it was taken. ``cpu_seconds`` is the processor time by process, ``samples`` what the
    figures were made from where that is worth keeping.
    """

    title: str
    method: str
    figures: list[Figure]
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)


def keep(name: str, result: Result, circumstances: dict[str, Any]) -> None:
    """Writes the result of a benchmark, and the page of all results anew."""
    FOLDER.mkdir(exist_ok=True)
    record = {"benchmark": name, **circumstances, **asdict(result)}
    (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    _write_page()


def _write_page() -> None:
    parts = [
        "# Results\n\nMade by `make bench` from the JSON files beside it; how to take them anew, "
        "and what they are for: [benchmarks](../README.md)."
    ]
    for path in sorted(FOLDER.glob("*.json")):
        parts.append(_section(json.loads(path.read_text(encoding="utf-8"))))
    (FOLDER / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _section(record: dict[str, Any]) -> str:
    figures = [Figure(**figure) for figure in record["figures"]]
    lines = [
        f"## {record['title']}",
        "",
        record["method"],
        "",
        "| figure | value | aim |",
        "| --- | ---: | --- |",
    ]
    lines += [f"| {one.name} | {one.value:.4g} {one.unit} | {one.verdict} |" for one in figures]
    machine, versions = record["machine"], record["versions"]
    cpu = ", ".join(f"{process} {seconds:.2f} s" for process, seconds in record["cpu_seconds"].items())
    lines += [
        "",
        f"`{record['command']}`, {', '.join(f'{name} {number}' for name, number in versions.items())}.",
    ]
    lines.append(
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']:g} GiB, "
        f"{machine['system']}; load {machine['load_before']:g} before and {machine['load_after']:g} after."
    )
    if cpu:
        lines.append(f"Processor time: {cpu}.")
    return "\n".join(lines)
