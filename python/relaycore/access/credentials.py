"""The ``Authorization`` header, read (RFC 7235 section 2.1, RFC 7616 section 3.4, RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from relaycore.access.users import Algorithm

__all__ = [
    "BasicCredentials",
    "BearerCredentials",
    "Credentials",
    "DigestCredentials",
    "MalformedHeader",
    "PasswordProof",
    "parse_authorization",
]

LONGEST_HEADER = 8192
"""Characters; what is longer is not read."""

_PARAMETER = re.compile(r'\s*([A-Za-z0-9*_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)')
_COUNT = re.compile(r"[0-9a-fA-F]{8}")


@dataclass(frozen=True, slots=True, repr=False)
class BasicCredentials:
    """A name and a password, as they are."""

    name: str
    password: str


@dataclass(frozen=True, slots=True, repr=False)
class DigestCredentials:
    """The proof of a password.

    ``count`` and ``client_nonce`` are there when the client uses ``qop=auth``, and ``None`` when it does as
    RFC 2069 has it.
    """

    name: str
    nonce: str
    uri: str
    response: str
    algorithm: Algorithm
    count: str | None
    client_nonce: str | None


@dataclass(frozen=True, slots=True, repr=False)
class PasswordProof:
    """A proof that only who has the password can look at: ``matches`` says whether a password made it.

    It is called once, with the password of the user, and may say no to a proof that was used before.
    """

    name: str
    matches: Callable[[str], bool]


@dataclass(frozen=True, slots=True, repr=False)
class BearerCredentials:
    """A token (RFC 6750 section 2.1)."""

    token: str


Credentials = BasicCredentials | DigestCredentials | BearerCredentials


class MalformedHeader(Exception):
    """A header is not what its scheme asks for; the text says what is wrong, without anything of it."""


def parse_authorization(header: str) -> Credentials | None:
    """The credentials of a header; ``None`` when they are of a kind that is not offered here.

    MalformedHeader when they are of one that is, and broken.
    """
    if len(header) > LONGEST_HEADER:
        raise MalformedHeader("The Authorization header is too long")
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        return _basic(rest.strip())
    if scheme.lower() == "digest":
        return _digest(rest)
    if scheme.lower() == "bearer":
        return BearerCredentials(rest.strip())
    return None


def _basic(encoded: str) -> BasicCredentials:
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise MalformedHeader("The Authorization header has no Base64 of UTF-8 behind Basic") from None
    name, colon, password = text.partition(":")
    if not colon:
        raise MalformedHeader("The Authorization header has no colon between user and password")
    return BasicCredentials(name, password)


def _digest(text: str) -> DigestCredentials | None:
    parameters = _parameters(text)
    if parameters is None:
        raise MalformedHeader("The Authorization header is broken behind Digest")
    name = parameters.get("username") or _extended(parameters.get("username*", ""))
    nonce, uri, response = (parameters.get(key) for key in ("nonce", "uri", "response"))
    if not name or not nonce or not uri or not response:
        raise MalformedHeader("The Authorization header lacks username, nonce, uri or response")
    algorithm = next(
        (item for item in Algorithm if item.value == parameters.get("algorithm", "MD5").upper()), None
    )
    if algorithm is None:
        return None
    if "qop" not in parameters:
        return DigestCredentials(name, nonce, uri, response.lower(), algorithm, None, None)
    if parameters["qop"] != "auth":
        return None
    count, client_nonce = parameters.get("nc", ""), parameters.get("cnonce", "")
    if not _COUNT.fullmatch(count) or not client_nonce:
        raise MalformedHeader("The Authorization header has qop without nc of 8 digits and cnonce")
    return DigestCredentials(name, nonce, uri, response.lower(), algorithm, count, client_nonce)


def _parameters(text: str) -> dict[str, str] | None:
    """The parameters by lower-case name; ``None`` when one is malformed or there twice."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text.rstrip()):
        match = _PARAMETER.match(text, at)
        if match is None or match[1].lower() in found:
            return None
        quoted = match[2]
        found[match[1].lower()] = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = match.end()
    return found


def _extended(value: str) -> str:
    """A name as RFC 8187 writes it, ``UTF-8''J%C3%A4s``; empty when it is anything else."""
    charset, _, rest = value.partition("'")
    _, quote, encoded = rest.partition("'")
    if charset.upper() != "UTF-8" or not quote:
        return ""
    try:
        return unquote(encoded, errors="strict")
    except UnicodeDecodeError:
        return ""
