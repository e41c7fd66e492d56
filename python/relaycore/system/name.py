"""What system and machine this is, for people to read."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

__all__ = ["memory_bytes", "processor_name", "system_name"]


def system_name() -> str:
    """The system and its processor, like ``Linux x86_64``."""
    return f"{platform.system()} {platform.machine()}"


def processor_name() -> str:
    """The processor by its name where the system tells it, and its kind elsewhere."""
    try:
        # Linux (proc_cpuinfo(5)); processors of some architectures have no name there.
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def memory_bytes() -> int | None:
    """Memory of the machine; ``None`` on Windows, which tells it otherwise."""
    if sys.platform == "win32":
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
