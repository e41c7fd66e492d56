"""Bearer tokens: JSON Web Tokens (RFC 7519) that somebody else has signed.

A token says who it is about (``sub``), until when it holds (``exp``), and may say in which role (``role``, a
viewer otherwise), at which paths (``paths``, a list of patterns) and what for (``purpose``). It comes as
``Authorization: Bearer``, as ``token`` in the query of a URL, and, where Basic is offered, as the password of
any user: RTSP clients have no other field for it.

Which algorithms are taken is settled by the settings and by the kind of each key, never by the token: so
there is no ``none``, and a public key is never taken for a secret (RFC 8725 section 2.1).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from relaycore.access.identity import Identity, Offer
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import Role, UserName
from relaycore.settings.access import check_pattern
from relaycore.settings.tokens import TokenSettings

__all__ = ["TOKEN_PARAMETER", "TokenKeys", "TokenProblem", "is_token", "read_keys", "token_in"]

TOKEN_PARAMETER: Final = "token"  # noqa: S105 (a name)
"""Name of the parameter of a query."""

LONGEST: Final = 8192
"""Characters of a token."""

MOST_KEYS: Final = 16
"""Keys of a set. All may have to be tried for one token."""

MOST_PATHS: Final = 64
"""Patterns in ``paths``."""

LONGEST_PURPOSE: Final = 200
"""Characters of ``purpose``."""

LEEWAY_S: Final = 10
"""Seconds that the clock of who signs may differ from ours."""

_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_PARAMETER: Final = re.compile(r"(?:^|[&;])" + TOKEN_PARAMETER + r"=([^&;/]*)")

_SECRET_BYTES: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Bytes that a secret must have at least (RFC 7518 section 3.2)."""

_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})

SMALLEST_RSA: Final = 2048
"""Bits of an RSA key (RFC 7518 section 3.3)."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class TokenProblem(Exception):
    """A token does not let in: ``status`` of the answer, and a sentence that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Key:
    """A key, the algorithms that it is for, and its name in a set. ``mark`` tells it from others."""

    key: PublicKey | bytes
    algorithms: frozenset[str]
    name: str | None
    mark: str


class TokenKeys:
    """The keys that sign tokens, and what tokens must say. Is made by :func:`read_keys`."""

    def __init__(self, keys: Iterable[_Key], settings: TokenSettings) -> None:
        self._keys = tuple(keys)
        self._settings = settings
        self._marks = frozenset(key.mark for key in self._keys)

    def has(self, mark: str) -> bool:
        """Whether there is still the key that signed a token."""
        return mark in self._marks

    def identity(self, token: str) -> Identity:
        """Who comes with a token. TokenProblem when it lets nobody in."""
        key, claims = self._verified(token)
        try:
            name = msgspec.convert(claims["sub"], UserName)
            role: Role = msgspec.convert(claims.get("role", "viewer"), Role)
            ends = float(claims["exp"])
        except (msgspec.ValidationError, ValueError, TypeError, OverflowError):
            raise TokenProblem(401, Message("The token names no user or no role that there is")) from None
        offer = Offer(paths=_paths(claims.get("paths")), ends=ends, key=key.mark)
        return Identity(name, role, _purpose(claims.get("purpose")), offer, is_user=False)

    def _verified(self, token: str) -> tuple[_Key, Mapping[str, Any]]:
        if len(token) > LONGEST or not _SHAPE.fullmatch(token):
            raise TokenProblem(400, Message("The token is broken, look whether all of it was copied"))
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise TokenProblem(
                400, Message("The token is broken, look whether all of it was copied")
            ) from None
        algorithm, name = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in self._settings.algorithms or "crit" in header:
            raise TokenProblem(401, Message("The token is signed in a way that is not taken here"))
        for key in self._keys:
            if algorithm in key.algorithms and (name is None or key.name in (None, name)):
                try:
                    return key, self._claims(token, key, algorithm)
                except jwt.InvalidSignatureError:
                    continue
        raise TokenProblem(401, Message("The token is not signed by a key that is known here"))

    def _claims(self, token: str, key: _Key, algorithm: str) -> Mapping[str, Any]:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                issuer=self._settings.issuer or None,
                audience=self._settings.audience or None,
                leeway=LEEWAY_S,
                options={"require": ["exp", "sub"]},
            )
        except jwt.InvalidSignatureError:
            raise
        except jwt.ExpiredSignatureError:
            raise TokenProblem(401, Message("The token has expired")) from None
        except (jwt.ImmatureSignatureError, jwt.InvalidIssuedAtError):
            raise TokenProblem(401, Message("The token does not hold yet")) from None
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
            raise TokenProblem(
                401, Message("The token is for another server or from another issuer")
            ) from None
        except jwt.MissingRequiredClaimError:
            raise TokenProblem(
                401, Message("The token lacks sub, exp, or what the settings ask for")
            ) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise TokenProblem(401, Message("What the token says cannot be understood")) from None


def is_token(text: str) -> bool:
    """Whether a text looks like a token."""
    return text.count(".") == 2 and text.startswith("eyJ")


def token_in(query: str | None) -> str | None:
    """The token in the query of a URL; ``None`` where the query has none."""
    match = None if query is None else _PARAMETER.search(query)
    return None if match is None else match[1]


def read_keys(settings: TokenSettings, data: bytes) -> TokenKeys:
    """The keys in the file of these settings. ConfigurationError where it has none that can be used."""
    read = _of_set if settings.jwks_file else _of_file
    keys = [key for key in read(data) if key.algorithms.intersection(settings.algorithms)]
    if not keys:
        wanted = ", ".join(settings.algorithms)
        raise ConfigurationError(
            Message(
                "access.tokens: {file} has no key for {wanted}: name another file, or the algorithms "
                "of its keys.",
                file=settings.file,
                wanted=wanted,
            )
        )
    return TokenKeys(keys, settings)


def _of_file(data: bytes) -> list[_Key]:
    """The key of a PEM file, or the secret that a file holds."""
    if b"-----BEGIN" not in data:
        return [_key(data.strip(), None)]
    try:
        key = serialization.load_pem_public_key(data)
    except ValueError as error:
        raise ConfigurationError(
            Message(
                "access.tokens: key_file is no public key in PEM: export the public half of the key "
                "that signs."
            )
        ) from error
    return [_key(key, None)]


def _of_set(data: bytes) -> list[_Key]:
    """The keys of a JWK set, without those that are of no use here."""
    try:
        document = json.loads(data)
        listed = document["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConfigurationError(
            Message("access.tokens: jwks_file is no JWK set: it is JSON with a list of keys.")
        ) from None
    found = []
    for item in listed[:MOST_KEYS] if isinstance(listed, list) else ():
        if not isinstance(item, dict) or item.get("use", "sig") != "sig" or "d" in item:
            continue
        try:
            key = _key(jwt.PyJWK(item).key, item.get("kid"))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        said = item.get("alg")
        found.append(key if said is None else _Key(key.key, key.algorithms & {said}, key.name, key.mark))
    return found


def _key(key: Any, name: Any) -> _Key:
    """A key with what it can be used for; for nothing where it is too weak or of another kind."""
    algorithms: frozenset[str] = frozenset()
    match key:
        case bytes():
            algorithms = frozenset(name for name, least in _SECRET_BYTES.items() if len(key) >= least)
            raw = key
        case RSAPublicKey():
            algorithms = _RSA if key.key_size >= SMALLEST_RSA else algorithms
        case EllipticCurvePublicKey():
            algorithms = frozenset({_CURVES.get(key.curve.name, "")})
        case Ed25519PublicKey():
            algorithms = frozenset({"EdDSA"})
        case _:
            return _Key(b"", algorithms, None, "")
    if not isinstance(key, bytes):
        raw = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    mark = hashlib.sha256(raw).hexdigest()[:32]
    return _Key(key, algorithms, name if isinstance(name, str) else None, mark)


def _paths(claim: Any) -> tuple[str, ...] | None:
    if claim is None:
        return None
    if not isinstance(claim, list) or len(claim) > MOST_PATHS:
        raise TokenProblem(401, Message("The paths of the token are no list of patterns"))
    try:
        for pattern in claim:
            check_pattern(pattern)
    except (ConfigurationError, AttributeError, TypeError):
        raise TokenProblem(401, Message("The paths of the token are no list of patterns")) from None
    return tuple(claim)


def _purpose(claim: Any) -> str | None:
    if claim is None:
        return None
    if not isinstance(claim, str) or not claim.isprintable() or len(claim) > LONGEST_PURPOSE:
        raise TokenProblem(401, Message("The purpose of the token is no short text"))
    return claim or None
