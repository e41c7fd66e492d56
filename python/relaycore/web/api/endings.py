"""The sessions that end by a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from relaycore.reload.plan import Reload

__all__ = ["EndingView", "endings"]


class EndingView(msgspec.Struct, frozen=True, kw_only=True):
    """A session that ends by a change, and why."""

    session: str
    path: str
    user: str | None
    peer: str
    reason: str


def endings(plan: Reload) -> list[EndingView]:
    """The sessions that end by what is planned."""
    return [
        EndingView(
            session=ending.session.id,
            path=ending.session.path,
            user=ending.session.user,
            peer=ending.session.peer,
            reason=ending.reason,
        )
        for ending in plan.sessions
    ]
