"""Rules of RTSP over HTTP: both connections, Base64 in any cut, who asks for the password."""

from __future__ import annotations

import asyncio
import base64
from itertools import pairwise
from typing import Final

from relaycore.doctor import client
from relaycore.doctor.credentials import Credentials
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.rules.asking import need_status
from relaycore.doctor.tunnel import KIND, Tunnel
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

BETWEEN_S: Final = 0.02
"""Seconds between pieces, so that each goes out by itself."""

ANSWERED_S: Final = 0.3
"""Seconds in which an answer on the wrong connection is waited for."""


async def answer(visit: Visit) -> None:
    """GET is answered with the type of the tunnel."""
    tunnel = await Tunnel.ask(visit)
    if tunnel.head.status != 200:
        raise Untried(Message("The server does not have this."))
    kinds = tunnel.head.all("content-type")
    if not kinds:
        raise Broken(Message("The answer has no {header}.", header="Content-Type"))
    if kinds[0].lower() != KIND:
        raise Broken(
            Message(
                "{header} is {value} and not {wanted}.",
                header="Content-Type",
                value=repr(kinds[0]),
                wanted=KIND,
            )
        )


async def login(visit: Visit) -> None:
    """HTTP asks for no password: RTSP does inside of it."""
    tunnel = await Tunnel.ask(visit)
    if tunnel.head.status == 401 and visit.credentials is not None:
        # Whether there is a tunnel behind the password: other pages may well have one.
        own = Credentials(visit.credentials.user, visit.credentials.password)
        if own.take(tunnel.head.all("www-authenticate")):
            let_in = await Tunnel.ask(visit, f"Authorization: {own.header('GET', visit.target.path)}")
            if let_in.head.status == 200 and let_in.head.all("content-type") == [KIND]:
                raise Broken(Message("The answer is {status} and not {wanted}.", status=401, wanted=200))
    if tunnel.head.status != 200:
        raise Untried(Message("The server does not have this."))


async def requests(visit: Visit) -> None:
    """A request goes on one connection, its answer comes on the other, and nothing on the first."""
    tunnel = await Tunnel.open(visit)
    await tunnel.client.request("OPTIONS", visit.url)
    if said := await tunnel.answered(ANSWERED_S):
        visit.said.append((False, said))
        raise Broken(Message("The connection of the POST is answered."))


async def cut(visit: Visit) -> None:
    """Base64 comes in any cut, padded behind each request."""
    tunnel = await Tunnel.open(visit)
    for number in ("71", "72"):
        # Lengths of which Base64 needs to be padded.
        request = f"OPTIONS {visit.url} RTSP/1.0\r\nCSeq: {number}\r\n"
        request += f"X-Pad: {'x' * (3 - (len(request) + 12) % 3)}\r\n\r\n"
        visit.said.append((True, request.encode()))
        text = base64.b64encode(request.encode())
        cuts = [0, 1, 3, 10, len(text) - 6, len(text) - 1, len(text)]
        pieces = [text[begin:end] for begin, end in pairwise(cuts)]
        await tunnel.send_pieces(pieces, BETWEEN_S)
        found = (await tunnel.client.answer()).get("cseq")
        if found != number:
            raise Broken(
                Message(
                    "{header} is {value} and not {wanted}.", header="CSeq", value=repr(found), wanted=number
                )
            )


async def post_again(visit: Visit) -> None:
    """The connection of the requests ends, and another takes its place."""
    tunnel = await Tunnel.open(visit)
    await tunnel.client.request("OPTIONS", visit.url)
    await tunnel.post()
    await tunnel.client.request("OPTIONS", visit.url)


async def media(visit: Visit) -> None:
    """Media come on the connection of the answers."""
    await visit.sent_media()
    tunnel = await Tunnel.open(visit)
    await need_media(visit, tunnel.client)


async def need_media(visit: Visit, speaker: client.Client) -> None:
    """Broken when nothing comes that is played by this client."""
    came = asyncio.Event()
    speaker.on_frame = lambda channel, content: came.set()  # noqa: ARG005 (nothing is kept)
    session = await visit.set_up_all(speaker)
    need_status(await session.request("PLAY", await visit.aggregate()), 200)
    ends = asyncio.get_running_loop().time() + client.ANSWER_S
    while not came.is_set() and asyncio.get_running_loop().time() < ends:
        await speaker.listen(BETWEEN_S)
    if not came.is_set():
        raise Broken(Message("No packet came."))
    need_status(await session.request("TEARDOWN", await visit.aggregate()), 200)


RULES: Final = (
    Rule(
        "tunnel-answer",
        Message("GET of RTSP over HTTP is answered with its type."),
        "ONVIF Streaming §5.1.1.5",
        answer,
    ),
    Rule(
        "tunnel-login",
        Message("HTTP around RTSP asks for no password."),
        "ONVIF Core",
        login,
    ),
    Rule(
        "tunnel-requests",
        Message("Requests by POST are answered on the connection of the GET alone."),
        "ONVIF Streaming §5.1.1.5",
        requests,
    ),
    Rule(
        "tunnel-cut",
        Message("Base64 that is cut anywhere, and padded behind each request, is understood."),
        "ONVIF Streaming §5.1.1.5",
        cut,
    ),
    Rule(
        "tunnel-post-again",
        Message("The POST may end and begin again in a tunnel."),
        "ONVIF Streaming §5.1.1.5",
        post_again,
    ),
    Rule(
        "tunnel-media",
        Message("RTSP over HTTP brings media."),
        "ONVIF Streaming §5.1.1.5, RFC 2326 §10.12",
        media,
    ),
)
