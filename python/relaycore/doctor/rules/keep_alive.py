"""Rules of how long sessions live: with signs of life longer than their timeout, without any no longer.

All sessions are waited for at once, over UDP: what is sent there does not stop by itself, and nothing but
these signs says that somebody is there.
"""

from __future__ import annotations

import asyncio
import re
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.recorder import open_pair
from relaycore.doctor.rules.asking import need_status
from relaycore.doctor.visit import Session, Visit
from relaycore.language import Message

__all__ = ["RULES"]

DEFAULT_S: Final = 60.0
"""Timeout of a session whose server names none (RFC 2326 section 12.37)."""

LONGEST_S: Final = 120.0
"""Timeout that is waited for at most."""

SIGN: Final = 0.75
"""Part of the timeout between two signs of life."""

END: Final = 1.75
"""Part of the timeout after which is looked who lives."""

LOOK: Final = 0.2
"""Part of the timeout before that in which packets show that a session lives."""

FIRST_S: Final = 0.1
"""Seconds between looks whether every session has had a packet."""

FIRST_TRIES: Final = 50

KEPT: Final = "lives"

OWN_SOURCE: Final = 0x72636472
"""SSRC of our reports."""

REPORTS: Final = "reports"
SILENT: Final = "silent"
CLOSED: Final = "closed"


@dataclass
class Life:
    """One session that is waited for. ``last`` is when a packet of its first track came, monotonic."""

    session: Session
    reports: asyncio.DatagramTransport
    timeout_s: float
    last: float = 0.0
    source: int = 0
    highest: int = 0

    def take(self, channel: int, data: bytes) -> None:
        """A packet of it."""
        if channel == 0 and len(data) >= 12:
            self.last = time.monotonic()
            self.highest, self.source = struct.unpack_from("!H4xI", data, 2)


async def by_options(visit: Visit) -> None:
    """Any request is a sign of life."""
    await _need_alive(visit, "OPTIONS")


async def by_get_parameter(visit: Visit) -> None:
    """The sign of life that most clients give."""
    await _need_alive(visit, "GET_PARAMETER")


async def by_set_parameter(visit: Visit) -> None:
    """The sign of life that recorders of ONVIF may give."""
    await _need_alive(visit, "SET_PARAMETER")


async def by_reports(visit: Visit) -> None:
    """Receiver reports alone, as clients of UDP send them."""
    await _need_alive(visit, REPORTS)


async def without_sign(visit: Visit) -> None:
    """Who gives no sign of life is not sent to for ever."""
    await _need_ended(visit, SILENT)


async def without_connection(visit: Visit) -> None:
    """Who has closed the connection is not, either."""
    await _need_ended(visit, CLOSED)


async def _need_alive(visit: Visit, name: str) -> None:
    lives = await _lives(visit)
    if name not in lives:
        raise Untried(Message("The server does not have this."))
    if not lives[name]:
        raise Broken(Message("The session ended."))


async def _need_ended(visit: Visit, name: str) -> None:
    if (await _lives(visit))[name]:
        raise Broken(Message("Packets came long after the timeout."))


async def _lives(visit: Visit) -> dict[str, bool]:
    """Which sessions live, which is waited for once. Untried where that is not possible."""
    if not visit.thorough:
        raise Untried(Message("This takes minutes: give --thorough."))
    if KEPT not in visit.kept:
        try:
            visit.kept[KEPT] = await _wait(visit)
        except (Broken, Untried) as error:
            visit.kept[KEPT] = Untried(error.why)
    lives = visit.kept[KEPT]
    if isinstance(lives, dict):
        return lives
    assert isinstance(lives, Untried)
    raise lives


async def _wait(visit: Visit) -> dict[str, bool]:
    client = await visit.connect()
    public = (await client.request("OPTIONS", visit.url)).get("public") or ""
    names = [name for name in ("GET_PARAMETER", "SET_PARAMETER") if name in re.split(r"[\s,]+", public)]
    lives: dict[str, Life] = {}
    sockets: list[asyncio.DatagramTransport] = []
    try:
        for name in ("OPTIONS", *names, REPORTS, SILENT, CLOSED):
            lives[name] = await _begin(visit, sockets)
        await _need_packets(list(lives.values()))
        lives[CLOSED].session.client.close()
        began = time.monotonic()
        timeout_s = lives[SILENT].timeout_s
        for number in (1, 2):
            await asyncio.sleep(max(0.0, began + number * SIGN * timeout_s - time.monotonic()))
            for name in ("OPTIONS", *names):
                await _ask(visit, name, lives[name].session)
            _report(visit, lives[REPORTS])
        await asyncio.sleep(max(0.0, began + END * timeout_s - time.monotonic()))
        looked_from = time.monotonic() - LOOK * timeout_s
        return {name: life.last > looked_from for name, life in lives.items()}
    finally:
        for socket in sockets:
            socket.close()


async def _need_packets(lives: list[Life]) -> None:
    """Returns when all sessions have had a packet. Untried when that does not come."""
    for _ in range(FIRST_TRIES):
        if all(life.last for life in lives):
            return
        await asyncio.sleep(FIRST_S)
    raise Untried(Message("No packet came."))


async def _begin(visit: Visit, sockets: list[asyncio.DatagramTransport]) -> Life:
    """A session that plays over UDP. Untried where there is none, or its timeout is too long."""
    client = await visit.connect()
    took: list[Life] = []
    transports, reports = [], []

    def take(channel: int, data: bytes) -> None:
        for life in took:
            life.take(channel, data)

    for index in range(len(await visit.sent_media())):
        # Of all tracks: some servers wait for the others where one is played alone.
        low = await open_pair(client.host, take, index, sockets)
        transports.append(f"RTP/AVP;unicast;client_port={low}-{low + 1}")
        reports.append(sockets[-1])
    session = await visit.set_up_tracks(client, transports)
    answer = session.answers[0]
    found = re.search(r";\s*timeout\s*=\s*(\d{1,6})", answer.get("session") or "")
    timeout_s = float(found[1]) if found else DEFAULT_S
    if not 1 <= timeout_s <= LONGEST_S:
        raise Untried(Message("The timeout of {seconds} s is not waited for.", seconds=int(timeout_s)))
    took.append(Life(session, reports[0], timeout_s))
    need_status(await session.request("PLAY", await visit.aggregate()), 200)
    return took[0]


async def _ask(visit: Visit, name: str, session: Session) -> None:
    """A request as a sign of life. Its answer does not count: whether packets come does."""
    try:
        await session.request(name, await visit.aggregate())
    except Broken:
        return


def _report(visit: Visit, life: Life) -> None:
    """A receiver report with our name, to where the Transport says (RFC 3550 sections 6.4.2 and 6.5)."""
    transport = life.session.answers[0].get("transport") or ""
    ports = re.search(r"server_port=\d{1,5}-(\d{1,5})", transport)
    if ports is None or not 1 <= int(ports[1]) <= 65535:
        return
    report = struct.pack("!BBHIIIIIII", 0x81, 201, 7, OWN_SOURCE, life.source, 0, life.highest, 0, 0, 0)
    name = b"relaycore-doctor"
    item = bytes([1, len(name)]) + name
    item += bytes(4 - len(item) % 4)
    description = struct.pack("!BBHI", 0x81, 202, 1 + len(item) // 4, OWN_SOURCE) + item
    life.reports.sendto(report + description, (life.session.client.peer, int(ports[1])))
    visit.said.append((True, (report + description).hex(" ").encode()))


def _rule(id_: str, text: str, source: str, check: Callable[[Visit], Awaitable[None]]) -> Rule:
    return Rule(id_, text, source, check, seconds=END * LONGEST_S)


RULES: Final = (
    _rule(
        "alive-options",
        Message("OPTIONS keeps a session alive beyond its timeout."),
        "ONVIF Streaming §5.2.2.2",
        by_options,
    ),
    _rule(
        "alive-get-parameter",
        Message("GET_PARAMETER keeps a session alive beyond its timeout."),
        "RFC 2326 §10.8, ONVIF Streaming §5.2.2.2",
        by_get_parameter,
    ),
    _rule(
        "alive-set-parameter",
        Message("SET_PARAMETER keeps a session alive beyond its timeout."),
        "ONVIF Streaming §5.2.2.1, §5.2.2.2",
        by_set_parameter,
    ),
    _rule(
        "alive-reports",
        Message("Receiver reports keep a session alive beyond its timeout."),
        "ONVIF Streaming §5.2.2.2",
        by_reports,
    ),
    _rule(
        "alive-not",
        Message("A session without a sign of life ends after its timeout."),
        "RFC 2326 §12.37, ONVIF Streaming §5.2.2.2",
        without_sign,
    ),
    _rule(
        "alive-closed",
        Message("A session whose connection was closed ends after its timeout."),
        "RFC 2326 §12.37, ONVIF Streaming §5.2.2.2",
        without_connection,
    ),
)
