"""An attempt to view that the program serves itself: what of it the engine cannot see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from relaycore._relaycore import Journey, Session, now_ns

__all__ = ["Attempt", "Facts", "Reached"]

Reached = Literal[
    "secured", "authorised", "described", "set_up", "playing", "first_packet", "first_key_frame"
]
"""Stages that are told of; see :data:`relaycore.journeys.stages.STAGES`."""


class Attempt:
    """One attempt, from the request on. Made by :meth:`relaycore.journeys.journeys.Journeys.begin`.

    It ends in one of three ways, each of which counts it once: :meth:`became` a session of the engine, which
    knows the rest; it was :meth:`refused`; or it :meth:`ended` as one that the program carried without a
    session. What comes after that changes nothing. One that is only dropped is not counted. All methods are
    called from the loop.
    """

    def __init__(
        self,
        path: str,
        protocol: str,
        *,
        user_agent: str | None,
        secure: bool,
        tell: Callable[[Attempt, Session | None], None],
    ) -> None:
        now = now_ns()
        self.path: Final = path
        self.user_agent: Final = user_agent
        self.protocol: Final = protocol
        self.transport: str | None = None
        self.secure: Final = secure
        self.connected_ns: Final = now
        self.secured_ns: int | None = now if secure else None
        self.authorised_ns: int | None = None
        self.described_ns: int | None = None
        self.set_up_ns: int | None = None
        self.playing_ns: int | None = None
        self.first_packet_ns: int | None = None
        self.first_picture_ns: int | None = None
        self.ended_ns: int | None = None
        self.reason: str | None = None
        self.status: int | None = None
        self.credentials = False
        self._tell: Callable[[Attempt, Session | None], None] | None = tell

    @property
    def served_until_ns(self) -> int:
        """When it ended, or now."""
        return self.ended_ns or now_ns()

    def reached(self, stage: Reached, at_ns: int | None = None) -> None:
        """It has passed a stage, now or at a time of the engine's clock; only the first time counts."""
        name = "first_picture_ns" if stage == "first_key_frame" else f"{stage}_ns"
        if getattr(self, name) is None:
            setattr(self, name, now_ns() if at_ns is None else at_ns)

    def became(self, session: Session) -> None:
        """It has become a session, which is more than to be described.

        To be called before the loop can be told that the session has started.
        """
        self.reached("authorised")
        self.reached("described")
        self._finish(session)

    def refused(self, status: int, *, credentials: bool = False) -> None:
        """It was refused with this status of HTTP; ``credentials`` says whether it said who asks."""
        if self._tell is not None:
            self.status, self.credentials = status, credentials
            self.ended("refused")

    def ended(self, reason: str) -> None:
        """It has ended, without a session."""
        if self._tell is not None:
            self.ended_ns, self.reason = now_ns(), reason
            self._finish(None)

    def _finish(self, session: Session | None) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(self, session)


Facts: TypeAlias = Attempt | Journey
"""What is known of an attempt, by the program or by the engine."""
