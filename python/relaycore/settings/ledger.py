"""The settings of the ledger: whether there is one, what it keeps of addresses, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from relaycore.settings.values import Switch

__all__ = ["Addresses", "LedgerSettings", "RetentionSettings", "Synchronous", "WhenFull"]

Addresses = Literal["truncated", "full", "none"]
"""What is kept of an address: its network (/24, or /48 of IPv6), all of it, or nothing."""

WhenFull = Literal["refuse", "continue"]
"""What happens while nothing can be written: nobody is let in, or everybody as before."""

Synchronous = Literal["full", "normal"]
"""Whether what is written has reached the disk before it counts as written, or the operating system only."""

Days = Annotated[
    int,
    Meta(ge=0, le=36_500, description="a number of days up to 36500, or 0 for ever", examples=[90]),
]


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days after which records are deleted, by kind; 0 keeps them for ever."""

    session: Days = 90
    """Who read and published."""

    refusal: Days = 30
    """Who was not let in."""

    act: Days = 365
    """Who changed something, or read the ledger."""


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether and how it is recorded who watched, who changed what, and who was refused."""

    enabled: Switch = False
    """Keep a ledger in the state folder."""

    addresses: Annotated[
        Addresses, Meta(description="`truncated`, `full` or `none`", examples=["truncated"])
    ] = "truncated"
    """What is kept of the addresses of clients."""

    when_full: Annotated[WhenFull, Meta(description="`refuse` or `continue`", examples=["continue"])] = (
        "refuse"
    )
    """What happens while nothing can be written, because the disk is full for example: nobody new is let in,
    or all goes on, and what cannot be kept in memory is lost and counted."""

    synchronous: Annotated[Synchronous, Meta(description="`full` or `normal`", examples=["normal"])] = "full"
    """Whether a record has to reach the disk before it counts: with ``normal``, a loss of power may take the
    last ones with it, a crash of the program never does."""

    retention: Annotated[
        RetentionSettings, Meta(description="a table of days by kind", examples=[{"session": 90}])
    ] = msgspec.field(default_factory=RetentionSettings)
    """When records are deleted."""
