"""H.264 made of a stream whose codec players do not open, at PATH/h264, while somebody reads it.

A thread decodes; the newest picture goes through the same handoff and encoder as those of a camera, so that
a machine which is too slow gives fewer pictures and never late ones.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Final, Protocol

import av

from relaycore._relaycore import AccessUnit, FramePool, Handoff, Stream, Track, now_ns
from relaycore.capture.colour import colour_of
from relaycore.capture.unpack import fill_from_frame
from relaycore.decoding import can_decode, open_video_decoder
from relaycore.encode.choose import choose_encoder
from relaycore.encode.profiles import default_bitrate
from relaycore.encode.running import even_size
from relaycore.encode.video import VideoEncoder, VideoFormat, parameter_sets
from relaycore.errors import RelaycoreError, SourceError
from relaycore.language import Message
from relaycore.paths.host import PathHost, StreamMaker
from relaycore.paths.rendition_sound import RenditionSound
from relaycore.pipeline.capture_loop import POOL_FRAMES, Picture
from relaycore.pipeline.encode_loop import EncodeLoop
from relaycore.pipeline.key_frames import KeyFrames
from relaycore.settings import PathSettings
from relaycore.unit_pump import UnitPump, since_random_access

__all__ = ["PictureWork", "Rendition", "Work", "wants_rendition"]

_log = logging.getLogger(__name__)

SECOND: Final = 1_000_000_000

BACKLOG: Final = 8
"""Pictures that may wait for the decoder before it skips to the newest random access point."""

USUAL_FPS: Final = 30.0
"""What the rate control is told where the stream does not say."""

JOIN_S: Final = 1.0
"""Seconds that the threads get to end."""


def wants_rendition(settings: PathSettings, tracks: list[Track]) -> bool:
    """Whether a stream with these tracks is to have a rendition."""
    videos = [track for track in tracks if track.kind == "video"]
    if settings.transcode == "none" or not any(can_decode(track) for track in videos):
        return False
    return settings.transcode == "h264" or all(track.codec != "h264" for track in videos)


class Work(Protocol):
    """What the thread of a rendition does."""

    def run(self) -> None:
        """Until the stream ends or is left. RelaycoreError when it cannot be done."""

    def close(self) -> None:
        """Ends what was begun; called by the same thread."""


WorkMaker = Callable[[str, UnitPump, StreamMaker, Callable[[Stream], None]], Work]
"""Makes the work for the path of a rendition, from what it reads and with what it makes its stream; calls the
last once it has one."""


class Rendition:
    """Runs from its making until ``stop``, or until the stream that it is made of ends. In the loop.

    ``ending`` is added to the path. ``ended`` is called in the loop when it has ended by itself or was
    stopped.
    """

    def __init__(
        self,
        path: str,
        ending: str,
        make_work: WorkMaker,
        host: PathHost,
        ended: Callable[[], None],
    ) -> None:
        self.path = path + ending
        self._pump = host.open_pump(path)
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[Stream] = self._loop.create_future()
        self._work = make_work(self.path, self._pump, host.add_stream, self._on_stream)
        self._remove_stream = host.remove_stream
        self._thread = threading.Thread(target=self._run, name="relaycore-rendition", daemon=True)
        self._thread.start()

    async def ready(self) -> Stream:
        """Waits for the first picture. SourceError when there will be none."""
        # Others wait, too: whoever gives up must not end it for them.
        return await asyncio.shield(self._ready)

    @property
    def stream(self) -> Stream | None:
        """The stream, once it has begun."""
        done = self._ready.done() and not self._ready.cancelled() and self._ready.exception() is None
        return self._ready.result() if done else None

    async def stop(self) -> None:
        """Ends it."""
        self._pump.stop()
        await asyncio.to_thread(self._thread.join, JOIN_S)

    def _run(self) -> None:
        reason = "The stream has ended."
        try:
            self._work.run()
        except RelaycoreError as error:
            reason = str(error)
            _log.warning("%s", reason, extra={"path": self.path})
        except Exception:
            _log.exception("making a rendition failed", extra={"path": self.path})
            reason = "It cannot be made: the log tells why."
        finally:
            self._pump.close()
            self._work.close()
            self._remove_stream(self.path)
            self._in_loop(self._on_end, reason)

    def _on_stream(self, stream: Stream) -> None:
        self._in_loop(self._set_ready, stream)

    def _set_ready(self, stream: Stream) -> None:
        if not self._ready.done():
            self._ready.set_result(stream)

    def _on_end(self, reason: str) -> None:
        if not self._ready.done():
            self._ready.set_exception(SourceError(reason))
            self._ready.exception()  # nobody may wait for it any more
        self._ended()

    def _in_loop(self, call: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)


class PictureWork:
    """Decodes, and feeds the encoder's thread. Pictures are scaled to fit into ``most`` pixels."""

    def __init__(
        self,
        settings: PathSettings,
        path: str,
        pump: UnitPump,
        add_stream: StreamMaker,
        on_stream: Callable[[Stream], None],
        *,
        most: tuple[int, int] | None = None,
    ) -> None:
        self._path, self._settings = path, settings
        self._most = most
        self._pump = pump
        self._add_stream, self._on_stream = add_stream, on_stream
        self._stopping = threading.Event()
        self._handoff = Handoff()
        self._failure: str | None = None
        self._encoding: EncodeLoop | None = None
        self._pool: FramePool | None = None
        self._full_range = False
        self._sound: RenditionSound | None = None

    def run(self) -> None:
        """Until the stream ends or is left. EncoderError when it cannot be decoded or encoded."""
        tracks = self._pump.tracks
        number = next(
            (n for n, track in enumerate(tracks) if track.kind == "video" and can_decode(track)), None
        )
        if number is None:
            raise SourceError(
                Message("The stream has no video that {path} could be made of.", path=repr(self._path))
            )
        sound = next((n for n, track in enumerate(tracks) if track.kind == "audio"), None)
        decoder = open_video_decoder(tracks[number])
        rate = tracks[number].clock_rate
        started = False
        for batch in self._pump.batches():
            units, _ = since_random_access(batch, number, BACKLOG)
            for unit in units:
                if self._pump.stopping or self._failure is not None:
                    break
                if unit.track == sound and self._sound is not None:
                    self._sound.write(unit)
                started = started or (unit.track == number and unit.random_access)
                if started and unit.track == number:
                    self._decode(decoder, unit, rate)
            if self._failure is not None:
                raise SourceError(self._failure)

    def close(self) -> None:
        """Ends the encoder's thread."""
        self._stopping.set()
        self._handoff.close()
        if self._encoding is not None:
            self._encoding.join(JOIN_S)

    def _decode(self, decoder: av.VideoCodecContext, unit: AccessUnit, rate: int) -> None:
        packet = av.Packet(unit.data)
        packet.pts = packet.dts = unit.pts
        packet.time_base = Fraction(1, rate)
        try:
            frames = decoder.decode(packet)
        except av.error.InvalidDataError:
            return  # lost packets, or a join in the middle of a group
        for frame in frames:
            if self._encoding is None:
                self._begin(frame, decoder)
            self._hand_over(frame, (unit.pts if frame.pts is None else frame.pts) * SECOND // rate, unit)

    def _hand_over(self, frame: av.VideoFrame, media_ns: int, unit: AccessUnit) -> None:
        assert self._pool is not None
        buffer = self._pool.acquire()
        if buffer is None:
            return  # the encoder is behind, and a newer picture comes
        fill_from_frame(buffer, frame, full_range=self._full_range)
        self._handoff.offer(Picture(media_ns, unit.captured_ns, now_ns(), buffer, None))

    def _begin(self, frame: av.VideoFrame, decoder: av.VideoCodecContext) -> None:
        """The first picture decides the size; later ones of another are scaled."""
        width, height = frame.width & ~1, frame.height & ~1
        if self._most is not None:
            width, height = even_size(width, height, *self._most)
        fps = float(decoder.framerate or USUAL_FPS)
        if not 1 <= fps <= 240:
            fps = USUAL_FPS
        colour = colour_of(frame)
        self._full_range = colour.full_range
        settings = self._settings
        bitrate = settings.bits_per_second or default_bitrate(width, height, fps)
        form = VideoFormat(width, height, fps, colour, bitrate, settings.gop_seconds)
        encoder = VideoEncoder(choose_encoder(settings.encoder, form).profile, form)
        sound = RenditionSound.of(self._pump.tracks)
        tracks = [Track.h264(parameter_sets(encoder)), *([] if sound is None else [sound.track])]
        stream = self._add_stream(self._path, tracks, settings.join, can_force_key_frames=True)
        self._pool = FramePool(width, height, POOL_FRAMES)
        self._encoding = EncodeLoop(
            stream,
            0,
            self._handoff,
            lambda: encoder,
            (width, height),
            KeyFrames(settings.gop_seconds, fps),
            stopping=self._stopping,
            slate=lambda: None,
            resumed=lambda: None,
            failed=self._fail,
        )
        if sound is not None:
            sound.begin(stream, 1)
            self._sound = sound
        self._encoding.start()
        self._on_stream(stream)

    def _fail(self, reason: str) -> None:
        self._failure = reason
        self._pump.wake()
