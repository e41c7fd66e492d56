"""What system this is, for people to read."""

from __future__ import annotations

import platform

__all__ = ["system_name"]


def system_name() -> str:
    """The system and its processor, like ``Linux x86_64``."""
    return f"{platform.system()} {platform.machine()}"
