"""The sessions that end by a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from relaycore.web.session_ids import SessionIds

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


def endings(plan: Reload, ids: SessionIds) -> list[EndingView]:
    """The sessions that end by what is planned."""
    return [
        EndingView(
            session=ids.of(ending.session),
            path=ending.session.path,
            user=ending.session.user,
            peer=ending.session.peer,
            reason=ending.reason,
        )
        for ending in plan.sessions
    ]
