"""Files that nobody but their owner may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["others_may_read"]


def others_may_read(path: Path) -> bool:
    """Whether the mode of a file lets others in. Windows has no such modes: the folder decides there."""
    return os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077 != 0
