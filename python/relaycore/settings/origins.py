"""Origins of web pages (RFC 6454) as a setting."""

from __future__ import annotations

import re
from typing import Final

from relaycore.errors import ConfigurationError
from relaycore.language import Message

__all__ = ["check_origin"]

_ORIGIN: Final = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[1-9][0-9]{0,4})?")
"""As browsers send it: in lower case, without a path, the port only where it is not that of the scheme."""


def check_origin(origin: str) -> None:
    """ConfigurationError for what no browser sends as an origin."""
    scheme, _, rest = origin.partition("://")
    usual = {"http": ":80", "https": ":443"}.get(scheme)
    if not _ORIGIN.fullmatch(origin) or (usual is not None and rest.endswith(usual)):
        raise ConfigurationError(
            Message(
                "{name} is no origin: write it as browsers send it, like https://example.org.", name=origin
            )
        )
