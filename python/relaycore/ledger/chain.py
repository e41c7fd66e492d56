"""How records hold together.

The records of each kind form a chain::

    digest = SHA-256(link before | body)
    link   = SHA-256(digest | signature)

where the link before the first record is :func:`genesis`. The last record of each kind that was written
together has a signature of its digest (Ed25519, RFC 8032); the others have none, which is the empty string.
So each signature vouches for all records of its kind up to there, and each link for the signature, too.

The head names the last record of every kind with its link, and is signed anew whenever something is written:
it tells what has to be there at the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from relaycore.ledger.records import Kind

__all__ = ["LINK_BYTES", "Head", "Tip", "digest_of", "genesis", "head_message", "link_of", "record_message"]

LINK_BYTES: Final = 32
"""Bytes of a link."""

_RECORD: Final = b"relaycore ledger record 1\n"
_HEAD: Final = b"relaycore ledger head 1\n"


class Tip(NamedTuple):
    """A place in a chain: the number of a record, 0 before the first, and its link."""

    number: int
    link: bytes


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The statement that is signed: the last record of every kind.

    ``ledger`` is the name of the ledger, 128 random bits, and ``key`` the fingerprint of the key that signs.
    """

    ledger: str
    key: str
    at: int
    chains: dict[str, tuple[int, str]]

    def tip(self, kind: Kind) -> Tip:
        """The end of a chain. ValueError where the link is none."""
        number, link = self.chains[kind]
        return Tip(number, bytes.fromhex(link))

    def encode(self) -> bytes:
        """The statement as canonical JSON."""
        return _ENCODER.encode(self)

    @classmethod
    def make(cls, ledger: str, key: str, at: int, tips: Mapping[Kind, Tip]) -> Head:
        """The statement about these ends."""
        chains = {str(kind): (tip.number, tip.link.hex()) for kind, tip in tips.items()}
        return cls(ledger=ledger, key=key, at=at, chains=chains)


def genesis(ledger: str, kind: Kind) -> bytes:
    """The link before the first record of a kind."""
    return hashlib.sha256(f"relaycore ledger 1\n{ledger}\n{kind}".encode()).digest()


def digest_of(before: bytes, body: bytes) -> bytes:
    """What a record's signature is about."""
    return hashlib.sha256(before + body).digest()


def link_of(digest: bytes, signature: bytes) -> bytes:
    """What the next record refers to."""
    return hashlib.sha256(digest + signature).digest()


def record_message(digest: bytes) -> bytes:
    """The bytes that are signed for a record."""
    return _RECORD + digest


def head_message(statement: bytes) -> bytes:
    """The bytes that are signed for a head."""
    return _HEAD + statement


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
