"""The ``Authorization`` header, read (RFC 7235 section 2.1, RFC 7616 section 3.4, RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import unquote

from relaycore.access.users import Algorithm

__all__ = ["BasicCredentials", "Credentials", "DigestCredentials", "parse_authorization"]

LONGEST_HEADER = 4096
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


Credentials = BasicCredentials | DigestCredentials


def parse_authorization(header: str) -> Credentials | None:
    """The credentials of a header; ``None`` when it is malformed or of a kind that is not offered here."""
    if len(header) > LONGEST_HEADER:
        return None
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        return _basic(rest.strip())
    if scheme.lower() == "digest":
        return _digest(rest)
    return None


def _basic(encoded: str) -> BasicCredentials | None:
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    name, colon, password = text.partition(":")
    return BasicCredentials(name, password) if colon else None


def _digest(text: str) -> DigestCredentials | None:
    parameters = _parameters(text)
    if parameters is None:
        return None
    name = parameters.get("username") or _extended(parameters.get("username*", ""))
    nonce, uri, response = (parameters.get(key) for key in ("nonce", "uri", "response"))
    algorithm = next(
        (item for item in Algorithm if item.value == parameters.get("algorithm", "MD5").upper()), None
    )
    if not name or not nonce or not uri or not response or algorithm is None:
        return None
    if "qop" not in parameters:
        return DigestCredentials(name, nonce, uri, response.lower(), algorithm, None, None)
    count, client_nonce = parameters.get("nc", ""), parameters.get("cnonce", "")
    if parameters["qop"] != "auth" or not _COUNT.fullmatch(count) or not client_nonce:
        return None
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
