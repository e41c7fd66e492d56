"""A raw RTSP client that shows what is on the wire, and forgives nothing.

It is for tests that ask when each packet came and whether one is missing, which no player tells::

    async with await Client.connect(url) as client:
        await client.start(udp=False)
        packet = await client.packet()
"""

from __future__ import annotations

import asyncio
import re
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

__all__ = ["Client", "Gaps", "Response", "RtcpPacket", "RtpPacket", "Track", "Writer"]

TIMEOUT = 20.0
"""Seconds until a missing answer or packet fails a test."""


@dataclass(frozen=True)
class Response:
    """One answer of the server. Names of headers are in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Track:
    """One media section of the session description."""

    kind: str
    control: str


@dataclass(frozen=True)
class RtpPacket:
    """An RTP packet (RFC 3550, section 5.1), the index of its track, and when it came (monotonic seconds)."""

    track: int
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    arrived: float

    @classmethod
    def parse(cls, track: int, data: bytes) -> Self:
        """The packet in ``data``. ValueError when that is no plain RTP packet of version 2."""
        if len(data) < 12 or data[0] != 0x80:
            raise ValueError(f"not a plain RTP packet: {data[:12].hex()}")
        second, sequence, timestamp, ssrc = struct.unpack_from("!xBHII", data)
        return cls(
            track=track,
            payload_type=second & 0x7F,
            marker=bool(second & 0x80),
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=data[12:],
            arrived=time.monotonic(),
        )


@dataclass(frozen=True)
class RtcpPacket:
    """A compound RTCP packet as it came, and the index of its track."""

    track: int
    data: bytes

    @property
    def types(self) -> list[int]:
        """The packet types in the compound (RFC 3550, section 12.1): 200 SR, 202 SDES, 203 BYE."""
        types, at = [], 0
        while at < len(self.data):
            packet_type, words = struct.unpack_from("!xBH", self.data, at)
            types.append(packet_type)
            at += 4 * (words + 1)
        return types


@dataclass
class Gaps:
    """Follows the sequence numbers of every source and keeps each jump as (track, expected, got)."""

    expected: dict[int, int] = field(default_factory=dict)
    jumps: list[tuple[int, int, int]] = field(default_factory=list)
    packets: int = 0

    def add(self, packet: RtpPacket) -> None:
        """Take the next packet into account."""
        expected = self.expected.get(packet.ssrc, packet.sequence)
        if packet.sequence != expected:
            self.jumps.append((packet.track, expected, packet.sequence))
        self.expected[packet.ssrc] = (packet.sequence + 1) & 0xFFFF
        self.packets += 1


class Writer(Protocol):
    """Where a client writes to, such as a stream of asyncio."""

    def write(self, data: bytes, /) -> None:
        """Send bytes."""

    def close(self) -> None:
        """End the connection."""

    def get_extra_info(self, name: str, /) -> Any:
        """What is known of the connection."""


class Client:
    """One RTSP connection. ``start`` is DESCRIBE, SETUP of all tracks and PLAY in one."""

    def __init__(self, url: str, reader: asyncio.StreamReader, writer: Writer) -> None:
        self.url = url
        self.tracks: list[Track] = []
        self.session: str | None = None
        self.headers: dict[str, str] = {}
        """Headers of every request, beside those that it needs."""
        self.play_response: Response | None = None
        self._reader = reader
        self._writer = writer
        self._sequence = 0
        self._responses: asyncio.Queue[Response] = asyncio.Queue()
        self._packets: asyncio.Queue[RtpPacket | Exception] = asyncio.Queue()
        self._rtcp: asyncio.Queue[RtcpPacket] = asyncio.Queue()
        self._sockets: list[asyncio.DatagramTransport] = []
        self._receiving = asyncio.create_task(self._receive())

    @classmethod
    async def connect(cls, url: str) -> Self:
        """Connect to the server that ``url`` names, and ask nothing yet."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        return cls(url, reader, writer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection without a word, as a player that crashed does."""
        for socket in self._sockets:
            socket.close()
        self._writer.close()
        self._receiving.cancel()
        await asyncio.gather(self._receiving, return_exceptions=True)

    async def request(
        self,
        method: str,
        uri: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        """Send a request and wait for its answer."""
        self._sequence += 1
        lines = [f"{method} {uri or self.url} RTSP/1.0", f"CSeq: {self._sequence}"]
        if self.session is not None:
            lines.append(f"Session: {self.session}")
        lines += [f"{name}: {value}" for name, value in {**self.headers, **(headers or {})}.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        async with asyncio.timeout(TIMEOUT):
            response = await self._responses.get()
        assert response.headers["cseq"] == str(self._sequence)
        return response

    async def start(self, *, udp: bool) -> None:
        """Describe, set up every track and play. AssertionError when the server refuses."""
        await self.describe()
        for index, track in enumerate(self.tracks):
            await self._set_up(index, track, udp=udp)
        self.play_response = await self.request("PLAY", headers={"Range": "npt=0.000-"})
        assert self.play_response.status == 200, self.play_response

    async def describe(self) -> Response:
        """Ask for the session description and keep its tracks."""
        response = await self.request("DESCRIBE", headers={"Accept": "application/sdp"})
        assert response.status == 200, response
        base = response.headers.get("content-base", self.url)
        base = base if base.endswith("/") else base + "/"
        for section in re.split(r"^m=", response.body.decode(), flags=re.MULTILINE)[1:]:
            control = re.search(r"^a=control:(\S+)", section, flags=re.MULTILINE)
            assert control is not None, section
            uri = control[1] if "://" in control[1] else base + control[1]
            self.tracks.append(Track(kind=section.split(" ", 1)[0], control=uri))
        return response

    async def tear_down(self) -> None:
        """End the session in the way of RFC 2326, section 10.7."""
        response = await self.request("TEARDOWN")
        assert response.status == 200, response

    async def packet(self) -> RtpPacket:
        """The next RTP packet of any track.

        EOFError when the server has closed the connection, ValueError when it sent something else.
        """
        async with asyncio.timeout(TIMEOUT):
            packet = await self._packets.get()
        if isinstance(packet, Exception):
            raise packet
        return packet

    async def rtcp(self) -> RtcpPacket:
        """The next RTCP packet of any track."""
        async with asyncio.timeout(TIMEOUT):
            return await self._rtcp.get()

    def send_rtcp(self, track: int, packet: bytes) -> None:
        """Send an RTCP packet about a track in the connection, on its usual channel."""
        self._writer.write(struct.pack("!BBH", 0x24, 2 * track + 1, len(packet)) + packet)

    async def _set_up(self, index: int, track: Track, *, udp: bool) -> None:
        if udp:
            ports = await self._open_ports(index)
            transport = f"RTP/AVP;unicast;client_port={ports[0]}-{ports[1]}"
        else:
            transport = f"RTP/AVP/TCP;unicast;interleaved={2 * index}-{2 * index + 1}"
        response = await self.request("SETUP", track.control, {"Transport": transport})
        assert response.status == 200, response
        self.session = response.headers["session"].split(";")[0]

    async def _open_ports(self, index: int) -> list[int]:
        """Bind two neighbouring UDP ports, the lower one even (RFC 3550, section 11)."""
        loop = asyncio.get_running_loop()
        host = self._writer.get_extra_info("sockname")[0]
        while True:
            rtp, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self, 2 * index), local_addr=(host, 0)
            )
            port: int = rtp.get_extra_info("sockname")[1]
            if port % 2 == 0:
                try:
                    rtcp, _ = await loop.create_datagram_endpoint(
                        lambda: _Datagrams(self, 2 * index + 1), local_addr=(host, port + 1)
                    )
                except OSError:
                    rtp.close()
                    continue
                self._sockets += [rtp, rtcp]
                return [port, port + 1]
            rtp.close()

    def _deliver(self, channel: int, data: bytes) -> None:
        track, control = divmod(channel, 2)
        if control:
            self._rtcp.put_nowait(RtcpPacket(track, data))
            return
        try:
            self._packets.put_nowait(RtpPacket.parse(track, data))
        except ValueError as error:
            self._packets.put_nowait(error)

    async def _receive(self) -> None:
        try:
            while True:
                first = await self._reader.readexactly(1)
                if first == b"$":
                    channel, length = struct.unpack("!BH", await self._reader.readexactly(3))
                    self._deliver(channel, await self._reader.readexactly(length))
                else:
                    self._responses.put_nowait(await self._read_response(first))
        except (asyncio.IncompleteReadError, ConnectionError):
            self._packets.put_nowait(EOFError("the server closed the connection"))

    async def _read_response(self, first: bytes) -> Response:
        head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode()
        status_line, *lines = head.rstrip().split("\r\n")
        _, status, reason = status_line.split(" ", 2)
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Response(int(status), reason, headers, body)


class _Datagrams(asyncio.DatagramProtocol):
    """Hands what one UDP port receives to the client, as if it came on ``channel``."""

    def __init__(self, client: Client, channel: int) -> None:
        self._client = client
        self._channel = channel

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self._client._deliver(self._channel, data)
