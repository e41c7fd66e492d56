"""Fragmented MP4 (ISO/IEC 14496-12) of H.264 (ISO/IEC 14496-15) and AAC (ISO/IEC 14496-14).

Without input or output. Each fragment has access units of one track, with their times in full, so that a
player may begin anywhere.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from relaycore._relaycore import H264Parameters

__all__ = ["AacTrack", "H264Track", "Sample", "fragment_of", "header_of", "nal_units"]

VIDEO: Final = 1
AUDIO: Final = 2
"""Numbers of the tracks."""

VIDEO_RATE: Final = 90_000
"""Ticks of a second of the pictures."""

_NTP_EPOCH_S: Final = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 5905 section 6)."""

_SYNC: Final = 0x0200_0000
_NOT_SYNC: Final = 0x0101_0000
"""Flags of samples (section 8.8.3.1): depends on no other, and depends on others and is no place to begin."""

_MATRIX: Final = struct.pack("!9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)

_SPS, _PPS, _AUD = 7, 8, 9


def nal_units(data: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B byte stream (ITU-T H.264, Annex B), without what is between them."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        start = at + 3
        at = data.find(b"\0\0\1", start)
        unit = data[start : at if at >= 0 else len(data)].rstrip(b"\0")
        if unit:
            yield unit


@dataclass(frozen=True, slots=True)
class H264Track:
    """Parameter sets, without which there is no decoding. ValueError for those that cannot be read."""

    sps: bytes
    pps: tuple[bytes, ...]
    width: int
    height: int

    @classmethod
    def of(cls, data: bytes, before: H264Track | None = None) -> H264Track | None:
        """The track that an access unit or parameters tell of; ``before`` where they tell of none."""
        units = list(nal_units(data))
        sps = next((unit for unit in units if unit[0] & 0x1F == _SPS), None)
        pps = tuple(unit for unit in units if unit[0] & 0x1F == _PPS)
        if sps is None or not pps or len(sps) < 4:
            return before
        if before is not None and (before.sps, before.pps) == (sps, pps):
            return before
        parameters = H264Parameters.parse(b"\0\0\0\1" + sps)
        return cls(sps, pps, parameters.width, parameters.height)

    @property
    def codec(self) -> str:
        """As in RFC 6381, section 3.3."""
        return f"avc1.{self.sps[1:4].hex()}"

    def sample(self, data: bytes) -> bytes:
        """An access unit as it stands in a file: each NAL unit behind its length."""
        kept = [unit for unit in nal_units(data) if unit[0] & 0x1F not in (_SPS, _PPS, _AUD)]
        return b"".join(part for unit in kept for part in (struct.pack("!I", len(unit)), unit))

    def entry(self) -> bytes:
        """Its sample entry."""
        sets = struct.pack("!BH", 0xE1, len(self.sps)) + self.sps + bytes([len(self.pps)])
        sets += b"".join(struct.pack("!H", len(unit)) + unit for unit in self.pps)
        config = b"\1" + self.sps[1:4] + b"\xff" + sets
        if self.sps[1] in (100, 110, 122, 144):
            config += b"\xfd\xf8\xf8\0"  # 4:2:0 in 8 bits, and no more parameter sets
        visual = struct.pack(
            "!6xH16xHHIII H32xHh".replace(" ", ""),
            1,
            self.width,
            self.height,
            0x480000,
            0x480000,
            0,
            1,
            24,
            -1,
        )
        return _box("avc1", visual, _box("avcC", config))


@dataclass(frozen=True, slots=True)
class AacTrack:
    """``config`` is the AudioSpecificConfig; ``rate`` are samples and ticks a second."""

    config: bytes
    rate: int
    channels: int

    @property
    def codec(self) -> str:
        """As in RFC 6381, section 3.3."""
        kind = self.config[0] >> 3 if self.config else 2
        return f"mp4a.40.{kind}"

    def entry(self) -> bytes:
        """Its sample entry."""
        specific = _descriptor(5, self.config)
        decoder = _descriptor(4, struct.pack("!BBxHII", 0x40, 0x15, 0, 0, 0) + specific)
        stream = _descriptor(3, struct.pack("!HB", AUDIO, 0) + decoder + _descriptor(6, b"\2"))
        audio = struct.pack("!6xH8xHHHHI", 1, self.channels, 16, 0, 0, min(self.rate, 0xFFFF) << 16)
        return _box("mp4a", audio, _full("esds", 0, 0, stream))


@dataclass(frozen=True, slots=True)
class Sample:
    """One access unit as it stands in a file. Times are in ticks of its track."""

    data: bytes
    duration: int
    sync: bool = True
    offset: int = 0
    """From decoding to showing."""


def header_of(video: H264Track | None, audio: AacTrack | None) -> bytes:
    """What comes before all fragments."""
    traks, extends = [], []
    if video is not None:
        traks.append(_trak(VIDEO, VIDEO_RATE, "vide", _full("vmhd", 0, 1, bytes(8)), video.entry(), video))
        extends.append(_full("trex", 0, 0, struct.pack("!5I", VIDEO, 1, 0, 0, 0)))
    if audio is not None:
        traks.append(_trak(AUDIO, audio.rate, "soun", _full("smhd", 0, 0, bytes(4)), audio.entry(), None))
        extends.append(_full("trex", 0, 0, struct.pack("!5I", AUDIO, 1, 0, 0, 0)))
    times = struct.pack("!IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x100)
    movie = _full("mvhd", 0, 0, times + _MATRIX + bytes(24) + struct.pack("!I", AUDIO + 1))
    return _box("ftyp", b"iso6", struct.pack("!I", 1), b"iso6cmfcmp41") + _box(
        "moov", movie, *traks, _box("mvex", *extends)
    )


def fragment_of(number: int, track: int, start: int, samples: Sequence[Sample], unix_ns: int) -> bytes:
    """One fragment; ``start`` is the time of decoding of its first sample in ticks of the track.

    ``unix_ns`` is when that sample was captured, in nanoseconds since 1970. The fragment begins with it, as
    the producer's reference time of when the sample is to be shown (ISO/IEC 14496-12 section 8.16.5), so
    that players can tell how old it is.
    """
    shown = start + samples[0].offset
    reference = struct.pack("!IQQ", track, _ntp(unix_ns), shown)
    flags = 0x000F01  # data offset; duration, size, flags and offset of each sample
    runs = b"".join(
        struct.pack(
            "!IIIi", sample.duration, len(sample.data), _SYNC if sample.sync else _NOT_SYNC, sample.offset
        )
        for sample in samples
    )
    # moof, mfhd, traf, tfhd, tfdt, and trun with its run.
    head = 8 + 16 + 8 + 16 + 20 + 20 + len(runs)
    moof = _box(
        "moof",
        _full("mfhd", 0, 0, struct.pack("!I", number & 0xFFFF_FFFF)),
        _box(
            "traf",
            _full("tfhd", 0, 0x020000, struct.pack("!I", track)),
            _full("tfdt", 1, 0, struct.pack("!Q", start)),
            _full("trun", 1, flags, struct.pack("!Ii", len(samples), head + 8) + runs),
        ),
    )
    assert len(moof) == head
    return _full("prft", 1, 0, reference) + moof + _box("mdat", *(sample.data for sample in samples))


def _ntp(unix_ns: int) -> int:
    """A time as NTP has it (RFC 5905 section 6): seconds since 1900, in units of 2**-32 s."""
    seconds, rest = divmod(unix_ns, 1_000_000_000)
    return (seconds + _NTP_EPOCH_S) % 2**32 << 32 | (rest << 32) // 1_000_000_000


def _trak(
    number: int, rate: int, kind: str, media_header: bytes, entry: bytes, picture: H264Track | None
) -> bytes:
    size = (0, 0) if picture is None else (picture.width << 16, picture.height << 16)
    volume = 0x100 if picture is None else 0
    track = (
        struct.pack("!IIIII8xHHHH", 0, 0, number, 0, 0, 0, 0, volume, 0) + _MATRIX + struct.pack("!II", *size)
    )
    media = struct.pack("!IIIIHH", 0, 0, rate, 0, 0x55C4, 0)  # undetermined language
    tables = (
        _full("stsd", 0, 0, struct.pack("!I", 1) + entry),
        _full("stts", 0, 0, bytes(4)),
        _full("stsc", 0, 0, bytes(4)),
        _full("stsz", 0, 0, bytes(8)),
        _full("stco", 0, 0, bytes(4)),
    )
    place = _box("dinf", _full("dref", 0, 0, struct.pack("!I", 1) + _full("url ", 0, 1, b"")))
    handler = _full("hdlr", 0, 0, struct.pack("!I4s12x", 0, kind.encode()) + b"relaycore\0")
    information = _box("minf", media_header, place, _box("stbl", *tables))
    return _box(
        "trak", _full("tkhd", 0, 3, track), _box("mdia", _full("mdhd", 0, 0, media), handler, information)
    )


def _box(kind: str, *parts: bytes) -> bytes:
    return b"".join((struct.pack("!I4s", 8 + sum(map(len, parts)), kind.encode()), *parts))


def _full(kind: str, version: int, flags: int, content: bytes) -> bytes:
    return _box(kind, struct.pack("!I", version << 24 | flags), content)


def _descriptor(tag: int, content: bytes) -> bytes:
    """Of ISO/IEC 14496-1 section 8.3.3, with its size in four bytes."""
    size = len(content)
    sizes = bytes((0x80 | size >> 21 & 0x7F, 0x80 | size >> 14 & 0x7F, 0x80 | size >> 7 & 0x7F, size & 0x7F))
    return bytes([tag]) + sizes + content
