"""All pictures that one relay gives over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relaycore.web.lasting import Lasting
from relaycore.web.pictures.multipart import SeriesTable
from relaycore.web.pictures.stills import Stills

if TYPE_CHECKING:
    from relaycore.relay import Relay

__all__ = ["Pictures"]


class Pictures:
    """Single pictures and series of them."""

    def __init__(self, relay: Relay) -> None:
        self.stills = Stills(relay)
        self.series = SeriesTable(relay, self.stills)
        self.visits = Lasting(sticky=False)
        """The sessions of those who ask for single pictures."""

    async def close(self) -> None:
        """Ends what is being made."""
        await self.visits.close()
        await self.series.close()
        await self.stills.close()
