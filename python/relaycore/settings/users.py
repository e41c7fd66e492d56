"""The settings of a user."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from relaycore.settings.values import Switch

__all__ = ["User"]


class User(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may read and publish. The password is never shown: not in a log, not in ``repr``."""

    name: Annotated[
        str,
        Meta(
            pattern=r'^[^\x00-\x1f\x7f:"\\]{1,64}$',
            description="1 to 64 characters without colon, quote and backslash",
            examples=["anna"],
        ),
    ]
    password: Annotated[
        str,
        Meta(
            pattern=r"^[^\x00-\x1f\x7f]{1,256}$",
            description="1 to 256 characters on one line",
            examples=["a long sentence"],
            extra={"secret": True},
        ),
    ]

    publish: Switch = True
    """Whether this user may also publish, and not only read."""

    control: Switch = True
    """Whether this user may also change paths and end sessions, over HTTP."""

    def __repr__(self) -> str:
        return f"User(name={self.name!r}, publish={self.publish!r}, control={self.control!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("name", self.name), ("publish", self.publish), ("control", self.control)]
