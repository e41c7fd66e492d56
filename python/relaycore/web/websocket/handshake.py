"""The opening handshake of the WebSocket protocol (RFC 6455, section 4.2)."""

from __future__ import annotations

import base64
import binascii
from hashlib import sha1
from typing import Final

from aiohttp import hdrs, web

from relaycore.language import Message
from relaycore.web.answers import Refused

__all__ = ["SUBPROTOCOL", "accept_of", "greeting"]

SUBPROTOCOL: Final = "relaycore.mp4"
"""What is spoken: binary messages, each a header or fragments of MP4. Clients need not ask for it."""

_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION: Final = "13"
_KEY_BYTES: Final = 16


def greeting(request: web.BaseRequest) -> bytes:
    """The head of the answer that makes a connection a WebSocket. Refused where the request asks for none."""
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_of(_key(request))}",
    ]
    offered = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "")
    if SUBPROTOCOL in (name.strip() for name in offered.split(",")):
        lines.append(f"Sec-WebSocket-Protocol: {SUBPROTOCOL}")
    return "\r\n".join([*lines, "", ""]).encode()


def accept_of(key: str) -> str:
    """What proves that a key was understood."""
    return base64.b64encode(sha1(f"{key}{_GUID}".encode()).digest()).decode()  # noqa: S324 (the protocol's)


def _key(request: web.BaseRequest) -> str:
    headers = request.headers
    wanted = {each.strip().lower() for each in headers.get(hdrs.CONNECTION, "").split(",")}
    if headers.get(hdrs.UPGRADE, "").lower() != "websocket" or "upgrade" not in wanted:
        raise Refused(
            426,
            Message("This address speaks WebSocket: open it with new WebSocket(), or watch by another way."),
            headers=((hdrs.UPGRADE, "websocket"),),
        )
    if headers.get(hdrs.SEC_WEBSOCKET_VERSION) != _VERSION:
        raise Refused(
            426,
            Message("Only version {version} of the WebSocket protocol is spoken.", version=_VERSION),
            headers=((hdrs.SEC_WEBSOCKET_VERSION, _VERSION),),
        )
    key = headers.get(hdrs.SEC_WEBSOCKET_KEY, "")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        is_key = False
    if not is_key:
        raise Refused(400, Message("Sec-WebSocket-Key is not right: it is 16 random bytes in base64."))
    return key
