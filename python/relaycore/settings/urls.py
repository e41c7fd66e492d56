"""URLs in settings: which schemes there are, and how a URL is shown without what is secret in it."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final
from urllib.parse import SplitResult, urlsplit

from relaycore.errors import ConfigurationError
from relaycore.language import Message

__all__ = [
    "FORWARD_SCHEMES",
    "RTSP_PORT",
    "SOURCE_SCHEMES",
    "check_forward",
    "check_source",
    "check_webhook",
    "masked",
    "split_url",
]

RTSP_PORT: Final = 554
"""Port of an RTSP URL that names none (RFC 2326 section 3.2)."""

SOURCE_SCHEMES: Final = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "srt", "http", "https", "udp", "rtp"})
"""What a source may begin with. FFmpeg knows more, some of which read any file or run programs."""

FORWARD_SCHEMES: Final = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "rtp"})
"""What a stream may be forwarded to."""

LONGEST: Final = 2048
"""Characters of a URL."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(//)?")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
# Greedy, to the last @ of the word: a password in which @ or / stand unescaped must not be shown by halves.
_USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s\"'<>]*@")
_QUERY_SECRET = re.compile(
    r"(?i)([?&/](?:pass|passwd|password|passphrase|pwd|token|key|secret|share)=)[^\s&\"'<>]+"
)


def masked(text: str) -> str:
    """A text with the user, the password and the tokens of the URLs in it replaced by ``***``."""
    return _QUERY_SECRET.sub(r"\1***", _USER_INFO.sub(r"\1***@", text))


def split_url(text: str) -> SplitResult:
    """The parts of a URL with a host. ConfigurationError when it is malformed."""
    try:
        parts = urlsplit(text)
        right = bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or len(text) > LONGEST or _UNPRINTABLE.search(text):
        raise ConfigurationError(
            Message("{text} is not a URL: write it like rtsp://HOST:PORT/PATH.", text=repr(masked(text)))
        )
    return parts


def check_source(text: str) -> None:
    """ConfigurationError when a text is neither a URL that can be pulled nor the name of a file."""
    match = _SCHEME.match(text)
    if match is None:
        if not text.strip() or "\0" in text:
            raise ConfigurationError(Message("The name of a file is missing: write it, or a URL."))
        return
    _check_scheme(text, match, SOURCE_SCHEMES)


def check_forward(text: str) -> None:
    """ConfigurationError when a stream cannot be forwarded to a URL."""
    _check_scheme(text, _SCHEME.match(text), FORWARD_SCHEMES)


def check_webhook(text: str) -> None:
    """ConfigurationError when a text is not the URL of a webhook."""
    _check_scheme(text, _SCHEME.match(text), {"http", "https"})


def _check_scheme(text: str, match: re.Match[str] | None, known: Container[str]) -> None:
    if match is None or match[2] is None or match[1].lower() not in known:
        raise ConfigurationError(
            Message("{text} has a scheme that is not known here.", text=repr(masked(text)))
        )
    split_url(text)
