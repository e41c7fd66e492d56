"""The settings of a user."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["Role", "RoleName", "User", "UserName", "UserPassword"]

Role = Literal["viewer", "publisher", "operator", "auditor", "administrator"]
"""What a user is there for, which says what the user may do."""

RoleName = Annotated[
    Role,
    Meta(
        description="`viewer`, `publisher`, `operator`, `auditor` or `administrator`", examples=["operator"]
    ),
]

UserName = Annotated[
    str,
    Meta(
        pattern=r'^[^\x00-\x1f\x7f:"\\]{1,64}$',
        description="1 to 64 characters without colon, quote and backslash",
        examples=["anna"],
    ),
]

UserPassword = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f]{1,256}$",
        description="1 to 256 characters on one line",
        examples=["a long sentence"],
        extra={"secret": True},
    ),
]


class User(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may come in. The password is never shown: not in a log, not in ``repr``."""

    name: UserName
    password: UserPassword

    role: RoleName = "operator"
    """What this user may do: ``viewer`` reads, ``publisher`` also publishes, ``operator`` also changes paths
    and ends sessions over HTTP; ``auditor`` sees who did what, and nothing else; ``administrator`` may do
    everything."""

    def __repr__(self) -> str:
        return f"User(name={self.name!r}, role={self.role!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("name", self.name), ("role", self.role)]
