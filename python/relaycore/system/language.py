"""The language of the operating system, where it is not said in the environment."""

from __future__ import annotations

import locale
import sys

__all__ = ["system_language"]


def system_language() -> str | None:
    """The language of Windows for this user, like ``fr_FR``; ``None`` elsewhere, where LANG has it."""
    if sys.platform != "win32":
        return None
    import ctypes

    return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage())
