"""A server between browser and relay that does to the media what networks and relays do on bad days.

It passes on what it is asked to the relay. The media of a path it makes of what it reads from the relay over
RTSP, with PyAV alone, so that a player can be tried by itself, and each way can be blocked, cut and refused.
"""

from __future__ import annotations

import asyncio
import io
import re
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from fractions import Fraction
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import av
from aiohttp import hdrs, web

from tests.browser.boxes import Boxes

__all__ = ["StandIn", "stand_in"]

LIMIT: Final = 20.0
"""Seconds for what takes a moment; only a hang takes that long."""

_END_TO_END: Final = ("content-type", "content-security-policy", "cache-control", "location", "etag")
_OFFER: Final = re.compile(rb'("|&quot;)(transports|silent)\1:\[[^\]]*\]')
"""In the description of a path, as it is and inside a page."""


class StandIn:
    """The server. Its methods are called from any thread.

    ``offers`` are the transports that pages are told of. ``refuse`` gives statuses by the last part of an
    address, such as ``{"ws": 404}``; 0 closes the connection without a word. ``stalled`` stops the media,
    ``asked`` counts requests by the last part, and ``pages`` are pages of its own by their address: those
    that Playwright makes up count as ones of the internet, which may not connect to this machine.
    """

    def __init__(self, target: str, stream: str) -> None:
        self.refuse: dict[str, int] = {}
        self.stalled = threading.Event()
        self.offers = ["mse", "mjpeg"]
        self.asked: dict[str, int] = {}
        self.pages: dict[str, str] = {}
        self._target, self._stream = target, stream
        self._open: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None
        self.site = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT)
        self._loop.close()

    def cut(self) -> None:
        """Ends all connections that carry media."""
        self._call(self._cut())

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT)

    async def _cut(self) -> None:
        for transport in self._open:
            transport.abort()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/{path:.+}/ws", self._guarded(self._websocket))
        app.router.add_get("/{path:.+}/mjpeg", self._guarded(self._pictures))
        app.router.add_post("/{path:.+}/journey", self._guarded(self._journey))
        app.router.add_route("*", "/{path:.*}", self._guarded(self._pass_on))
        self._http = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app, shutdown_timeout=5, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.site = f"http://{host}:{port}"

    async def _stop(self) -> None:
        self.stalled.clear()
        await self._cut()
        assert self._runner is not None
        await self._runner.cleanup()
        assert self._http is not None
        await self._http.close()

    def _guarded(self, handler: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            last = request.path.rpartition("/")[2]
            self.asked[last] = self.asked.get(last, 0) + 1
            status = self.refuse.get(last)
            if status == 0:
                assert request.transport is not None
                request.transport.abort()
            if status is not None:
                return web.json_response({"error": "Refused by the test."}, status=status or 500)
            answer: web.StreamResponse = await handler(request)
            return answer

        return handle

    async def _journey(self, _request: web.Request) -> web.StreamResponse:
        """The relay knows nothing of who watches here."""
        return web.Response(status=204)

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.pages:
            return web.Response(text=self.pages[request.path], content_type="text/html")
        assert self._http is not None
        headers = {"Accept": request.headers.get(hdrs.ACCEPT, "*/*")}
        if hdrs.ORIGIN in request.headers:
            headers[hdrs.ORIGIN] = self._target
        async with self._http.request(
            request.method,
            self._target + request.raw_path,
            data=await request.read(),
            headers=headers,
            allow_redirects=False,
        ) as answer:
            kept = {name: answer.headers[name] for name in _END_TO_END if name in answer.headers}
            if "access-control-allow-origin" in answer.headers:
                kept["access-control-allow-origin"] = "*"
            body = _OFFER.sub(self._offer, await answer.read())
            return web.Response(status=answer.status, body=body, headers=kept)

    def _offer(self, found: re.Match[bytes]) -> bytes:
        quote, name = found[1], found[2]
        named = self.offers if name == b"transports" else [name for name in self.offers if name != "mse"]
        names = b",".join(quote + name.encode() + quote for name in named)
        return b"%b%b%b:[%b]" % (quote, name, quote, names)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        self._open.add(transport := request.transport)
        try:
            async with aclosing(self._pieces(_fragments)) as pieces:
                async for piece in pieces:
                    await socket.send_bytes(piece)
        except (ConnectionError, aiohttp.ClientError):
            pass
        finally:
            self._open.discard(transport)
        return socket

    async def _pictures(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "multipart/x-mixed-replace; boundary=b"})
        await response.prepare(request)
        assert request.transport is not None
        self._open.add(transport := request.transport)
        try:
            async with aclosing(self._pieces(_jpegs)) as pieces:
                async for piece in pieces:
                    head = f"--b\r\nContent-Type: image/jpeg\r\nContent-Length: {len(piece)}\r\n\r\n"
                    await response.write(head.encode() + piece + b"\r\n")
        except ConnectionError:
            pass
        finally:
            self._open.discard(transport)
        return response

    async def _pieces(self, make: Callable[[str], Iterator[bytes]]) -> AsyncGenerator[bytes, None]:
        """What a thread makes of the stream, as long as somebody takes it."""
        loop = asyncio.get_running_loop()
        made: asyncio.Queue[bytes | None] = asyncio.Queue()
        gone = threading.Event()

        def work() -> None:
            try:
                for piece in make(self._stream):
                    if gone.is_set():
                        return
                    if not self.stalled.is_set():
                        loop.call_soon_threadsafe(made.put_nowait, piece)
            except av.error.FFmpegError:
                pass
            finally:
                loop.call_soon_threadsafe(made.put_nowait, None)

        working = loop.run_in_executor(None, work)
        try:
            while (piece := await made.get()) is not None:
                yield piece
        finally:
            gone.set()
            await working


@contextmanager
def stand_in(target: str, stream: str) -> Iterator[StandIn]:
    """A server in front of the relay at ``target``, which has the stream at this RTSP URL."""
    with StandIn(target, stream) as server:
        yield server


_LIVE: Final = {
    "rtsp_transport": "tcp",
    "fflags": "nobuffer",
    "flags": "low_delay",
    "timeout": "10000000",
    "analyzeduration": "100000",
}


def _fragments(url: str) -> Iterator[bytes]:
    """An initialisation segment, and then a fragment of MP4 for each access unit."""
    movflags = "frag_every_frame+empty_moov+default_base_moof"
    written = io.BytesIO()
    with (
        av.open(url, options=_LIVE) as source,
        av.open(written, "w", format="mp4", options={"movflags": movflags, "flush_packets": "1"}) as sink,
    ):
        tracks = {
            stream.index: sink.add_stream_from_template(stream)
            for stream in source.streams
            if isinstance(stream, av.VideoStream | av.AudioStream)
        }
        boxes = Boxes(written)
        for packet in source.demux():
            if packet.dts is None:
                continue
            packet.stream = tracks[packet.stream.index]
            sink.mux(packet)
            yield from boxes.take()


def _jpegs(url: str) -> Iterator[bytes]:
    """A JPEG for each picture."""
    with av.open(url, options=_LIVE) as source:
        encoder = av.CodecContext.create("mjpeg", "w")
        assert isinstance(encoder, av.VideoCodecContext)
        for frame in source.decode(video=0):
            assert isinstance(frame, av.VideoFrame)
            if not encoder.is_open:
                encoder.width, encoder.height = frame.width, frame.height
                encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 90_000)
                encoder.qmin = encoder.qmax = 3
            frame.pict_type = av.video.frame.PictureType.NONE
            for packet in encoder.encode(frame.reformat(format="yuvj420p")):
                yield bytes(packet)
