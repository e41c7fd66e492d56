"""Rules of RTSP about how messages are written: names, folds, bodies, pieces, frames between them."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Final

from relaycore.doctor.client import Answer, Client
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.rules.asking import need_header
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

NUMBER: Final = "73"
"""The CSeq of what is written by hand here."""

UNKNOWN_CHANNEL: Final = 250
"""A channel that no session has."""

LONG_BYTES: Final = 1024 * 1024
"""Bytes of the header that is too long for everybody."""

PIECE_BYTES: Final = 4 * 1024
"""Bytes of it that are sent at once."""

BETWEEN_S: Final = 0.02
"""Seconds between the pieces of a request, so that each goes out by itself."""

REFUSED: Final = (400, 501, 505)
"""Statuses of a request that was not understood."""


async def header_names(visit: Visit) -> None:
    """Names of headers are the same in large and small letters."""
    client = await visit.connect()
    for name in ("cseq", "CSEQ"):
        await client.send(f"OPTIONS {visit.url} RTSP/1.0\r\n{name}: {NUMBER}\r\n\r\n".encode())
        await _need_understood(client)


async def folded(visit: Visit) -> None:
    """A header goes on in a line that begins with a space."""
    client = await visit.connect()
    head = f"OPTIONS {visit.url} RTSP/1.0\r\nCSeq: {NUMBER}\r\nUser-Agent: relaycore\r\n doctor\r\n\r\n"
    await client.send(head.encode())
    await _need_understood(client)


async def pieces(visit: Visit) -> None:
    """TCP may cut a request anywhere."""
    client = await visit.connect()
    head = f"OPTIONS {visit.url} RTSP/1.0\r\nCSeq: {NUMBER}\r\n\r\n".encode()
    # In the method, the version, a name, and both line ends.
    cuts = [0, 3, head.index(b"/1.0"), head.index(b"Seq"), len(head) - 3, len(head) - 1, len(head)]
    for begin, end in pairwise(cuts):
        await client.send(head[begin:end])
        await asyncio.sleep(BETWEEN_S)
    await _need_understood(client)


async def body(visit: Visit) -> None:
    """A body is read over by those who have no use for it: the next request begins behind it."""
    client = await visit.connect()
    parameter = b"relaycore-doctor\r\n"
    head = (
        f"GET_PARAMETER {visit.url} RTSP/1.0\r\nCSeq: 72\r\nContent-Type: text/parameters\r\n"
        f"Content-Length: {len(parameter)}\r\n\r\n"
    )
    await client.send(head.encode() + parameter)
    await client.answer()
    await client.send(f"OPTIONS {visit.url} RTSP/1.0\r\nCSeq: {NUMBER}\r\n\r\n".encode())
    await _need_understood(client)


async def options_of_all(visit: Visit) -> None:
    """``OPTIONS *`` is about the server itself."""
    client = await visit.connect()
    await client.send(f"OPTIONS * RTSP/1.0\r\nCSeq: {NUMBER}\r\n\r\n".encode())
    await _need_understood(client)


async def unknown_channel(visit: Visit) -> None:
    """A frame of a channel that nobody has set up is read over, and the session goes on."""
    session = await visit.set_up()
    await session.request("PLAY", await visit.aggregate())
    await session.client.send(b"$" + bytes([UNKNOWN_CHANNEL]) + (8).to_bytes(2) + b"relaycor")
    answer = await session.request("OPTIONS", visit.url)
    if answer.status in (*REFUSED, 454):
        raise Broken(Message("The answer is {status} and not {wanted}.", status=answer.status, wanted=200))


async def long_header(visit: Visit) -> None:
    """What is far too long is given up by the server, which goes on serving."""
    client = await visit.connect()
    piece = b"x" * PIECE_BYTES
    try:
        await client.send(f"OPTIONS {visit.url} RTSP/1.0\r\nCSeq: {NUMBER}\r\nX-Long: ".encode())
        for _ in range(LONG_BYTES // PIECE_BYTES):
            # Not kept: what is shown would be nothing else.
            await client.send(piece, shown=False)
        await client.send(b"\r\n\r\n")
        await client.answer()
    except Broken:
        # Closed, or waiting for more than anybody sends: both are answers to this.
        pass
    other = await visit.connect()
    await other.request("OPTIONS", visit.url, log_in=False)


async def query(visit: Visit) -> None:
    """What stands behind a question mark stays in the URLs of the tracks."""
    client = await visit.connect()
    url = f"{visit.url}{'&' if visit.target.query else '?'}relaycore=doctor"
    answer, description = await visit.describe_at(url, client)
    if answer.status != 200:
        raise Untried(Message("The stream is not described: the answer is {status}.", status=answer.status))
    media = next((one for one in description.media if one.is_sent), None)
    if media is None:
        raise Untried(Message("The description names no media."))
    answer = await client.request(
        "SETUP", media.control, {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
    )
    if answer.status != 200:
        raise Broken(Message("SETUP is answered {status}.", status=answer.status))


async def _need_understood(client: Client) -> Answer:
    answer = await client.answer()
    if answer.status in REFUSED:
        raise Broken(Message("The answer is {status} and not {wanted}.", status=answer.status, wanted=200))
    if (got := need_header(answer, "CSeq")) != NUMBER:
        raise Broken(
            Message("{header} is {value} and not {wanted}.", header="CSeq", value=repr(got), wanted=NUMBER)
        )
    return answer


RULES: Final = (
    Rule(
        "rtsp-header-names",
        Message("Names of headers are understood in large and small letters."),
        "RFC 2326 §4, RFC 2068 §4.2",
        header_names,
    ),
    Rule(
        "rtsp-folded-header",
        Message("A header that goes on in the next line is understood."),
        "RFC 2326 §4, RFC 2068 §4.2",
        folded,
    ),
    Rule("rtsp-pieces", Message("A request that comes in pieces is understood."), "RFC 2326 §9", pieces),
    Rule(
        "rtsp-body",
        Message("A body without use is read over, and the next request is answered."),
        "RFC 2326 §4.4",
        body,
    ),
    Rule("rtsp-options-star", Message("OPTIONS * is answered."), "RFC 2326 §10.1", options_of_all),
    Rule(
        "rtsp-unknown-channel",
        Message("A frame of a channel that is not there is read over."),
        "RFC 2326 §10.12",
        unknown_channel,
    ),
    Rule(
        "rtsp-long-header",
        Message("After a header of 1 MiB, the server answers others as before."),
        "RFC 2326 §16",
        long_header,
    ),
    Rule(
        "rtsp-query",
        Message("A URL with a question mark leads to tracks that can be set up."),
        "RFC 2326 §3.2, §C.1.1",
        query,
    ),
)
