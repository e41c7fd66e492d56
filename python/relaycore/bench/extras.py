"""The packages of the extra ``bench``, which a relay does without."""

from __future__ import annotations

import importlib
from types import ModuleType

from relaycore.errors import ConfigurationError
from relaycore.language import Message

__all__ = ["need"]


def need(name: str, purpose: str) -> ModuleType:
    """The module ``name``. ConfigurationError that says what to install where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise ConfigurationError(
            Message(
                "{purpose} needs {package}, which is not installed: pip install 'relaycore[bench]'.",
                purpose=purpose,
                package=package,
            )
        ) from None
