"""Settings of encryption."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from relaycore.settings.values import Switch

__all__ = ["TlsSettings"]


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether connections may be encrypted, and with what.

    Encrypted and other connections share the port: `rtsps://` and `https://` beside `rtsp://` and `http://`.
    """

    enabled: Switch = False
    """Let connections be encrypted. Where no certificate is named, one is made that is signed by itself."""

    certificate: Annotated[
        str,
        Meta(
            description="the name of a PEM file",
            examples=["/etc/letsencrypt/live/cam.example.org/fullchain.pem"],
        ),
    ] = ""
    """File with the certificate and those that lead to its issuer. It is read anew when it changes."""

    key: Annotated[
        str,
        Meta(
            description="the name of a PEM file",
            examples=["/etc/letsencrypt/live/cam.example.org/privkey.pem"],
        ),
    ] = ""
    """File with the private key of the certificate."""

    required: Switch = False
    """Refuse what is not encrypted: only programs of this machine may do without."""
