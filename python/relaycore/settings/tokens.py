"""The settings of bearer tokens: which keys sign them, and what they must say."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["TokenAlgorithm", "TokenSettings"]

TokenAlgorithm = Literal[
    "EdDSA",
    "ES256",
    "ES384",
    "ES512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "HS256",
    "HS384",
    "HS512",
]
"""An algorithm of RFC 7518 section 3 or RFC 8037. There is no ``none`` among them."""


class TokenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signs the tokens (JWT, RFC 7519) that let in who is no user here.

    Without ``key_file`` and ``jwks_file``, no tokens are taken.
    """

    key_file: Annotated[
        str, Meta(description="the name of a file", examples=["/etc/relaycore/tokens.pem"])
    ] = ""
    """File with the public key of who signs, as PEM, or with the secret that both have. It is read anew when
    it changes."""

    jwks_file: Annotated[
        str, Meta(description="the name of a file", examples=["/etc/relaycore/tokens.json"])
    ] = ""
    """File with the keys of who signs, as a JWK set (RFC 7517), in place of ``key_file``. It is read anew
    when it changes."""

    algorithms: Annotated[
        list[
            Annotated[
                TokenAlgorithm,
                Meta(description="`EdDSA`, `ES256`, `RS256`, `PS256`, `HS256` or one of their kind"),
            ]
        ],
        Meta(description="a list of algorithms", examples=[["EdDSA"]]),
    ] = msgspec.field(default_factory=list)
    """The algorithms that are taken, whatever a token says of itself. One at least has to be named."""

    issuer: Annotated[str, Meta(max_length=256, examples=["https://login.example.org"])] = ""
    """What ``iss`` of a token must be; left out, it may be anything."""

    audience: Annotated[str, Meta(max_length=256, examples=["relaycore"])] = ""
    """What ``aud`` of a token must be or have in it; left out, a token must have none."""

    @property
    def file(self) -> str:
        """The file that is read; empty where no tokens are taken."""
        return self.key_file or self.jwks_file
