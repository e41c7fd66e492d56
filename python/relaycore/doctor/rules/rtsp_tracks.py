"""Rules of RTSP about tracks and sessions beside each other: which URL means what (RFC 2326)."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.rules.asking import need_header, need_method, need_status
from relaycore.doctor.visit import TCP, Session, Visit, session_id
from relaycore.language import Message

__all__ = ["RULES"]

UDP: Final = "RTP/AVP;unicast;client_port=42000-42001"
"""Nothing is played by it, so that nobody needs to listen there."""

MOST_SESSIONS: Final = 32
"""Sessions of one connection that are asked for."""


async def set_up_whole(visit: Visit) -> None:
    """SETUP is about a track: the URL of all of them means none."""
    await _several(visit)
    client = await visit.connect()
    need_status(await client.request("SETUP", await visit.aggregate(), {"Transport": TCP}), 459)


async def pause_one(visit: Visit) -> None:
    """PAUSE of one of several tracks: done, or refused by its name."""
    await need_method(visit, "PAUSE")
    first = await _several(visit)
    session = await visit.set_up_all()
    need_status(await session.request("PLAY", await visit.aggregate()), 200)
    need_status(await session.request("PAUSE", first), 200, 460)


async def tear_down_one(visit: Visit) -> None:
    """TEARDOWN of one of several tracks: the others stay."""
    first = await _several(visit)
    session = await visit.set_up_all()
    answer = await session.request("TEARDOWN", first)
    need_status(answer, 200, 460)
    need_status(await session.request("PLAY", await visit.aggregate()), 200)


async def set_up_again(visit: Visit) -> None:
    """A second SETUP of a track that plays: done, or refused with 455, and the session lives."""
    media = (await visit.sent_media())[0]
    session = await visit.set_up()
    need_status(await session.request("PLAY", await visit.aggregate()), 200)
    other = "RTP/AVP/TCP;unicast;interleaved=4-5"
    answer = await session.request("SETUP", media.control, Transport=other)
    need_status(answer, 200, 455)
    if answer.status == 200 and "interleaved=4-5" not in need_header(answer, "Transport"):
        raise Broken(
            Message("{header} does not name {values}.", header="Transport", values="interleaved=4-5")
        )
    need_status(await session.request("TEARDOWN", await visit.aggregate()), 200)


async def two_sessions(visit: Visit) -> None:
    """Two sessions in one connection: each has its name, and the end of one is not that of the other."""
    media = (await visit.sent_media())[0]
    first = await visit.set_up()
    answer = await first.client.request(
        "SETUP", media.control, {"Transport": "RTP/AVP/TCP;unicast;interleaved=2-3"}
    )
    if answer.status in (453, 455, 461, 503):
        raise Untried(Message("The server does not have this."))
    second = Session(first.client, session_id(answer), (answer,))
    if first.id == second.id:
        raise Broken(Message("Both sessions are named {name}.", name=repr(first.id)))
    need_status(await first.request("TEARDOWN", await visit.aggregate()), 200)
    need_status(await second.request("PLAY", await visit.aggregate()), 200)


async def other_connection(visit: Visit) -> None:
    """A session is not that of a connection, where nothing of it goes through the connection."""
    media = (await visit.sent_media())[0]
    client = await visit.connect()
    answer = await client.request("SETUP", media.control, {"Transport": UDP})
    if answer.status == 461:
        raise Untried(Message("The server does not have this."))
    first = Session(client, session_id(answer), (answer,))
    second = Session(await visit.connect(), first.id, first.answers)
    # The end of a session is asked for in any state, and nothing is sent to nobody's port.
    need_status(await second.request("TEARDOWN", await visit.aggregate()), 200)


async def many_sessions(visit: Visit) -> None:
    """Sessions of a connection that are too many are refused by what is missing."""
    if not visit.thorough:
        raise Untried(Message("This takes what others may need: give --thorough."))
    media = (await visit.sent_media())[0]
    client = await visit.connect()
    for number in range(MOST_SESSIONS):
        channels = f"interleaved={2 * number}-{2 * number + 1}"
        transport = {"Transport": f"RTP/AVP/TCP;unicast;{channels}"}
        answer = await client.request("SETUP", media.control, transport)
        need_status(answer, 200, 453, 503)
        if answer.status != 200:
            return


async def set_parameter(visit: Visit) -> None:
    """SET_PARAMETER without a body, where the server says that it has it."""
    await need_method(visit, "SET_PARAMETER")
    session = await visit.set_up()
    need_status(await session.request("SET_PARAMETER", await visit.aggregate()), 200)


async def no_unicast(visit: Visit) -> None:
    """Clients leave ``unicast`` out where the connection says it."""
    await visit.set_up("RTP/AVP/TCP;interleaved=0-1")


async def no_channels(visit: Visit) -> None:
    """The server chooses channels where the client names none."""
    session = await visit.set_up("RTP/AVP/TCP;unicast")
    if "interleaved=" not in need_header(session.answers[0], "Transport"):
        raise Broken(Message("{header} does not name {values}.", header="Transport", values="interleaved"))


async def clear_description(visit: Visit) -> None:
    """Keys and SRTP are not offered where all can read them."""
    if visit.target.scheme == "rtsps":
        raise Untried(Message("This connection is encrypted."))
    _, description = await visit.describe()
    for word in ("RTP/SAVP", "a=key-mgmt", "a=crypto"):
        if word in description.text:
            raise Broken(Message("The description has {values}.", values=word))


async def _several(visit: Visit) -> str:
    """The URL of the first of several tracks. Untried when there is one alone."""
    media = await visit.sent_media()
    if len(media) < 2:
        raise Untried(Message("The stream has one track."))
    return media[0].control


RULES: Final = (
    Rule(
        "rtsp-whole-setup",
        Message("SETUP at the URL of several tracks is answered 459."),
        "RFC 2326 §11.3.10",
        set_up_whole,
    ),
    Rule(
        "rtsp-track-pause",
        Message("PAUSE of one of several tracks is done, or answered 460."),
        "RFC 2326 §10.6, §11.3.11",
        pause_one,
    ),
    Rule(
        "rtsp-track-teardown",
        Message("TEARDOWN of one of several tracks leaves the others, or is answered 460."),
        "RFC 2326 §10.7, §11.3.11",
        tear_down_one,
    ),
    Rule(
        "rtsp-setup-again",
        Message("A second SETUP of a track that plays changes its transport, or is answered 455."),
        "RFC 2326 §10.4",
        set_up_again,
    ),
    Rule(
        "rtsp-two-sessions",
        Message("Two sessions of a connection have their own names and their own ends."),
        "RFC 2326 §1.1, §12.37",
        two_sessions,
    ),
    Rule(
        "rtsp-other-connection",
        Message("A session over UDP can be ended from another connection."),
        "RFC 2326 §1.1",
        other_connection,
    ),
    Rule(
        "rtsp-many-sessions",
        Message("A session too many is answered 453 or 503."),
        "RFC 2326 §11.3.4",
        many_sessions,
    ),
    Rule(
        "rtsp-set-parameter",
        Message("SET_PARAMETER without a body is answered 200 in a session."),
        "RFC 2326 §10.9, ONVIF Streaming §5.2.2.1",
        set_parameter,
    ),
    Rule(
        "rtsp-no-unicast",
        Message("A transport in the connection is accepted without unicast."),
        "RFC 2326 §10.12",
        no_unicast,
    ),
    Rule(
        "rtsp-no-channels",
        Message("A transport in the connection without channels is given channels."),
        "RFC 2326 §10.12, §12.39",
        no_channels,
    ),
    Rule(
        "rtsp-clear-description",
        Message("The description has neither SRTP nor keys where RTSP is not encrypted."),
        "ONVIF Streaming §5.1.1.4",
        clear_description,
    ),
)
