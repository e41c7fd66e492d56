"""Who knows a password without sending it, as WS-UsernameToken proves that."""

from __future__ import annotations

import logging
import secrets
from typing import Final

from relaycore.access.credentials import PasswordProof
from relaycore.access.sealed import SEAL_FILE
from relaycore.access.users import UserStore

__all__ = ["MOST_TOLD", "Proofs"]

_log = logging.getLogger(__name__)

MOST_TOLD: Final = 256
"""Users of whom the log tells, each once, that their passwords are not there to compare with."""


class Proofs:
    """Looks at proofs, for which the password itself has to be there."""

    def __init__(self, users: UserStore) -> None:
        self._users = users
        self._told: set[str] = set()

    def is_right(self, sent: PasswordProof) -> bool:
        """Whether who has sent it knows the password of the user."""
        password = self._users.password(sent.name)
        if password is None and sent.name in self._users:
            self._tell(sent.name)
        # With as much work where there is none, so that names cannot be told apart.
        right = sent.matches(secrets.token_hex(8) if password is None else password)
        return right and password is not None

    def _tell(self, name: str) -> None:
        """What is to be done, once: whoever is asked for a password may try for ever."""
        if name in self._told or len(self._told) >= MOST_TOLD:
            return
        self._told.add(name)
        if self._users.is_kept(name):
            _log.warning(
                "the password of %s is kept for ONVIF, but not with the key in %s: put the right one back, "
                "or give it anew, by relaycore user password NAME --onvif",
                name,
                SEAL_FILE,
            )
        else:
            _log.warning(
                "the password of %s is kept as a hash, which WS-UsernameToken cannot use: change it by "
                "relaycore user password NAME --onvif",
                name,
            )
