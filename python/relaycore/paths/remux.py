"""Writes access units to another server through FFmpeg's muxers, as they are."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from typing import Final

import av

from relaycore._relaycore import AccessUnit, Track
from relaycore.capture.device_errors import reason_of
from relaycore.errors import SourceError
from relaycore.language import Message
from relaycore.paths.bridge import Bridge
from relaycore.paths.decoding_times import DecodingTimes
from relaycore.paths.media_tracks import MediaPacket
from relaycore.paths.medium import scheme_of
from relaycore.settings import masked

__all__ = ["Remux"]

_log = logging.getLogger(__name__)

_FORMATS: Final = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "rtmp": "flv",
    "rtmps": "flv",
    "srt": "mpegts",
    "udp": "mpegts",
    "rtp": "rtp_mpegts",
}
_OPTIONS: Final = {
    "rtsp": {"rtsp_transport": "tcp"},
    # A live stream has no length to write into its head at the end.
    "flv": {"flvflags": "no_duration_filesize"},
}
_CODECS: Final = {
    "h264": "h264",
    "h265": "hevc",
    "mpeg4": "mpeg4",
    "jpeg": "mjpeg",
    "vp8": "vp8",
    "vp9": "vp9",
    "av1": "av1",
    "mpegvideo": "mpeg2video",
    "aac": "aac",
    "opus": "opus",
    "pcmu": "pcm_mulaw",
    "pcma": "pcm_alaw",
    "g722": "adpcm_g722",
    "l16": "pcm_s16be",
    "mpegaudio": "mp3",
    "ac3": "ac3",
}
_OVER_RTMP: Final = frozenset({"h264", "h265", "vp9", "av1"})
"""Video in FLV (Enhanced RTMP v1). FFmpeg takes more, which no server knows."""

_G722_RATE: Final = 16_000
_USUAL_SOUND_RATE: Final = 44_100
"""For MPEG audio, whose clock rate is not its sample rate; only headers hold it."""


class Remux:
    """One connection to a server, used by one thread. It is made with the first access unit.

    ``size`` is that of the pictures, ``depths`` are the places by which they are reordered, see
    :class:`DecodingTimes`, by track. SourceError when the container of the URL's scheme cannot carry the
    tracks.
    """

    def __init__(
        self, url: str, tracks: Sequence[Track], size: tuple[int, int], depths: dict[int, int]
    ) -> None:
        self._url = url
        self._size = size
        self._format = _FORMATS[scheme_of(url)]
        if scheme_of(url) == "srt":
            self._bridge = Bridge.send_srt(url)
        else:
            self._bridge = Bridge.send(url, self._format, _OPTIONS.get(self._format, {}))
        try:
            self._container = av.open(
                self._bridge.stream, "w", format=self._bridge.format, container_options={"flush_packets": "1"}
            )
            self._streams = self._add_streams(tracks)
        except BaseException:
            self._bridge.close()
            raise
        self._times = {number: DecodingTimes(depths.get(number, 0)) for number in self._streams}
        self._rates = [track.clock_rate for track in tracks]
        self._start_ns: int | None = None
        self._closed = False

    def write(self, unit: AccessUnit) -> None:
        """Sends an access unit. SourceError when the server does not take it, ReorderedMore for B-frames."""
        stream = self._streams.get(unit.track)
        if stream is None:
            return
        rate = self._rates[unit.track]
        if self._start_ns is None:
            self._start_ns = unit.pts * 1_000_000_000 // rate
        pts = unit.pts - self._start_ns * rate // 1_000_000_000
        if pts < 0:
            return  # sound from before the first picture
        packet: MediaPacket = av.Packet(unit.data)
        packet.stream = stream
        packet.time_base = Fraction(1, rate)
        packet.pts, packet.dts = pts, self._times[unit.track].of(pts)
        packet.is_keyframe = unit.random_access
        try:
            self._container.mux_one(packet)
        except (av.FFmpegError, OSError, ValueError) as error:
            self.close()
            reason = self._bridge.reason() or reason_of(error)
            raise SourceError(
                Message("{url} takes nothing: {reason}.", url=masked(self._url), reason=masked(reason))
            ) from None

    def kill(self) -> None:
        """Ends the connection at once; from any thread."""
        self._bridge.kill()

    def close(self) -> None:
        """Says goodbye and closes the connection."""
        if self._closed:
            return
        self._closed = True
        try:
            self._container.close()
        except (av.FFmpegError, OSError, ValueError):
            _log.debug("no goodbye to %s", masked(self._url), exc_info=True)
        finally:
            self._bridge.close()

    def _add_streams(self, tracks: Sequence[Track]) -> dict[int, av.stream.Stream]:
        streams: dict[int, av.stream.Stream] = {}
        left_out: list[str] = []
        for number, track in enumerate(tracks):
            try:
                streams[number] = self._add_stream(track)
            except (KeyError, ValueError, av.FFmpegError):
                left_out.append(track.encoding)
        videos = [number for number, track in enumerate(tracks) if track.kind == "video"]
        if not streams or (videos and not any(number in streams for number in videos)):
            raise SourceError(
                Message(
                    "{url} cannot carry {names}: publish H.264 to this path, or forward it over RTSP.",
                    url=masked(self._url),
                    names=" and ".join(left_out),
                )
            )
        if left_out:
            _log.warning("%s is forwarded without %s", masked(self._url), ", ".join(left_out))
        return streams

    def _add_stream(self, track: Track) -> av.stream.Stream:
        name = _CODECS[track.codec]
        if track.kind == "video" and self._format == "flv" and track.codec not in _OVER_RTMP:
            raise ValueError(track.codec)
        if track.kind == "video":
            width, height = self._size
            return self._container.add_mux_stream(
                name, width=width, height=height, time_base=Fraction(1, track.clock_rate)
            )
        # Only a stream with a codec context can be told the configuration and the number of channels.
        with av.open(BytesIO(), "w", format="matroska") as scratch:
            rate = {"g722": _G722_RATE, "mpegaudio": _USUAL_SOUND_RATE}.get(track.codec, track.clock_rate)
            template = scratch.add_stream(name, rate=rate)
            assert isinstance(template, av.AudioStream)
            template.layout = "stereo" if track.channels == 2 else "mono"
            stream = self._container.add_stream_from_template(template, opaque=True)
        if track.codec == "aac":
            stream.codec_context.extradata = track.parameters
        stream.time_base = Fraction(1, track.clock_rate)
        return stream
