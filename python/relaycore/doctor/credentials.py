"""Answers to Digest challenges (RFC 2617 section 3.2.2, RFC 7616 for SHA-256).

Basic is never answered, since it shows the password to everybody on the way.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Credentials", "digest_challenges"]

_PARAMETER: Final = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
_HASHES: Final = {"": "md5", "MD5": "md5", "SHA-256": "sha256"}


def digest_challenges(values: Iterable[str]) -> list[dict[str, str]]:
    """The parameters of those values of ``WWW-Authenticate`` that are Digest, names in lower case."""
    found = []
    for value in values:
        scheme, _, rest = value.strip().partition(" ")
        if scheme.lower() == "digest":
            pairs = _PARAMETER.findall(rest)
            found.append({name.lower(): quoted or plain for name, quoted, plain in pairs})
    return found


@dataclass
class Credentials:
    """A user's name and password, and the challenge that the server has made last."""

    user: str
    password: str
    _challenge: dict[str, str] | None = field(default=None, repr=False)
    _count: int = 0

    def take(self, values: Iterable[str]) -> bool:
        """Keep the best challenge for the requests to come. False when there is none that can be answered."""
        fit = [one for one in digest_challenges(values) if one.get("algorithm", "").upper() in _HASHES]
        fit = [one for one in fit if "nonce" in one and "realm" in one]
        if not fit:
            return False
        self._challenge, self._count = fit[0], 0
        return True

    def header(self, method: str, uri: str) -> str | None:
        """The value of ``Authorization``; ``None`` before a challenge."""
        asked = self._challenge
        if asked is None:
            return None
        algorithm = asked.get("algorithm", "")
        name = _HASHES[algorithm.upper()]

        def of(text: str) -> str:
            return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

        first, second = of(f"{self.user}:{asked['realm']}:{self.password}"), of(f"{method}:{uri}")
        parts = [
            f'Digest username="{self.user}"',
            f'realm="{asked["realm"]}"',
            f'nonce="{asked["nonce"]}"',
            f'uri="{uri}"',
        ]
        if "auth" in re.split(r"[\s,]+", asked.get("qop", "")):
            self._count += 1
            number, own = f"{self._count:08x}", secrets.token_hex(8)
            response = of(":".join((first, asked["nonce"], number, own, "auth", second)))
            parts += ["qop=auth", f"nc={number}", f'cnonce="{own}"']
        else:
            response = of(":".join((first, asked["nonce"], second)))
        parts.append(f'response="{response}"')
        if algorithm:
            parts.append(f"algorithm={algorithm}")
        if "opaque" in asked:
            parts.append(f'opaque="{asked["opaque"]}"')
        return ", ".join(parts)
