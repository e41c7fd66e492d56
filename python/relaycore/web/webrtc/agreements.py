"""The sessions of WebRTC that clients have addresses of."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass, replace
from secrets import token_urlsafe
from typing import Final

from relaycore.web.viewing import Visit

__all__ = ["Agreement", "Agreements", "ufrag_of"]

MOST_ENDED: Final = 256
"""Sessions that are remembered when they have ended."""

_UFRAG: Final = re.compile(r"^a=ice-ufrag:(\S{1,256})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A session with the answer that its client got.

    ``key`` stands in its address and is known to the client alone. ``tag`` names the ICE session (RFC 9725,
    section 4.3.1), ``ufrag`` is what the client calls its side of that.
    """

    key: str
    path: str
    visit: Visit
    tag: str
    ufrag: str | None


class Agreements:
    """What there is, by key; each until its session has ended. All methods are called from the loop."""

    def __init__(self) -> None:
        self._kept: dict[str, Agreement] = {}
        self._ended: deque[str] = deque(maxlen=MOST_ENDED)
        self._waiting: set[asyncio.Task[None]] = set()

    def keep(self, path: str, visit: Visit, offer: str) -> Agreement:
        """Keeps a session until it has ended."""
        key = token_urlsafe(16)
        kept = Agreement(key=key, path=path, visit=visit, tag=_new_tag(), ufrag=ufrag_of(offer))
        self._kept[key] = kept
        task = asyncio.get_running_loop().create_task(self._until_ended(kept))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return kept

    def renew(self, kept: Agreement, fragment: str) -> Agreement:
        """The client of a session has begun another ICE session with this fragment."""
        renewed = replace(kept, tag=_new_tag(), ufrag=ufrag_of(fragment))
        if kept.key in self._kept:
            self._kept[kept.key] = renewed
        return renewed

    def find(self, path: str, key: str) -> Agreement | None:
        """The session of this key at a path."""
        found = self._kept.get(key)
        return found if found is not None and found.path == path else None

    def has_just_ended(self, key: str) -> bool:
        """Whether a session was there a while ago: its client may say goodbye in two ways."""
        return key in self._ended

    async def close(self) -> None:
        """Ends all."""
        for kept in list(self._kept.values()):
            kept.visit.end("the server was stopped")
        for task in list(self._waiting):
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        self._kept.clear()

    async def _until_ended(self, kept: Agreement) -> None:
        await kept.visit.ended.wait()
        self._kept.pop(kept.key, None)
        self._ended.append(kept.key)


def _new_tag() -> str:
    return f'"{token_urlsafe(6)}"'


def ufrag_of(description: str) -> str | None:
    """What a client calls its side of an ICE session (RFC 8839, section 5.4)."""
    found = _UFRAG.search(description.replace("\r", ""))
    return None if found is None else found[1]
