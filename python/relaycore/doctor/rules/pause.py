"""Rules of PAUSE, and of what is played after it (RFC 2326)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from relaycore.doctor.client import Answer
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.recording import Packet, hex_line, parse_packet
from relaycore.doctor.rules.asking import need_method, need_status
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

PLAYED_S: Final = 1.0
"""Seconds that are played before and after the PAUSE."""

STOPPING_S: Final = 0.3
"""Seconds after the answer to PAUSE in which what was on its way may still come."""

PAUSED_S: Final = 0.7
"""Seconds after them in which nothing comes."""

MOST_PACKETS: Final = 10_000
"""Packets that are kept of one turn."""


KEPT: Final = "pause"


@dataclass(frozen=True, slots=True)
class Paused:
    """What was played before the PAUSE, what came in it, the answer to the second PLAY, and what came then.

    Packets stand with their channels.
    """

    before: list[tuple[int, Packet]]
    within: list[tuple[int, Packet]]
    play: Answer
    after: list[tuple[int, Packet]]


async def stops(visit: Visit) -> None:
    """Nothing comes while it is paused."""
    paused = await _paused(visit)
    if paused.within:
        visit.said.append((False, hex_line(paused.within[0][1].data)))
        raise Broken(Message("Packets came after PAUSE."))


async def goes_on(visit: Visit) -> None:
    """Receivers take a jump in the numbers for loss."""
    paused = await _paused(visit)
    for channel, packet in _firsts(paused):
        last = next(one for at, one in reversed(paused.before + paused.within) if at == channel)
        later = (packet.timestamp - last.timestamp) & 0xFFFFFFFF
        if packet.sequence != (last.sequence + 1) & 0xFFFF:
            raise _show(visit, last, packet, Message("The sequence numbers jump."))
        if later >= 2**31:
            raise _show(visit, last, packet, Message("The timestamps go back."))
        if packet.ssrc != last.ssrc:
            raise _show(visit, last, packet, Message("The source (SSRC) changes."))


async def info(visit: Visit) -> None:
    """The second PLAY names the packet that is really sent first."""
    paused = await _paused(visit)
    infos = re.findall(r"seq=(\d{1,5})[^,]*?rtptime=(\d{1,10})", paused.play.get("rtp-info") or "")
    tracks = len(await visit.sent_media())
    if len(infos) != tracks:
        raise Untried(Message("The answer has no {header}.", header="RTP-Info"))
    for channel, packet in _firsts(paused):
        number, timestamp = infos[channel // 2]
        if (packet.sequence, packet.timestamp) != (int(number), int(timestamp)):
            visit.said.append((False, hex_line(packet.data)))
            raise Broken(
                Message(
                    "The first packet has seq={sequence} and rtptime={timestamp}.",
                    sequence=str(packet.sequence),
                    timestamp=str(packet.timestamp),
                )
            )


async def _paused(visit: Visit) -> Paused:
    """What came around a PAUSE, which is asked for once. Broken or Untried where that is not possible."""
    if KEPT not in visit.kept:
        try:
            visit.kept[KEPT] = await _pause(visit)
        except (Broken, Untried) as error:
            visit.kept[KEPT] = Untried(error.why)
            raise
    paused = visit.kept[KEPT]
    if isinstance(paused, Paused):
        return paused
    assert isinstance(paused, Untried)
    raise paused


async def _pause(visit: Visit) -> Paused:
    await need_method(visit, "PAUSE")
    session = await visit.set_up_all()
    came: list[tuple[int, Packet]] = []

    def take(channel: int, content: bytes) -> None:
        packet = parse_packet(content) if channel % 2 == 0 else None
        if packet is not None and len(came) < MOST_PACKETS:
            came.append((channel, packet))

    def turn() -> list[tuple[int, Packet]]:
        found = list(came)
        came.clear()
        return found

    session.client.on_frame = take
    url = await visit.aggregate()
    need_status(await session.request("PLAY", url), 200)
    await session.client.listen(PLAYED_S)
    need_status(await session.request("PAUSE", url), 200)
    await session.client.listen(STOPPING_S)
    before = turn()
    await session.client.listen(PAUSED_S)
    within = turn()
    play = await session.request("PLAY", url)
    need_status(play, 200)
    late = turn()
    await session.client.listen(PLAYED_S)
    paused = Paused(before, within + late, play, turn())
    if not paused.before or not paused.after:
        raise Untried(Message("No packet came."))
    return paused


def _firsts(paused: Paused) -> list[tuple[int, Packet]]:
    """The first packet of each channel after the PAUSE that had some before it."""
    known = {channel for channel, _ in paused.before}
    firsts: dict[int, Packet] = {}
    for channel, packet in paused.after:
        if channel in known:
            firsts.setdefault(channel, packet)
    return list(firsts.items())


def _show(visit: Visit, last: Packet, packet: Packet, why: str) -> Broken:
    visit.said.extend((False, hex_line(one.data)) for one in (last, packet))
    return Broken(why)


RULES: Final = (
    Rule(
        "rtsp-pause",
        Message("PAUSE is answered 200, and nothing is sent until PLAY."),
        "RFC 2326 §10.6",
        stops,
    ),
    Rule(
        "rtp-pause",
        Message("After a PAUSE, sequence numbers and timestamps go on where they stopped."),
        "RFC 2326 §B",
        goes_on,
    ),
    Rule(
        "rtp-pause-info",
        Message("RTP-Info after a PAUSE names the first packet."),
        "RFC 2326 §12.33",
        info,
    ),
)
