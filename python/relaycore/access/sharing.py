"""Makes and revokes the share links of a running relay."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from relaycore.access.share_file import ShareFile
from relaycore.access.share_links import LONGEST_PURPOSE, LONGEST_S, ShareLink, ShareLinks, new_link
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import normal_path

__all__ = ["SharePurpose", "ShareSeconds", "ShareSessions", "Sharing", "checked_link"]

SharePurpose = Annotated[str, Meta(pattern=rf"^[^\x00-\x1f\x7f]{{1,{LONGEST_PURPOSE}}}$")]
"""What a link is for, as it stands in records."""

ShareSeconds = Annotated[float, Meta(ge=1, le=LONGEST_S)]
"""How long a link lasts."""

MOST_SESSIONS: Final = 1_000_000

ShareSessions = Annotated[int, Meta(ge=0, le=MOST_SESSIONS)]
"""How many may use it at a time; 0 is any number."""


def checked_link(
    path: str, purpose: str, *, seconds: float, sessions: int = 0, made_by: str | None = None
) -> ShareLink:
    """A new link. ConfigurationError where it cannot be one."""
    path, purpose = normal_path(path), purpose.strip()
    for value, kind, text in (
        (
            purpose,
            SharePurpose,
            Message("Say in 1 to {most} characters on one line what a link is for.", most=LONGEST_PURPOSE),
        ),
        (
            seconds,
            ShareSeconds,
            Message("A link lasts from 1 second to {most} days.", most=LONGEST_S // 86_400),
        ),
        (
            sessions,
            ShareSessions,
            Message("A link is for up to {most} sessions at a time, or 0 for any.", most=MOST_SESSIONS),
        ),
    ):
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            raise ConfigurationError(text) from None
    return new_link(path, purpose, seconds=seconds, sessions=sessions, made_by=made_by)


class Sharing:
    """Changes the links of one relay, and the file of them where there is a state folder.

    All methods are called from the loop. StateError where the file cannot be written, and nothing is changed.
    """

    def __init__(self, links: ShareLinks, folder: Path | None) -> None:
        self._links = links
        self._folder = folder

    async def add(self, link: ShareLink) -> None:
        """Lets in by this link from now on."""
        if self._folder is not None:
            self._links.use_key(await asyncio.to_thread(_add, self._folder, link))
        self._links.add(link)

    async def revoke(self, link_id: str) -> ShareLink | None:
        """Lets nobody in by a link any more; gives the link, or ``None`` where there is none that does."""
        link = self._links.get(link_id)
        if link is None or link.revoked is not None:
            return None
        if self._folder is not None:
            await asyncio.to_thread(_revoke, self._folder, link_id)
        self._links.add(replace(link, revoked=int(time.time())))
        return link


def _add(folder: Path, link: ShareLink) -> bytes:
    file = ShareFile(folder)
    try:
        key = file.make_key()
        file.add(link)
    finally:
        file.close()
    return key


def _revoke(folder: Path, link_id: str) -> None:
    file = ShareFile(folder)
    try:
        file.revoke(link_id)
    finally:
        file.close()
