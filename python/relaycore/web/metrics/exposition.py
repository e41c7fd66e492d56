"""The text formats that Prometheus reads.

The Prometheus text format 0.0.4, and OpenMetrics 1.0.0 for who asks for it. They differ in the name of a
counter (OpenMetrics leaves out ``_total`` where it tells the type), the unit, and the mark at the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["OPENMETRICS", "PROMETHEUS", "Family", "expose"]

PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_UNITS: Final = ("seconds", "bytes")


@dataclass(slots=True)
class Family:
    """Samples of one name. That of a counter ends in ``_total``; the unit, if any, stands before that."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> None:
        """One sample; each set of labels once."""
        self.samples.append((labels, value))


def expose(families: Iterable[Family], *, openmetrics: bool) -> str:
    """The families that have samples, as text."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        stem = family.name.removesuffix("_total")
        name = stem if openmetrics else family.name
        lines.append(f"# HELP {name} {_escaped(family.help, quotes=openmetrics)}")
        lines.append(f"# TYPE {name} {family.kind}")
        unit = stem.rpartition("_")[2]
        if openmetrics and unit in _UNITS:
            lines.append(f"# UNIT {name} {unit}")
        lines += [f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in family.samples]
    if openmetrics:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels.items()) + "}"


def _escaped(text: str, *, quotes: bool) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _number(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))
