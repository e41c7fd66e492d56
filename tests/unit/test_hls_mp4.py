"""Fragments made of access units: what FFmpeg decodes of them is what went in."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
import pytest

from relaycore import Track
from relaycore.capture.tone import tone
from relaycore.encode.audio import AacEncoder
from relaycore.web.hls.mp4 import H264Track, nal_units
from relaycore.web.hls.source import Fragmenter
from relaycore.web.hls.timeline import Fragment
from tests.support.fmp4 import inside, samples, timescales

FPS = 25


@dataclass(frozen=True)
class Unit:
    """An access unit as a reader of the engine gives it."""

    data: bytes
    pts: int
    random_access: bool
    track: int = 0

    @property
    def captured_ns(self) -> int:
        return self.pts * 1_000_000_000 // 90_000


def film(
    frames: int, *, size: tuple[int, int] = (96, 64), bframes: int = 0, gop: int = 10, start: int = 90_000
) -> list[Unit]:
    """Pictures that get lighter, in the order of decoding, with parameter sets before each key frame."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.options = {"bf": str(bframes), "g": str(gop), "sc_threshold": "0", "x264-params": "b-adapt=0"}
    packets = []
    for number in range(frames):
        picture = np.full((size[1], size[0], 3), 20 + 4 * (number % 50), np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    step = 90_000 // FPS
    return [Unit(bytes(each), start + int(each.pts or 0) * step, each.is_keyframe) for each in packets]


def speech(seconds: int, start: int = 48_000) -> tuple[AacEncoder, list[Unit]]:
    encoder = AacEncoder(1)
    units = []
    for number in range(100 * seconds):
        frame = av.AudioFrame.from_ndarray(tone(number * 480, 480, 48_000)[np.newaxis], "fltp", "mono")
        frame.sample_rate = 48_000
        units += [
            Unit(bytes(each.data), start + each.first_sample, True, 1) for each in encoder.encode(frame)
        ]
    return encoder, units


def fragments(
    fragmenter: Fragmenter, pictures: list[Unit], sound: list[Unit] | None = None
) -> list[Fragment]:
    """What is made of both, in the order of time."""
    times = [(unit.pts / 90_000, fragmenter.picture, unit) for unit in pictures]
    # As they come, which is by the order of decoding.
    both = [(number / FPS + 1, call, unit) for number, (_, call, unit) in enumerate(times)]
    both += [(unit.pts / 48_000, fragmenter.sound, unit) for unit in sound or []]
    both.sort(key=lambda each: each[0])
    return [made for at, call, unit in both for made in call(unit, int(at * 1e9))]  # type: ignore[arg-type]


def decoded(found: list[Fragment]) -> tuple[list[tuple[float, float]], int]:
    """Times and brightness of the pictures, and the number of samples of sound."""
    data = b"".join((fragment.init or b"") + fragment.data for fragment in found)
    pictures, heard = [], 0
    with av.open(BytesIO(data), "r") as container:
        for frame in container.decode(*container.streams.video[:1], *container.streams.audio[:1]):
            if isinstance(frame, av.VideoFrame):
                pictures.append((float(frame.time or 0), float(frame.to_ndarray(format="gray").mean())))
            elif isinstance(frame, av.AudioFrame):
                heard += frame.samples
    return pictures, heard


def without_sets(data: bytes) -> bytes:
    """Slices and nothing else."""
    return b"".join(b"\0\0\0\1" + nal for nal in nal_units(data) if nal[0] & 31 < 6)


def test_each_fragment_says_when_it_was_captured() -> None:
    encoder, sound = speech(1)
    made = fragments(Fragmenter(Track.h264(), Track.aac(encoder.config)), film(30, bframes=2), sound)
    assert {samples(fragment.data)[0].track for fragment in made} == {1, 2}
    for fragment in made:
        (reference,) = inside(fragment.data, "prft")
        flags, number, seconds, rest, media = struct.unpack("!IIIIQ", reference)
        first = samples(fragment.data)[0]
        assert (flags, number) == (1 << 24, first.track)
        assert media == first.time + first.offset
        unix_ns = (seconds - 2_208_988_800) * 1_000_000_000 + (rest * 1_000_000_000 >> 32)
        assert abs(unix_ns - fragment.unix_ns) <= 1


@pytest.mark.parametrize("bframes", [0, 2])
def test_pictures_come_out_as_they_went_in(bframes: int) -> None:
    fragmenter = Fragmenter(Track.h264(), None)
    made = fragments(fragmenter, film(60, bframes=bframes))
    # That pictures are reordered is seen by the first that are: then it begins anew at the next key frame.
    last = max(number for number, fragment in enumerate(made) if fragment.init)
    pictures, _ = decoded(made[last:])
    assert len(pictures) == (49 if bframes else 59)
    pictures = pictures[:-2]
    steps = np.diff([time for time, _ in pictures])
    assert steps == pytest.approx(np.full(len(steps), 1 / FPS), abs=1e-4)
    shades = [luma for _, luma in pictures]
    assert np.abs(np.diff(shades[:20])).max() < 8
    assert fragmenter.size == (96, 64)
    assert fragmenter.codecs.startswith("avc1.")


def test_pictures_and_sound_are_in_one_file_at_their_times() -> None:
    encoder, sound = speech(3)
    fragmenter = Fragmenter(Track.h264(), Track.aac(encoder.config))
    made = fragments(fragmenter, film(75), sound)
    assert fragmenter.codecs.endswith(",mp4a.40.2")
    assert made[0].init is not None
    assert timescales(made[0].init) == {1: 90_000, 2: 48_000}
    assert [fragment.leads for fragment in made if fragment.init] == [True]
    pictures, heard = decoded(made)
    assert len(pictures) == 74
    assert 2.8 < heard / 48_000 <= 3.0
    for fragment in made:
        (first, *_) = samples(fragment.data)
        rate = 90_000 if fragment.leads else 48_000
        assert first.time / rate == pytest.approx(fragment.start_ns / 1e9, abs=1e-6)
        length = sum(sample.duration for sample in samples(fragment.data))
        assert length / rate == pytest.approx(fragment.duration_ns / 1e9, abs=1e-6)
        assert first.sync == fragment.independent


def test_sound_alone_leads() -> None:
    encoder, sound = speech(1)
    made = fragments(Fragmenter(None, Track.aac(encoder.config)), [], sound)
    assert all(fragment.leads and fragment.independent for fragment in made)
    assert made[0].init is not None
    assert decoded(made)[1] > 40_000


def test_a_publisher_with_another_size_has_another_header() -> None:
    first, second = film(20), film(20, size=(128, 96), start=90_000 * 3)
    fragmenter = Fragmenter(Track.h264(), None)
    made = fragments(fragmenter, [*first, *second])
    headers = [number for number, fragment in enumerate(made) if fragment.init]
    assert len(headers) == 2
    assert made[headers[1]].independent
    assert fragmenter.size == (128, 96)


def test_what_is_missing_between_two_publishers_is_a_hole() -> None:
    first, second = film(20), film(20, start=90_000 + 20 * 3600 + 45_000)
    made = fragments(Fragmenter(Track.h264(), None), [*first, *second])
    assert [fragment.duration_ns for fragment in made] == [40_000_000] * 39
    assert made[20].start_ns - made[19].start_ns == 540_000_000


def test_a_picture_that_stands_long_lasts_long() -> None:
    """Behind it comes no random access point, so that nothing may be missing."""
    units = film(30, gop=30)
    late = [
        replace(unit, pts=unit.pts + 90_000) if number >= 10 else unit for number, unit in enumerate(units)
    ]
    made = fragments(Fragmenter(Track.h264(), None), late)
    assert made[9].duration_ns == 1_040_000_000


def test_nothing_comes_before_there_is_something_to_decode_it_with() -> None:
    units = film(30)
    bare = replace(units[0], data=without_sets(units[0].data))
    fragmenter = Fragmenter(Track.h264(), None)
    assert fragments(fragmenter, [bare, *units[1:10]]) == []
    assert fragments(fragmenter, units[10:])[0].init is not None


def test_parameters_of_the_description_are_enough() -> None:
    units = film(12)
    sets = b"".join(b"\0\0\0\1" + nal for nal in nal_units(units[0].data) if nal[0] & 31 in (7, 8))
    bare = [
        Unit(
            b"".join(b"\0\0\0\1" + nal for nal in nal_units(unit.data) if nal[0] & 31 < 6),
            unit.pts,
            unit.random_access,
        )
        for unit in units
    ]
    pictures, _ = decoded(fragments(Fragmenter(Track.h264(sets), None), bare))
    assert len(pictures) == 11


def test_an_access_unit_has_its_nal_units_behind_their_lengths() -> None:
    track = H264Track.of(film(1)[0].data)
    assert track is not None
    assert track.sample(b"\0\0\1\x09\xf0\0\0\0\1\x65abc\0\0\0\0\1\x41d\0") == b"\0\0\0\4\x65abc\0\0\0\2\x41d"
    assert track.sample(b"") == b""


@pytest.mark.parametrize("seed", range(5))
def test_garbage_ends_nothing(seed: int) -> None:
    """Whatever is in the access units: no exception, and boxes that add up."""
    choose = random.Random(seed)
    fragmenter = Fragmenter(Track.h264(), None)
    units = film(20)
    made: list[Fragment] = []
    for number in range(400):
        data = bytearray(choose.choice(units).data)
        for _ in range(choose.randrange(20)):
            data[choose.randrange(len(data))] = choose.randrange(256)
        cut = bytes(data[: choose.randrange(1, len(data))])
        pts = choose.choice([number * 3600, choose.randrange(2**40), -choose.randrange(2**30)])
        made += fragmenter.picture(Unit(cut, pts, choose.random() < 0.3), 0)  # type: ignore[arg-type]
    for fragment in made:
        samples(fragment.data)
