"""Waiting for what a relay tells."""

from __future__ import annotations

from typing import TypeVar

from relaycore.events import EventReader

__all__ = ["of_kind"]

Kind = TypeVar("Kind")


async def of_kind(events: EventReader, kind: type[Kind]) -> Kind:
    """The next event of a kind. AssertionError when the relay ends before."""
    async for event in events:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"the relay ended without {kind.__name__}")
