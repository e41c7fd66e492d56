"""WS-UsernameToken: who it is, by an element in the header (WS-Security UsernameToken Profile 1.1).

The digest is SHA-1 of a nonce, a time and the password. Only tokens with both are taken, of the last minutes,
and each once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from relaycore.access.credentials import BasicCredentials, PasswordProof
from relaycore.onvif.soap.faults import not_authorized
from relaycore.onvif.soap.names import WSSE, WSU

__all__ = ["AGE_S", "Replays", "UsernameToken", "token_in"]

AGE_S: Final = 300.0
"""Seconds that the time of a token may be away from that of the relay, before and after."""

MOST_REMEMBERED: Final = 16_384
"""Tokens that were right and are remembered; with more of them the oldest ones count as used."""

LONGEST_NONCE: Final = 256
"""Characters of a nonce; clients send 24."""

LONGEST_NAME: Final = 256


class Replays:
    """Knows which tokens were used. All methods are called from one thread."""

    def __init__(self) -> None:
        self._used: OrderedDict[bytes, float] = OrderedDict()
        self._floor = 0.0

    def take(self, key: bytes, created: float, now: float) -> bool:
        """Uses a token; False where it was used, or may have been."""
        while self._used and next(iter(self._used.values())) < now - 2 * AGE_S:
            self._used.popitem(last=False)
        if key in self._used or created <= self._floor:
            return False
        self._used[key] = created
        if len(self._used) > MOST_REMEMBERED:
            _, forgotten = self._used.popitem(last=False)
            self._floor = max(self._floor, forgotten)
        return True


@dataclass(frozen=True, slots=True, repr=False)
class UsernameToken:
    """What a client says of itself. ``nonce`` and ``created`` are there with a digest."""

    name: str
    password: str
    """The digest, or the password as it is."""
    is_digest: bool
    nonce: bytes
    created: str

    def credentials(
        self, replays: Replays, now: float, ahead: float = 0.0
    ) -> BasicCredentials | PasswordProof:
        """What the gatekeeper looks at. Raises Fault where it is too old, or not whole.

        ``ahead`` are the seconds that the clock of the device is ahead of the right time, which is ``now``.
        """
        if not self.is_digest:
            return BasicCredentials(self.name, self.password)
        created = _seconds(self.created)
        if not self.nonce or created is None:
            raise not_authorized("A digest takes a nonce and a time of creation.")
        # Used tokens are remembered by the right time: devices with other clocks share that memory.
        created -= ahead
        if abs(created - now) > AGE_S:
            raise not_authorized("The token is too old or too new: see GetSystemDateAndTime.")
        return PasswordProof(self.name, self._matches(replays, created, now))

    def _matches(self, replays: Replays, created: float, now: float) -> Callable[[str], bool]:
        def matches(password: str) -> bool:
            hashed = hashlib.sha1(
                self.nonce + self.created.encode() + password.encode(), usedforsecurity=False
            ).digest()
            if not hmac.compare_digest(base64.b64encode(hashed), self.password.encode()):
                return False
            return replays.take(hashed, created, now)

        return matches


def token_in(header: etree._Element | None) -> UsernameToken | None:
    """The token in the header of an envelope, if there is one. Raises Fault where it cannot be read."""
    found = None if header is None else header.find(f"{{{WSSE}}}Security/{{{WSSE}}}UsernameToken")
    if found is None:
        return None
    password = found.find(f"{{{WSSE}}}Password")
    name = (found.findtext(f"{{{WSSE}}}Username") or "").strip()
    nonce = (found.findtext(f"{{{WSSE}}}Nonce") or "").strip()
    created = (found.findtext(f"{{{WSU}}}Created") or "").strip()
    if password is None or not 0 < len(name) <= LONGEST_NAME or len(nonce) > LONGEST_NONCE:
        raise not_authorized("The token of the user cannot be read.")
    kind = (password.get("Type") or "").rpartition("#")[2]
    try:
        plain = base64.b64decode(nonce, validate=True)
    except (binascii.Error, ValueError):
        raise not_authorized("The nonce is not in base64.") from None
    text = password.text or ""
    is_digest = kind == "PasswordDigest"
    return UsernameToken(name, text.strip() if is_digest else text, is_digest, plain, created)


def _seconds(text: str) -> float | None:
    """A time of XML as seconds of Unix time; UTC where it names no zone."""
    if not 10 < len(text) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
