"""Decides what clients of RTSP may do, also by where the WebSocket comes from that they may speak it in.

Who somebody is, is RTSP's matter: no cookie counts, and no header of the handshake. But a page that a person
happens to visit can open a WebSocket in that person's network, so the same holds as for the WebSockets of
:mod:`relaycore.web`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from relaycore._relaycore import Handshake, Request
from relaycore.access.answers import Allow, Decision, Refuse
from relaycore.access.decisions import Gatekeeper
from relaycore.access.origins import OTHER_SITE, HostNames, is_foreign
from relaycore.language import Message

__all__ = ["RtspDoor"]


class RtspDoor:
    """Lets clients of RTSP in, or refuses them.

    ``names`` are those of this machine. ``embedding`` tells the origins of other sites whose pages may play.
    """

    def __init__(
        self, gatekeeper: Gatekeeper, names: HostNames, embedding: Callable[[], Collection[str]]
    ) -> None:
        self._gatekeeper = gatekeeper
        self._names = names
        self._embedding = embedding

    async def decide(self, request: Request) -> Decision:
        """Whether a client may do what it asks for."""
        handshake = request.handshake
        if handshake is None:
            return await self._gatekeeper.decide(request)
        refuse = self._of_page(request, handshake)
        if refuse is None:
            decision = await self._gatekeeper.decide(request)
            if decision != Allow(None):
                return decision
            refuse = self._of_nobody(handshake)
            if refuse is None:
                return decision
        self._gatekeeper.refused(request, refuse)
        return refuse

    def _of_page(self, request: Request, handshake: Handshake) -> Refuse | None:
        """Why the page that opened the WebSocket may not do this, whoever visits it."""
        if not is_foreign(handshake):
            return None
        if request.action == "publish":
            return Refuse(403, OTHER_SITE)
        if handshake.origin in self._embedding():
            return None
        return Refuse(403, Message("A page of another site may not read: its origin is not in embed_origins"))

    def _of_nobody(self, handshake: Handshake) -> Refuse | None:
        """Why somebody without a name may not do this."""
        stranger = self._names.stranger(handshake)
        # RTSP has no 421.
        return None if stranger is None else Refuse(403, stranger[1])
