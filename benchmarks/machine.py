"""Where and with what a benchmark ran, and whether it is worth measuring."""

from __future__ import annotations

import mmap
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av

import relaycore._relaycore

__all__ = ["is_debug_build", "load", "machine", "versions"]

_DEBUG_MARK = b"attempt to subtract with overflow"
"""What checked arithmetic says when it fails; a release build has none."""


def is_debug_build() -> bool:
    """Whether the extension was built without optimisation."""
    found = relaycore._relaycore.__file__
    assert found is not None
    with Path(found).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(_DEBUG_MARK) != -1


def load() -> float:
    """How many programs wanted to run in the last minute."""
    return round(os.getloadavg()[0], 2)


def machine() -> dict[str, Any]:
    """The machine, without its name."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
    }


def versions() -> dict[str, str]:
    """What was measured, and what it stands on."""
    return {
        "relaycore": version("relaycore"),
        "Python": ".".join(str(part) for part in sys.version_info[:3]),
        "PyAV": av.__version__,
        "FFmpeg": str(av.ffmpeg_version_info),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
