"""Plays a stream for a while and keeps what comes, within limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from relaycore.doctor.findings import Broken
from relaycore.doctor.recording import Recording, Track, parse_packet, parse_reports
from relaycore.language import Message

if TYPE_CHECKING:
    from relaycore.doctor.visit import Visit

__all__ = ["open_pair", "record"]

Take: TypeAlias = Callable[[int, bytes], None]
"""What is given the channel and the content of each packet."""

MOST_PACKETS: Final = 20_000
"""Packets of RTP and compounds of RTCP that are kept."""

MOST_BYTES: Final = 32 * 1024 * 1024
"""Bytes of them."""

GOODBYE_S: Final = 1.0
"""Seconds after TEARDOWN in which BYE is waited for."""


class _Keeper:
    """Sorts what comes by channels, two for a track as they were set up."""

    def __init__(self, tracks: tuple[Track, ...]) -> None:
        self._tracks = tracks
        self._began = time.monotonic()
        self._packets = 0
        self._bytes = 0

    def take(self, channel: int, data: bytes) -> None:
        self._packets += 1
        self._bytes += len(data)
        index, control = divmod(channel, 2)
        if index >= len(self._tracks) or self._packets > MOST_PACKETS or self._bytes > MOST_BYTES:
            return
        track = self._tracks[index]
        if control:
            track.compounds.append(parse_reports(data))
            track.arrived.append(time.monotonic() - self._began)
            track.seen.append(len(track.packets))
        elif (packet := parse_packet(data)) is not None:
            track.packets.append(packet)
            track.times.append(time.monotonic() - self._began)
        else:
            track.broken.append(data)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, take: Take, channel: int) -> None:
        self._take = take
        self._channel = channel

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:  # noqa: ARG002
        self._take(self._channel, data)


async def record(visit: Visit, seconds: float) -> Recording:
    """What comes in so many seconds of playing all tracks. Broken when the server refuses."""
    media = await visit.sent_media()
    tracks = tuple(Track(one) for one in media)
    keeper = _Keeper(tracks)
    udp = visit.transport == "udp"
    sockets: list[asyncio.DatagramTransport] = []
    try:
        client = await visit.connect()
        client.on_frame = keeper.take
        transports = []
        for index in range(len(tracks)):
            if udp:
                low = await open_pair(client.host, keeper.take, index, sockets)
                transports.append(f"RTP/AVP;unicast;client_port={low}-{low + 1}")
            else:
                transports.append(f"RTP/AVP/TCP;unicast;interleaved={2 * index}-{2 * index + 1}")
        session = await visit.set_up_tracks(client, transports)
        play = await session.request("PLAY", await visit.aggregate(), Range="npt=0.000-")
        if play.status != 200:
            raise Broken(Message("The answer is {status} and not {wanted}.", status=play.status, wanted=200))
        await client.listen(seconds)
        await session.request("TEARDOWN", await visit.aggregate())
        if not any(report.kind == 203 for track in tracks for report in track.reports):
            await client.listen(GOODBYE_S)
    finally:
        for socket in sockets:
            socket.close()
    return Recording(play, tracks, not udp)


async def open_pair(host: str, take: Take, index: int, sockets: list[asyncio.DatagramTransport]) -> int:
    """Two neighbouring ports, the lower one even (RFC 3550 section 11). Broken when there are none.

    ``take`` is given what comes, with channels that count from twice the ``index``. The sockets are added to
    ``sockets``, whatever happens; the last two are those of the ports.
    """
    loop = asyncio.get_running_loop()
    for _ in range(100):
        low, _protocol = await loop.create_datagram_endpoint(
            lambda: _Datagrams(take, 2 * index), local_addr=(host, 0)
        )
        sockets.append(low)
        port: int = low.get_extra_info("sockname")[1]
        if port % 2:
            continue
        try:
            high, _protocol = await loop.create_datagram_endpoint(
                lambda: _Datagrams(take, 2 * index + 1), local_addr=(host, port + 1)
            )
        except OSError:
            continue
        sockets.append(high)
        return port
    raise Broken(Message("No connection was accepted."))
