"""The nonces of Digest authentication: made without being kept, valid for a time, each count used once.

A nonce is 48 characters of base64url over 36 bytes: 8 bytes of time (milliseconds, big endian), 8 random
bytes, and the first 20 bytes of HMAC-SHA-256 over both and the address of the client. So a nonce that was not
made here, or was made for another address, is told apart from one that is only too old, for which the client
is asked to try again (``stale``) without asking the person.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto

__all__ = ["LIFETIME_S", "Freshness", "Nonces"]

LIFETIME_S = 300.0
"""Seconds for which a nonce can be used."""

REMEMBERED = 4096
"""Nonces whose counts are known. When there are more, the oldest become stale early."""

WINDOW = 64
"""Counts below the highest one that may still come, when a client sends on several connections at a time."""

_MAC_BYTES = 20


class Freshness(Enum):
    """What a nonce and its count are worth."""

    FRESH = auto()
    STALE = auto()
    FORGED = auto()


class Nonces:
    """Makes nonces and checks what comes back. ``clock`` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        # Highest count and a bit for each of the WINDOW counts up to it, by nonce.
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._forgotten_ms = -1

    def make(self, client: str) -> str:
        """A new nonce for the client with this address."""
        head = int(self._clock() * 1000).to_bytes(8, "big") + secrets.token_bytes(8)
        return base64.urlsafe_b64encode(head + self._mac(head, client)).decode("ascii")

    def check(self, nonce: str, client: str, count: int | None) -> Freshness:
        """Looks at a nonce and uses up its count; ``None`` is for clients of RFC 2069, which do not count."""
        try:
            data = base64.b64decode(nonce.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError, ValueError):
            return Freshness.FORGED
        head, mac = data[:16], data[16:]
        if len(head) != 16 or not hmac.compare_digest(mac, self._mac(head, client)):
            return Freshness.FORGED
        made_ms = int.from_bytes(head[:8], "big")
        if self._clock() * 1000 - made_ms > LIFETIME_S * 1000 or made_ms <= self._forgotten_ms:
            return Freshness.STALE
        if count is not None and not self._use(nonce, count):
            return Freshness.STALE
        return Freshness.FRESH

    def _use(self, nonce: str, count: int) -> bool:
        """False when the count was used before, or is too far below the highest one to know."""
        highest, seen = self._counts.get(nonce, (0, 0))
        if count > highest:
            seen = (seen << min(count - highest, WINDOW) | 1) & ((1 << WINDOW) - 1)
            highest = count
        else:
            bit = 1 << (highest - count) if highest - count < WINDOW else 0
            if count < 1 or bit == 0 or seen & bit:
                return False
            seen |= bit
        self._counts[nonce] = (highest, seen)
        if len(self._counts) > REMEMBERED:
            oldest, _ = self._counts.popitem(last=False)
            made_ms = int.from_bytes(base64.urlsafe_b64decode(oldest)[:8], "big")
            self._forgotten_ms = max(self._forgotten_ms, made_ms)
        return True

    def _mac(self, head: bytes, client: str) -> bytes:
        return hmac.digest(self._key, head + client.encode(), hashlib.sha256)[:_MAC_BYTES]
