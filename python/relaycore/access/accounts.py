"""The account file: users in SQLite, of whom a running relay hears at once.

``identity.sqlite`` in the state folder has one row a user: name, role, HA1 by SHA-256 and by MD5 (RFC 7616
section 3.4.2) and an Argon2id hash of the password. HA1 is worth as much as the password to whoever wants to
log in here by Digest, which is why the file is its owner's only. Where a user is to come in by the digest of
ONVIF, the password itself is there, too, encrypted with a key that is not in the file
(:mod:`relaycore.access.sealed`). The share links are in a second table
(:mod:`relaycore.access.share_file`). ``user_version`` counts the forms of the file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, cast

from relaycore.access.passwords import hash_password
from relaycore.access.sealed import Seal
from relaycore.access.users import Account, Algorithm, ha1_of
from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.settings import Role

__all__ = ["ACCOUNT_FILE", "AccountFile", "connect", "make_account", "state_error"]

ACCOUNT_FILE: Final = "identity.sqlite"
"""Name of the file in the state folder."""

BUSY_TIMEOUT_S: Final = 5.0
"""Seconds to wait for another program that writes."""

_STEPS: Final = (
    """
CREATE TABLE users (
    name TEXT PRIMARY KEY NOT NULL,
    role TEXT NOT NULL,
    ha1_sha256 TEXT NOT NULL,
    ha1_md5 TEXT NOT NULL,
    argon2 TEXT NOT NULL
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE shares (
    id TEXT PRIMARY KEY NOT NULL,
    path TEXT NOT NULL,
    purpose TEXT NOT NULL,
    made INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    made_by TEXT,
    revoked INTEGER
) STRICT, WITHOUT ROWID
""",
    "ALTER TABLE users ADD COLUMN sealed BLOB",
)
"""What makes each form of the file out of the one before it."""


_COLUMNS: Final = "name, role, ha1_sha256, ha1_md5, argon2, sealed"


def make_account(name: str, password: str, role: Role, seal: Seal | None = None) -> Account:
    """The account of a user with this password, which is kept, too, where there is a seal for it."""
    sealed = None if seal is None else seal.close(name, password)
    return Account(name, role, ha1_of(name, password), hash_password(password), sealed)


class AccountFile:
    """The users in a state folder. The file is made when the first one is added.

    Every method may raise StateError, which says what to do. Must be closed; may be used from any thread, by
    one at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / ACCOUNT_FILE
        self._database: sqlite3.Connection | None = None

    def close(self) -> None:
        """Closes the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def version(self) -> int:
        """A number that differs when another program has changed something; -1 without a file."""
        with self._open(create=False) as database:
            if database is None:
                return -1
            (version,) = database.execute("PRAGMA data_version").fetchone()
            return int(version)

    def all(self) -> list[Account]:
        """The users by name; none where there is no file."""
        with self._open(create=False) as database:
            if database is None:
                return []
            rows = database.execute(f"SELECT {_COLUMNS} FROM users ORDER BY name")  # noqa: S608
            return [_account(*row) for row in rows]

    def add(self, account: Account) -> bool:
        """Adds a user. False when there is one of that name."""
        statement = f"INSERT INTO users ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
        return self._change(statement, (account.name, account.role, *_passwords(account)), create=True)

    def set_password(self, account: Account, *, only_if_kept: bool = False) -> bool:
        """Gives the user of that name the password of this account; the role stays. False when there is none.

        With ``only_if_kept`` the password is kept only where the one before was. All of this holds at the
        moment of the change: a password may be typed for as long as others change the role.
        """
        statement = (
            "UPDATE users SET ha1_sha256 = ?, ha1_md5 = ?, argon2 = ?, "
            "sealed = CASE WHEN ? AND sealed IS NULL THEN NULL ELSE ? END WHERE name = ?"
        )
        *hashes, sealed = _passwords(account)
        return self._change(statement, (*hashes, only_if_kept, sealed, account.name))

    def set_role(self, name: str, role: Role) -> bool:
        """Gives a user another role. False when there is no such user."""
        return self._change("UPDATE users SET role = ? WHERE name = ?", (role, name))

    def remove(self, name: str) -> bool:
        """Removes a user. False when there is no such user."""
        return self._change("DELETE FROM users WHERE name = ?", (name,))

    def _change(
        self, statement: str, values: tuple[str | bytes | bool | None, ...], *, create: bool = False
    ) -> bool:
        with self._open(create=create) as database:
            if database is None:
                return False
            with database:
                changed = database.execute(statement, values).rowcount > 0
            # Changes wait in a second file, and there for others that have it open, until this is done.
            with suppress(sqlite3.Error):
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return changed

    @contextmanager
    def _open(self, *, create: bool) -> Iterator[sqlite3.Connection | None]:
        """The database, which stays open; ``None`` where there is no file and none is to be made."""
        try:
            if self._database is None and (create or self._path.exists()):
                self._database = connect(self._path)
            yield self._database
        except (sqlite3.Error, OSError) as error:
            raise state_error(self._path, error) from None


def state_error(path: Path, error: Exception) -> StateError:
    """That the file cannot be used, and what to do."""
    return StateError(
        Message(
            "{path} cannot be used: {error}. Check its permissions and the free space, or name "
            "another state folder.",
            path=path,
            error=error,
        )
    )


def connect(path: Path) -> sqlite3.Connection:
    """Opens the file, which is made where there is none, and brought into its newest form."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives the files beside it the same permissions.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        # A secret that is not to be kept any more is not left in the file.
        database.execute("PRAGMA secure_delete = ON")
        database.execute("BEGIN IMMEDIATE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > len(_STEPS):
            raise sqlite3.DatabaseError("it was made by a newer version of relaycore")
        for statement in _STEPS[version:]:
            database.execute(statement)
        if version < len(_STEPS):
            database.execute(f"PRAGMA user_version = {len(_STEPS)}")
        database.commit()
    except BaseException:
        database.close()
        raise
    return database


def _account(name: str, role: str, sha_256: str, md5: str, argon2: str, sealed: bytes | None) -> Account:
    ha1 = {Algorithm.SHA_256: sha_256, Algorithm.MD5: md5}
    return Account(name, cast("Role", role), ha1, argon2, sealed)


def _passwords(account: Account) -> tuple[str | bytes | None, ...]:
    """What the columns behind the role have."""
    return account.ha1[Algorithm.SHA_256], account.ha1[Algorithm.MD5], account.argon2, account.sealed
