"""Fragmented MP4 for tests: made by FFmpeg's muxer, and read back box by box (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import RawIOBase

import av
import numpy as np

from relaycore.web.hls.timeline import Fragment

__all__ = ["SECOND", "Sample", "boxes", "make_fragments", "samples", "timescales"]

SECOND = 1_000_000_000
START_UNIX_NS = 1_790_000_000 * SECOND


@dataclass(frozen=True, slots=True)
class Sample:
    """One access unit of a fragment. Times are in ticks of its track."""

    track: int
    time: int
    duration: int
    sync: bool
    size: int
    offset: int
    """From decoding to showing."""


def boxes(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The boxes of some bytes with what is in them. ValueError when they do not add up."""
    at = 0
    while at < len(data):
        if at + 8 > len(data):
            raise ValueError("a box is cut off")
        size, kind = struct.unpack_from("!I4s", data, at)
        if size < 8 or at + size > len(data):
            raise ValueError(f"a box of {size} bytes at {at} of {len(data)}")
        yield kind.decode("latin-1"), data[at + 8 : at + size]
        at += size


def inside(data: bytes, *path: str) -> list[bytes]:
    """What is in all boxes of a path such as moov, trak, mdia."""
    found = [data]
    for kind in path:
        found = [body for each in found for name, body in boxes(each) if name == kind]
    return found


def timescales(init: bytes) -> dict[int, int]:
    """Ticks a second by track of a header."""
    found = {}
    for trak in inside(init, "moov", "trak"):
        (header,), (media,) = inside(trak, "tkhd"), inside(trak, "mdia", "mdhd")
        track = struct.unpack_from("!I", header, 20 if header[0] else 12)[0]
        found[track] = struct.unpack_from("!I", media, 20 if media[0] else 12)[0]
    return found


def samples(data: bytes) -> list[Sample]:
    """The samples of some fragments, in their order. ValueError when they are not what they say."""
    found: list[Sample] = []
    kinds = [kind for kind, _ in boxes(data) if kind not in ("styp", "sidx", "prft", "emsg")]
    if kinds != ["moof", "mdat"] * (len(kinds) // 2):
        raise ValueError(f"not moof and mdat in turn: {kinds}")
    payloads = [body for kind, body in boxes(data) if kind == "mdat"]
    for moof, payload in zip(inside(data, "moof"), payloads, strict=True):
        these = [sample for traf in inside(moof, "traf") for sample in _run(traf)]
        if sum(sample.size for sample in these) != len(payload):
            raise ValueError("the samples do not fill their mdat")
        found += these
    return found


def _run(traf: bytes) -> Iterator[Sample]:
    (header,), (decode,) = inside(traf, "tfhd"), inside(traf, "tfdt")
    flags, track = struct.unpack_from("!II", header)
    flags &= 0xFFFFFF
    at, defaults = 8, {"duration": 0, "size": 0, "flags": 0, "offset": 0}
    at += 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2)
    for bit, name in ((0x8, "duration"), (0x10, "size"), (0x20, "flags")):
        if flags & bit:
            defaults[name] = struct.unpack_from("!I", header, at)[0]
            at += 4
    time = struct.unpack_from("!Q" if decode[0] else "!I", decode, 4)[0]
    for trun in inside(traf, "trun"):
        flags, count = struct.unpack_from("!II", trun)
        flags &= 0xFFFFFF
        at, first_flags = 8 + 4 * bool(flags & 0x1), None
        if flags & 0x4:
            first_flags = struct.unpack_from("!I", trun, at)[0]
            at += 4
        for number in range(count):
            values = dict(defaults)
            if number == 0 and first_flags is not None:
                values["flags"] = first_flags
            for bit, name in ((0x100, "duration"), (0x200, "size"), (0x400, "flags"), (0x800, "offset")):
                if flags & bit:
                    values[name] = struct.unpack_from("!I", trun, at)[0]
                    at += 4
            sync = not values["flags"] & 0x10000
            yield Sample(track, time, values["duration"], sync, values["size"], values["offset"])
            time += values["duration"]


class _Sink(RawIOBase):
    """Takes what a muxer writes."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.data += bytes(data)  # type: ignore[call-overload]
        return len(bytes(data))  # type: ignore[call-overload]


def make_fragments(
    frames: int,
    *,
    fps: int = 25,
    gop: int = 25,
    sound: bool = False,
    size: tuple[int, int] = (96, 64),
    start_ns: int = 100 * SECOND,
) -> list[Fragment]:
    """A film as fragments of one access unit each, the first with the header; it ends a fragment early.

    Pictures get lighter from one to the next, in a cycle of 50.
    """
    sink = _Sink()
    options = {"movflags": "empty_moov+default_base_moof+frag_every_frame", "use_editlist": "0"}
    with av.open(sink, "w", format="mp4", options=options) as container:
        coder = {
            "g": str(gop),
            "bf": "0",
            "tune": "zerolatency",
            "sc_threshold": "0",
            "preset": "ultrafast",
            "forced-idr": "1",
        }
        video = container.add_stream("libx264", rate=fps, options=coder)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio: av.AudioStream | None = None
        if sound:
            audio = container.add_stream("aac", rate=48_000)
            audio.layout = "mono"
        for number in range(frames + 1):
            picture = np.full((size[1], size[0], 3), 20 + 4 * (number % 50), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(video.encode(frame))
            if audio is not None:
                container.mux(audio.encode(_tone(number, fps)))
    return list(_fragments(bytes(sink.data), start_ns, SECOND // fps))


def _tone(number: int, fps: int) -> av.AudioFrame:
    count = 48_000 // fps
    at = np.arange(number * count, (number + 1) * count) / 48_000
    wave = (8000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16)[np.newaxis]
    frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, number * count, Fraction(1, 48_000)
    return frame


def _fragments(data: bytes, start_ns: int, picture_ns: int) -> Iterator[Fragment]:
    init, moof = b"", b""
    rates: dict[int, int] = {}
    for kind, body in boxes(data):
        whole = struct.pack("!I4s", len(body) + 8, kind.encode()) + body
        if kind in ("ftyp", "moov"):
            init += whole
        elif kind == "moof":
            moof = whole
        elif kind == "mdat":
            rates = rates or timescales(init)
            (sample,) = samples(moof + whole)
            at = sample.time * SECOND // rates[sample.track]
            yield Fragment(
                data=moof + whole,
                start_ns=start_ns + at,
                duration_ns=picture_ns,
                unix_ns=START_UNIX_NS + at,
                independent=sample.sync,
                init=init or None,
                leads=sample.track == 1,
            )
            init = b""
