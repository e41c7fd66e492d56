"""Rules of RTSP about sessions: SETUP, PLAY, TEARDOWN and their headers (RFC 2326)."""

from __future__ import annotations

import re
from typing import Final

from relaycore.doctor.client import Answer
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.rules.asking import need_header, need_status
from relaycore.doctor.visit import TCP, Session, Visit, session_id
from relaycore.language import Message

__all__ = ["RULES"]

UDP: Final = "RTP/AVP;unicast;client_port=42000-42001"
"""Nothing is played by it, so that nobody needs to listen there."""


async def unknown_session(visit: Visit) -> None:
    """A session that there is not."""
    client = await visit.connect()
    need_status(await client.request("PLAY", await visit.aggregate(), {"Session": "relaycoredoctor"}), 454)


async def play_before_set_up(visit: Visit) -> None:
    """PLAY of nothing."""
    client = await visit.connect()
    need_status(await client.request("PLAY", await visit.aggregate()), 455, 454)


async def unknown_transport(visit: Visit) -> None:
    """A transport that nobody has."""
    await _refuse(visit, "RTP/RELAYCORE;unicast")


async def secure_in_clear(visit: Visit) -> None:
    """Keys of SRTP do not go over a connection that all can read."""
    if visit.target.scheme == "rtsps":
        raise Untried(Message("This connection is encrypted."))
    await _refuse(visit, "RTP/SAVP;unicast;client_port=42000-42001")


async def transport_list(visit: Visit) -> None:
    """The first of several transports that the server has is taken."""
    session = await visit.set_up(f"RTP/RELAYCORE;unicast,{TCP}")
    _need_transport(session, "RTP/AVP/TCP")


async def quoted_mode(visit: Visit) -> None:
    """``mode`` in quotes, as the specification writes it."""
    await visit.set_up(f'{TCP};mode="PLAY"')


async def chosen_channels(visit: Visit) -> None:
    """Channels are those that the client has chosen."""
    session = await visit.set_up("RTP/AVP/TCP;unicast;interleaved=6-7")
    _need_transport(session, "interleaved=6-7")


async def udp(visit: Visit) -> None:
    """RTP over UDP, which is all that some recorders know."""
    media = (await visit.sent_media())[0]
    client = await visit.connect()
    answer = await client.request("SETUP", media.control, {"Transport": UDP})
    if answer.status == 461 and visit.target.scheme == "rtsps":
        # Datagrams would leave the encryption.
        raise Untried(Message("This connection is encrypted."))
    session = Session(client, session_id(answer), (answer,))
    _need_transport(session, "client_port=42000-42001")
    _need_transport(session, "server_port=")


async def udp_source(visit: Visit) -> None:
    """The address that media come from, without which some clients take none."""
    media = (await visit.sent_media())[0]
    client = await visit.connect()
    answer = await client.request("SETUP", media.control, {"Transport": UDP})
    if answer.status == 461:
        raise Untried(Message("The server does not have this."))
    _need_transport(Session(client, session_id(answer), (answer,)), "source=")


async def timeout(visit: Visit) -> None:
    """How often a sign of life is wanted is said."""
    session = await visit.set_up()
    value = need_header(session.answers[0], "Session")
    if not re.search(r";\s*timeout\s*=\s*[1-9]\d*\s*$", value):
        raise Broken(Message("{header} does not name {values}.", header="Session", values="timeout"))


async def echoed_session(visit: Visit) -> None:
    """Clients that send the whole header back."""
    session = await visit.set_up_all()
    whole = need_header(session.answers[0], "Session")
    whole = whole if ";" in whole else f"{whole};timeout=60"
    answer = await session.client.request("PLAY", await visit.aggregate(), {"Session": whole})
    need_status(answer, 200)


async def sign_of_life(visit: Visit) -> None:
    """GET_PARAMETER without a body, where the server says that it has it."""
    client = await visit.connect()
    answer = await client.request("OPTIONS", visit.url)
    if "GET_PARAMETER" not in (answer.get("public") or ""):
        raise Untried(Message("The server does not have this."))
    session = await visit.set_up()
    need_status(await session.request("GET_PARAMETER", await visit.aggregate()), 200)


async def play_range(visit: Visit) -> None:
    """PLAY says from when on it plays."""
    answer = await _play(visit)
    value = need_header(answer, "Range")
    if not re.match(r"(npt|clock|smpte)\s*=", value):
        raise Broken(Message("{header} cannot be read: {value}", header="Range", value=repr(value)))


async def rtp_info(visit: Visit) -> None:
    """PLAY says with which number and time every track begins."""
    answer = await _play(visit)
    value = need_header(answer, "RTP-Info")
    tracks = len(await visit.sent_media())
    parts = [part for part in re.split(r",\s*(?=url=)", value) if "seq=" in part and "rtptime=" in part]
    if len(parts) != tracks:
        raise Broken(Message("{header} cannot be read: {value}", header="RTP-Info", value=repr(value)))


async def tear_down(visit: Visit) -> None:
    """TEARDOWN ends the session, so that it is unknown afterwards."""
    session = await visit.set_up()
    need_status(await session.request("TEARDOWN", await visit.aggregate()), 200)
    need_status(await session.request("PLAY", await visit.aggregate()), 454)


async def lone_track(visit: Visit) -> None:
    """PLAY and TEARDOWN at the URL of a track that is the only one."""
    media = await visit.sent_media()
    if len(media) > 1:
        raise Untried(Message("The stream has several tracks."))
    session = await visit.set_up()
    need_status(await session.request("PLAY", media[0].control), 200)
    need_status(await session.request("TEARDOWN", media[0].control), 200)


async def slash(visit: Visit) -> None:
    """PLAY at the URL without the slash that the base has."""
    session = await visit.set_up_all()
    need_status(await session.request("PLAY", (await visit.aggregate()).rstrip("/")), 200)


async def _play(visit: Visit) -> Answer:
    session = await visit.set_up_all()
    answer = await session.request("PLAY", await visit.aggregate(), Range="npt=0.000-")
    need_status(answer, 200)
    return answer


async def _refuse(visit: Visit, transport: str) -> None:
    media = (await visit.sent_media())[0]
    client = await visit.connect()
    need_status(await client.request("SETUP", media.control, {"Transport": transport}), 461)


def _need_transport(session: Session, part: str) -> None:
    value = need_header(session.answers[0], "Transport")
    if part not in value:
        raise Broken(Message("{header} does not name {values}.", header="Transport", values=part))


RULES: Final = (
    Rule(
        "rtsp-unknown-session",
        Message("A session that is not there is answered 454."),
        "RFC 2326 §11.3.5",
        unknown_session,
    ),
    Rule(
        "rtsp-state",
        Message("PLAY before SETUP is answered 455 or 454."),
        "RFC 2326 §11.3.6, §A.2",
        play_before_set_up,
    ),
    Rule(
        "rtsp-unknown-transport",
        Message("A transport that is not there is answered 461."),
        "RFC 2326 §11.3.12",
        unknown_transport,
    ),
    Rule(
        "rtsp-secure-in-clear",
        Message("SRTP is refused with 461 where RTSP is not encrypted."),
        "ONVIF Streaming 26.06",
        secure_in_clear,
    ),
    Rule(
        "rtsp-transport-list",
        Message("Of several transports, the first that the server has is taken."),
        "RFC 2326 §12.39",
        transport_list,
    ),
    Rule("rtsp-mode", Message('mode="PLAY" of a transport is accepted.'), "RFC 2326 §12.39", quoted_mode),
    Rule(
        "rtsp-channels",
        Message("Interleaved channels are those that the client has chosen."),
        "RFC 2326 §10.12",
        chosen_channels,
    ),
    Rule("rtsp-udp", Message("RTP over UDP can be set up."), "ONVIF Streaming §5.1.1", udp),
    Rule(
        "rtsp-udp-source",
        Message("The Transport of UDP says the source address."),
        "RFC 2326 §12.39",
        udp_source,
    ),
    Rule(
        "rtsp-timeout",
        Message("The Session of a SETUP's answer says the timeout."),
        "RFC 2326 §12.37",
        timeout,
    ),
    Rule(
        "rtsp-echoed-session",
        Message("A Session that is sent back with its timeout is understood."),
        "RFC 2326 §12.37",
        echoed_session,
    ),
    Rule(
        "rtsp-sign-of-life",
        Message("GET_PARAMETER without a body is answered 200 in a session."),
        "RFC 2326 §10.8",
        sign_of_life,
    ),
    Rule("rtsp-range", Message("PLAY is answered with a Range."), "RFC 2326 §12.29", play_range),
    Rule(
        "rtsp-rtp-info",
        Message("PLAY is answered with the RTP-Info of every track."),
        "RFC 2326 §12.33",
        rtp_info,
    ),
    Rule(
        "rtsp-teardown",
        Message("TEARDOWN is answered 200, and the session is unknown afterwards."),
        "RFC 2326 §10.7",
        tear_down,
    ),
    Rule(
        "rtsp-lone-track",
        Message("PLAY and TEARDOWN at the URL of the only track are accepted."),
        "RFC 2326 §10.5, §C.1.1",
        lone_track,
    ),
    Rule(
        "rtsp-slash",
        Message("PLAY at the URL without its last slash is accepted."),
        "RFC 2326 §C.1.1",
        slash,
    ),
)
