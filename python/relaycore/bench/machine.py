"""Where a load test ran and with what, for whoever reads the result."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import msgspec

from relaycore.system.name import memory_bytes, processor_name, system_name

__all__ = ["Host", "this_host", "versions"]


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A machine, without its name."""

    processor: str = ""
    cpus: int = 0
    memory_bytes: int | None = None
    system: str = ""
    """Operating system with its release, like ``Linux x86_64 6.1.0``."""


def this_host() -> Host:
    """The machine that the load generator runs on."""
    return Host(
        processor=processor_name(),
        cpus=os.cpu_count() or 0,
        memory_bytes=memory_bytes(),
        system=f"{system_name()} {platform.release()}",
    )


def versions() -> dict[str, str]:
    """Of the program itself, and of what it stands on."""
    return {"relaycore": version("relaycore"), "Python": platform.python_version()}
