"""From FFmpeg's streams and packets to tracks and access units, as :meth:`Stream.write` takes them.

H.264 and H.265 become Annex B, AAC loses its ADTS headers, samples of L16 become big-endian. Everything else
is carried as it is in the container.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import av
import numpy as np

from relaycore._relaycore import Track

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["MediaPacket", "MediaStream", "MediaTrack", "Repack", "carried", "track_of"]

SECOND: Final = 1_000_000_000

MediaStream = av.VideoStream | av.AudioStream
MediaPacket: TypeAlias = "av.Packet[av.stream.Stream]"

Repack = Callable[[MediaPacket], "list[tuple[Buffer, int]]"]
"""The access units of one packet, in order, each with the ns by which it comes after the first."""

BLOCK_MS: Final = 20
"""Milliseconds of sound without compression in one access unit."""

START_CODE: Final = b"\0\0\0\1"

_VIDEO: Final = {
    "h264": "h264",
    "hevc": "h265",
    "mpeg4": "mpeg4",
    "mjpeg": "jpeg",
    "vp8": "vp8",
    "vp9": "vp9",
    "av1": "av1",
    "mpeg1video": "mpegvideo",
    "mpeg2video": "mpegvideo",
}
_AUDIO: Final = {
    "aac": "aac",
    "opus": "opus",
    "mp1": "mpegaudio",
    "mp2": "mpegaudio",
    "mp3": "mpegaudio",
    "ac3": "ac3",
    "pcm_mulaw": "pcmu",
    "pcm_alaw": "pcma",
    "pcm_s16be": "l16",
    "pcm_s16le": "l16",
    "adpcm_g722": "g722",
}
_CLOCKS: Final = {"opus": 48_000, "mpegaudio": 90_000, "g722": 8_000}
"""Clock rates that do not follow from the sample rate (RFC 7587 section 4.1, RFC 3551 section 4.5)."""

_ADTS_RATES: Final = 13
"""Number of sample rates with an index (ISO/IEC 14496-3 table 1.18)."""


@dataclass(frozen=True, slots=True)
class MediaTrack:
    """A track, the number of the stream in the container that feeds it, and how its packets are changed."""

    index: int
    track: Track
    repack: Repack


def carried(stream: MediaStream) -> bool:
    """Whether a stream has a codec that can be carried."""
    return _codec(stream) in (_VIDEO if isinstance(stream, av.VideoStream) else _AUDIO)


def track_of(stream: MediaStream, first: bytes | None = None) -> MediaTrack | None:
    """The track of a stream that can be carried.

    ``None`` for AAC whose container does not describe it (MPEG-TS): then the ``first`` packet does, unless
    that is broken.
    """
    name = _codec(stream)
    extra = stream.codec_context.extradata or b""
    if isinstance(stream, av.VideoStream):
        return _video(stream, name, extra)
    codec = _AUDIO[name]
    if codec == "aac":
        return _aac(stream, extra, first)
    context = stream.codec_context
    track = Track.of(
        codec,
        clock_rate=_CLOCKS.get(codec, context.sample_rate),
        channels=2 if codec == "opus" else context.channels,
    )
    if name.startswith("pcm_"):
        width = 1 if name in ("pcm_mulaw", "pcm_alaw") else 2
        repack = _blocks(context.sample_rate, width * context.channels, swap=name == "pcm_s16le")
        return MediaTrack(stream.index, track, repack)
    return MediaTrack(stream.index, track, _as_it_is)


def _video(stream: av.VideoStream, name: str, extra: bytes) -> MediaTrack:
    codec = _VIDEO[name]
    if codec == "h264":
        annexb = _parameter_sets(extra, _avcc_units)
        repack = _filtered("h264_mp4toannexb", stream) if extra[:1] == b"\1" else _as_it_is
        return MediaTrack(stream.index, Track.of("h264", parameters=annexb), repack)
    if codec == "h265":
        annexb = _parameter_sets(extra, _hvcc_units)
        repack = _filtered("hevc_mp4toannexb", stream) if extra[:1] == b"\1" else _as_it_is
        return MediaTrack(stream.index, Track.of("h265", parameters=annexb), repack)
    parameters = extra if codec == "mpeg4" and extra else None
    return MediaTrack(stream.index, Track.of(codec, parameters=parameters), _as_it_is)


def _aac(stream: av.AudioStream, extra: bytes, first: bytes | None) -> MediaTrack | None:
    if extra:
        return MediaTrack(stream.index, Track.aac(extra), _as_it_is)
    config = None if first is None else _adts_config(first)
    return None if config is None else MediaTrack(stream.index, Track.aac(config), _without_adts)


def _codec(stream: MediaStream) -> str:
    """FFmpeg's name of the codec; ``name`` alone would be that of a decoder, like mp3float."""
    try:
        return stream.codec_context.codec.canonical_name
    except AttributeError:
        return "unknown"  # FFmpeg has no decoder for it, and so no context


def _as_it_is(packet: MediaPacket) -> list[tuple[Buffer, int]]:
    return [(packet, 0)]


def _blocks(rate: int, frame: int, *, swap: bool) -> Repack:
    """Samples in blocks of 20 ms (RFC 3551 section 4.2), for 16 bits in network order (section 4.5.11).

    ``frame`` is the number of bytes of one sample of all channels.
    """
    samples = max(1, rate * BLOCK_MS // 1000)

    def repack(packet: MediaPacket) -> list[tuple[Buffer, int]]:
        data = bytes(packet)
        if swap:
            data = np.frombuffer(data, "<u2", len(data) // 2).byteswap().tobytes()
        return [
            (data[place : place + samples * frame], place // frame * SECOND // rate)
            for place in range(0, len(data) - len(data) % frame, samples * frame)
        ]

    return repack


def _filtered(name: str, stream: av.VideoStream) -> Repack:
    bitstream = av.BitStreamFilterContext(name, stream)

    def repack(packet: MediaPacket) -> list[tuple[Buffer, int]]:
        return [(filtered, 0) for filtered in bitstream.filter(packet)]

    return repack


def _without_adts(packet: MediaPacket) -> list[tuple[Buffer, int]]:
    """The raw frame behind the header of 7 bytes, or 9 with a checksum (ISO/IEC 14496-3 §1.A.2.2)."""
    data = bytes(packet)
    if _is_adts(data):
        data = data[7 if data[1] & 1 else 9 :]
    return [(data, 0)] if data else []


def _is_adts(data: bytes) -> bool:
    return len(data) >= 7 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0


def _adts_config(data: bytes) -> bytes | None:
    """The AudioSpecificConfig that says the same as an ADTS header (ISO/IEC 14496-3 §1.6.2.1)."""
    if not _is_adts(data):
        return None
    kind = (data[2] >> 6) + 1
    rate = data[2] >> 2 & 0xF
    channels = (data[2] & 1) << 2 | data[3] >> 6
    if rate >= _ADTS_RATES or channels == 0:
        return None
    return (kind << 11 | rate << 7 | channels << 3).to_bytes(2, "big")


def _parameter_sets(extra: bytes, units: Callable[[bytes], Iterator[bytes]]) -> bytes | None:
    """Extra data as Annex B, whether it is that already or an ISO configuration record."""
    if not extra:
        return None
    if extra[0] != 1:
        return extra
    return b"".join(START_CODE + unit for unit in units(extra)) or None


def _avcc_units(record: bytes) -> Iterator[bytes]:
    """NAL units of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1.2)."""
    if len(record) < 7:
        return
    place, count = 6, record[5] & 0x1F
    for kind in range(2):
        for _ in range(count):
            size = int.from_bytes(record[place : place + 2], "big")
            yield record[place + 2 : place + 2 + size]
            place += 2 + size
        if kind == 0:
            if place >= len(record):
                return
            count, place = record[place], place + 1


def _hvcc_units(record: bytes) -> Iterator[bytes]:
    """NAL units of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 §8.3.3.1.2)."""
    if len(record) < 23:
        return
    place = 23
    for _ in range(record[22]):
        count = int.from_bytes(record[place + 1 : place + 3], "big")
        place += 3
        for _ in range(count):
            size = int.from_bytes(record[place : place + 2], "big")
            yield record[place + 2 : place + 2 + size]
            place += 2 + size
