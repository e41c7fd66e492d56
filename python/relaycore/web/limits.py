"""The limits of the HTTP side, out of the one table of all limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from relaycore._relaycore import limits as known_limits

__all__ = ["LIMITS", "HttpLimits"]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one client and all of them together may use; the names are those of the configuration."""

    connections: int
    line_bytes: int
    header_count: int
    body_bytes: int
    timeout_s: int

    @classmethod
    def of(cls, configured: Mapping[str, int]) -> Self:
        """The limits of a configuration, and the defaults where it names none."""
        values = {name: default for name, _, default, _, _ in known_limits()} | dict(configured)
        return cls(**{name: values[f"http_{name}"] for name in cls.__dataclass_fields__})


LIMITS = web.AppKey("limits", HttpLimits)
