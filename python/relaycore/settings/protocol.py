"""The settings of a data protocol: who is responsible for the pictures of a path, and on what ground."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from relaycore.settings.values import Switch

__all__ = ["ProtocolSettings"]

Text = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f]{0,500}$",
        description="up to 500 characters on one line",
        examples=["the yard and who crosses it"],
    ),
]


class ProtocolSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is on record of the processing at a path, beside its ``purpose`` (GDPR article 30).

    What the configuration itself says is not repeated here: how long the ledger keeps its records, masks,
    encryption, who may read.
    """

    responsible: Text = ""
    """Name of the controller."""

    contact: Text = ""
    """How the controller is reached, for requests of those who are seen."""

    legal_basis: Text = ""
    """On what ground it is done."""

    subjects: Text = ""
    """Who and what may be seen and heard."""

    recipients: Annotated[
        list[Text],
        Meta(
            description="a list of up to 32 texts",
            max_length=32,
            examples=[["the guard", "the police on request"]],
        ),
    ] = msgspec.field(default_factory=list)
    """Who gets the pictures."""

    transfers: Text = ""
    """To which countries they go, and with what guarantees."""

    kept: Text = ""
    """How long the pictures are kept by those who get them. relaycore itself keeps none."""

    measures: Text = ""
    """What protects them, beside what relaycore does by its configuration."""

    notice: Switch = False
    """Let everybody read this before watching: at PATH/notice and over the API, without a user."""
