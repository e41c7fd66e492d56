"""Where share links are kept: a table of the account file, and the key that signs them beside it.

``share.key`` in the state folder is 32 random bytes as hexadecimal digits, for its owner only. Without it all
links are worthless; a new one is made with the next link.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from relaycore.access.accounts import ACCOUNT_FILE, connect, state_error
from relaycore.access.key_file import KeyFile
from relaycore.access.share_links import KEY_BYTES, ShareLink
from relaycore.errors import StateError
from relaycore.language import Message

__all__ = ["KEY_FILE", "MOST_LINKS", "ShareFile"]

KEY_FILE: Final = "share.key"
"""Name of the key in the state folder."""

MOST_LINKS: Final = 10_000
"""Links that are kept."""

KEPT_S: Final = 30 * 86_400
"""Seconds that a link is kept after its end, so that who comes late hears that it has ended."""

_COLUMNS: Final = "id, path, purpose, made, ends, sessions, made_by, revoked"


class ShareFile:
    """The share links in a state folder. The file is made when the first one is added.

    Every method may raise StateError, which says what to do. Must be closed; may be used from any thread, by
    one at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / ACCOUNT_FILE
        path = folder / KEY_FILE
        self._key = KeyFile(
            path,
            KEY_BYTES,
            exposed=Message("{path} may be read by others, who could make links: chmod 600 it.", path=path),
            wrong=Message(
                "{path} is no key of share links: put the right one back, or remove it.", path=path
            ),
        )
        self._database: sqlite3.Connection | None = None

    def close(self) -> None:
        """Closes the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def key(self) -> bytes | None:
        """The key, if there is one."""
        return self._key.read()

    def make_key(self) -> bytes:
        """The key; a new one where there is none."""
        return self._key.make()

    def all(self) -> list[ShareLink]:
        """The links, the newest first; none where there is no file."""
        with self._open(create=False) as database:
            if database is None:
                return []
            rows = database.execute(f"SELECT {_COLUMNS} FROM shares ORDER BY made DESC, id")  # noqa: S608
            return [_link(*row) for row in rows]

    def add(self, link: ShareLink) -> None:
        """Keeps a link, and forgets those that ended long ago. StateError where there are too many."""
        row = (link.id, link.path, link.purpose, link.made, link.ends, link.sessions, link.made_by, None)
        with self._open(create=True) as database:
            assert database is not None
            with database:
                database.execute("DELETE FROM shares WHERE ends < ?", (int(time.time()) - KEPT_S,))
                (there,) = database.execute("SELECT count(*) FROM shares").fetchone()
                if there >= MOST_LINKS:
                    raise StateError(
                        Message(
                            "There are {there} share links already, and no more are kept: those that "
                            "have ended are forgotten after 30 days.",
                            there=there,
                        )
                    )
                database.execute(f"INSERT INTO shares ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608

    def revoke(self, link_id: str) -> bool:
        """Lets nobody in by a link any more. False where there is none that does."""
        with self._open(create=False) as database:
            if database is None:
                return False
            statement = "UPDATE shares SET revoked = ? WHERE id = ? AND revoked IS NULL"
            with database:
                return database.execute(statement, (int(time.time()), link_id)).rowcount > 0

    @contextmanager
    def _open(self, *, create: bool) -> Iterator[sqlite3.Connection | None]:
        try:
            if self._database is None and (create or self._path.exists()):
                self._database = connect(self._path)
            yield self._database
        except (sqlite3.Error, OSError) as error:
            raise state_error(self._path, error) from None


def _link(
    link_id: str,
    path: str,
    purpose: str,
    made: int,
    ends: int,
    sessions: int,
    made_by: str | None,
    revoked: int | None,
) -> ShareLink:
    return ShareLink(
        id=link_id,
        path=path,
        purpose=purpose,
        made=made,
        ends=ends,
        sessions=sessions,
        made_by=made_by,
        revoked=revoked,
    )
