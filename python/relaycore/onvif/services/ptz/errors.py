"""Why something about pan, tilt and zoom is refused."""

from __future__ import annotations

__all__ = ["PtzError"]


class PtzError(Exception):
    """It is refused. ``subcodes`` are those of the fault, in the namespace of ONVIF's errors (``ter``)."""

    def __init__(self, text: str, *subcodes: str) -> None:
        super().__init__(text)
        self.subcodes = subcodes
