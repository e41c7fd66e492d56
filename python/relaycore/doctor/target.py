"""The URL that is examined, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from relaycore.errors import ConfigurationError
from relaycore.language import Message

__all__ = ["Target", "onvif_address"]

DEVICE_SERVICE: Final = "/onvif/device_service"
"""Path of the device service, which ONVIF Core prescribes."""

PORTS: Final = {"rtsp": 554, "rtsps": 322}
"""Ports of a URL without one (RFC 2326 section 3.2, RFC 7826 section 4.2)."""

LONGEST_URL: Final = 2048
"""Characters of a URL that is taken."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the server is and what of it is asked for. ``url`` is sent as it stands."""

    url: str
    scheme: str
    host: str
    port: int
    query: str

    @property
    def root(self) -> str:
        """The URL of the server itself, without a path."""
        return f"{self.scheme}://{self.at(self.port)}"

    def at(self, port: int) -> str:
        """The host with a port of it, as URLs and ``Host`` have it."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"

    @property
    def path(self) -> str:
        """Path and query of the URL, as HTTP asks for them."""
        parts = urlsplit(self.url)
        return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"

    @classmethod
    def parse(cls, url: str) -> Self:
        """The parts of a URL. ConfigurationError when it is none of RTSP, or has a password in it."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        if not host or parts.scheme not in PORTS or len(url) > LONGEST_URL or not _is_plain(url):
            raise ConfigurationError(Message("Write the URL like rtsp://192.168.1.20/stream1."))
        _refuse_login(parts.netloc)
        return cls(url, parts.scheme, host, PORTS[parts.scheme] if port is None else port, parts.query)


def onvif_address(url: str) -> str:
    """The address of a device service of ONVIF, with its usual path where it has none.

    ConfigurationError when it is none of HTTP, or has a password in it.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if not host or parts.scheme not in ("http", "https") or len(url) > LONGEST_URL or not _is_plain(url):
        raise ConfigurationError(
            Message("Write the URL of ONVIF like http://192.168.1.20/onvif/device_service.")
        )
    _refuse_login(parts.netloc)
    return parts._replace(path=DEVICE_SERVICE, fragment="").geturl() if parts.path in ("", "/") else url


def _refuse_login(place: str) -> None:
    if "@" in place:
        raise ConfigurationError(
            Message(
                "Leave name and password out of the URL, where other programs see them: use --user, "
                "and the password is asked for."
            )
        )


def _is_plain(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url
