"""All that one relay serves by HTTP Live Streaming."""

from __future__ import annotations

from collections.abc import Callable

from relaycore.web.hls.stream import FragmentSource, HlsStreams
from relaycore.web.lasting import Lasting

__all__ = ["Hls"]


class Hls:
    """Timelines and the sessions of those who watch them."""

    def __init__(self, open_source: Callable[[str], FragmentSource]) -> None:
        self.streams = HlsStreams(open_source)
        self.viewers = Lasting(sticky=True)

    async def close(self) -> None:
        """Ends all of it."""
        await self.viewers.close()
        await self.streams.close()
