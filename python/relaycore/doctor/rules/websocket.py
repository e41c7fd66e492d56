"""Rules of RTSP in WebSockets: handshake, frames, messages cut and joined (ONVIF Streaming chapter 7)."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from relaycore.doctor.findings import Broken, Rule
from relaycore.doctor.rules.tunnel import need_media
from relaycore.doctor.visit import Visit
from relaycore.doctor.websocket import BINARY, CONTINUATION, PING, PROTOCOL, TEXT, WebSocket
from relaycore.language import Message

__all__ = ["RULES"]

BETWEEN_S: Final = 0.02
"""Seconds between pieces, so that each goes out by itself."""


async def handshake(visit: Visit) -> None:
    """The answer proves that the key was read, and names the sub-protocol."""
    socket = await WebSocket.open(visit)
    for name, wanted in (("Sec-WebSocket-Accept", socket.accept), ("Sec-WebSocket-Protocol", PROTOCOL)):
        values = socket.head.all(name.lower())
        if not values:
            raise Broken(Message("The answer has no {header}.", header=name))
        if (value := values[0]) != wanted:
            raise Broken(
                Message(
                    "{header} is {value} and not {wanted}.", header=name, value=repr(value), wanted=wanted
                )
            )


async def binary(visit: Visit) -> None:
    """RTSP comes in binary frames, without a mask."""
    socket = await WebSocket.open(visit)
    await socket.client.request("OPTIONS", visit.url)
    if TEXT in socket.kinds:
        raise Broken(Message("RTSP came in a frame of text."))
    if socket.masked:
        raise Broken(Message("A frame of the server is masked."))


async def pieces(visit: Visit) -> None:
    """Messages of RTSP and of the WebSocket begin and end where they like."""
    socket = await WebSocket.open(visit)
    first, second, third = (
        f"OPTIONS {visit.url} RTSP/1.0\r\nCSeq: {number}\r\n\r\n".encode() for number in (71, 72, 73)
    )
    visit.said += [(True, one) for one in (first, second, third)]
    cuts: tuple[tuple[int, bytes, bool], ...] = (
        # One message in two frames, then in two messages, the last of which has another one in it.
        (BINARY, first[:9], False),
        (CONTINUATION, first[9:], True),
        (BINARY, second[:-3], True),
        (BINARY, second[-3:] + third, True),
    )
    for kind, data, last in cuts:
        socket.send_frame(kind, data, last=last)
        await asyncio.sleep(BETWEEN_S)
    for wanted in ("71", "72", "73"):
        found = (await socket.client.answer()).get("cseq")
        if found != wanted:
            raise Broken(
                Message(
                    "{header} is {value} and not {wanted}.", header="CSeq", value=repr(found), wanted=wanted
                )
            )


async def ping(visit: Visit) -> None:
    """A ping is answered with what was in it."""
    socket = await WebSocket.open(visit)
    sent = secrets.token_bytes(8)
    socket.send_frame(PING, sent)
    await socket.client.request("OPTIONS", visit.url)
    if sent not in socket.pongs:
        raise Broken(Message("A ping is not answered."))


async def media(visit: Visit) -> None:
    """Media come in the same WebSocket."""
    await visit.sent_media()
    socket = await WebSocket.open(visit)
    await need_media(visit, socket.client)


RULES: Final = (
    Rule(
        "websocket-handshake",
        Message("The handshake of RTSP in WebSockets names the protocol rtsp.onvif.org."),
        "ONVIF Streaming §7.3.1, RFC 6455 §4.2.2",
        handshake,
    ),
    Rule(
        "websocket-binary",
        Message("RTSP comes in binary frames, unmasked."),
        "ONVIF Streaming §7.3.2, RFC 6455 §5.1",
        binary,
    ),
    Rule(
        "websocket-pieces",
        Message("RTSP that is cut and joined by messages and frames is understood."),
        "ONVIF Streaming §7.3.2, RFC 6455 §5.4",
        pieces,
    ),
    Rule("websocket-ping", Message("A ping is answered with a pong."), "RFC 6455 §5.5.2", ping),
    Rule(
        "websocket-media",
        Message("RTSP in a WebSocket brings media."),
        "ONVIF Streaming §5.1.1.6, RFC 2326 §10.12",
        media,
    ),
)
