"""H.264 as any player opens it."""

import av
import numpy as np
import pytest

from relaycore._relaycore import H264Parameters
from relaycore.capture.colour import BT601, BT709, JPEG, Colour
from relaycore.encode import choose
from relaycore.encode.choose import choose_encoder, try_encoder
from relaycore.encode.profiles import HARDWARE, SOFTWARE, EncoderProfile, default_bitrate, profile_of
from relaycore.encode.video import AccessUnit, EncoderFailed, VideoEncoder, VideoFormat, parameter_sets
from relaycore.errors import EncoderError

WIDTH, HEIGHT = 320, 180


def format_of(colour: Colour = JPEG, width: int = WIDTH, height: int = HEIGHT) -> VideoFormat:
    return VideoFormat(width, height, 30.0, colour, default_bitrate(width, height, 30.0))


def noise(seed: int) -> memoryview:
    return np.random.default_rng(seed).integers(0, 256, WIDTH * HEIGHT * 3 // 2, np.uint8).data


def types(unit: AccessUnit) -> list[int]:
    return [piece[0] & 0x1F for piece in bytes(unit.data).split(b"\0\0\1")[1:]]


def test_each_picture_gives_one_access_unit_at_once_and_in_order() -> None:
    encoder = VideoEncoder(SOFTWARE, format_of())
    for number in range(20):
        (unit,) = encoder.encode(noise(number), number * 3000, force_key_frame=False)
        assert unit.pts == number * 3000
    assert encoder.flush() == []


def test_key_frames_come_when_they_are_forced_and_carry_the_parameter_sets() -> None:
    encoder = VideoEncoder(SOFTWARE, format_of())
    units = [encoder.encode(noise(1), n * 3000, force_key_frame=n in (5, 6))[0] for n in range(10)]
    assert [number for number, unit in enumerate(units) if unit.random_access] == [0, 5, 6]
    for unit in units:
        found = types(unit)
        assert (7 in found) == (8 in found) == (5 in found) == unit.random_access


def test_a_second_without_a_wish_ends_with_a_key_frame() -> None:
    encoder = VideoEncoder(SOFTWARE, format_of())
    units = [encoder.encode(noise(1), n * 3000, force_key_frame=False)[0] for n in range(65)]
    assert [number for number, unit in enumerate(units) if unit.random_access] == [0, 30, 60]


def test_a_decoded_picture_of_another_type_and_size_is_converted() -> None:
    encoder = VideoEncoder(SOFTWARE, format_of())
    units = []
    for number in range(4):
        frame = av.VideoFrame.from_ndarray(np.zeros((240, 320, 3), np.uint8), format="bgr24")
        frame.pict_type = av.video.frame.PictureType.I
        units += encoder.encode_frame(frame, number * 3000, force_key_frame=False)
    assert [unit.random_access for unit in units] == [True, False, False, False]


@pytest.mark.parametrize("colour", [JPEG, BT601, BT709])
def test_the_stream_tells_range_and_colours(colour: Colour) -> None:
    encoder = VideoEncoder(SOFTWARE, format_of(colour))
    decoder = av.CodecContext.create("h264", "r")
    (unit,) = encoder.encode(noise(1), 0, force_key_frame=True)
    frames = decoder.decode(av.Packet(bytes(unit.data))) + decoder.decode(None)
    frame = frames[0]
    assert frame.color_range == (2 if colour.full_range else 1)
    assert (frame.color_primaries, frame.color_trc, frame.colorspace) == (
        colour.primaries,
        colour.transfer,
        colour.matrix,
    )


@pytest.mark.parametrize(("width", "height", "most"), [(320, 180, 13), (1280, 720, 31), (1920, 1080, 40)])
def test_the_parameter_sets_are_known_before_the_first_picture(width: int, height: int, most: int) -> None:
    sets = parameter_sets(VideoEncoder(SOFTWARE, format_of(width=width, height=height)))
    parsed = H264Parameters.parse(sets)
    assert (parsed.width, parsed.height, parsed.profile_idc, parsed.full_range) == (width, height, 77, True)
    assert parsed.level_idc <= most


def test_they_are_those_that_the_stream_carries() -> None:
    encoder = VideoEncoder(SOFTWARE, format_of())
    (unit,) = encoder.encode(noise(1), 0, force_key_frame=True)
    for nal in parameter_sets(encoder).split(b"\0\0\0\1")[1:]:
        assert nal in bytes(unit.data)


def test_no_picture_is_larger_than_the_rate_allows_for_half_a_second() -> None:
    form = format_of()
    encoder = VideoEncoder(SOFTWARE, form)
    sizes = [len(bytes(encoder.encode(noise(n), n * 3000, force_key_frame=False)[0].data)) for n in range(40)]
    assert sum(sizes[10:]) * 8 / 1.0 < form.bitrate * 1.5


def test_an_encoder_that_ffmpeg_does_not_have_is_said() -> None:
    with pytest.raises(EncoderError, match=r"no encoder 'h264_dream' here: leave the choice to `auto`"):
        VideoEncoder(EncoderProfile("h264_dream"), format_of())


@pytest.mark.parametrize("name", ["mpeg4", "aac"])
def test_an_encoder_of_another_codec_is_refused(name: str) -> None:
    with pytest.raises(EncoderError, match=r"does not encode H\.264"):
        choose_encoder(name, format_of())


def test_an_encoder_that_cannot_be_opened_tells_its_reason() -> None:
    with pytest.raises(EncoderFailed, match="cannot encode 16x16000") as caught:
        VideoEncoder(
            EncoderProfile("libx264", options={"preset": "nonsense"}), format_of(width=16, height=16000)
        )
    assert "nonsense" in caught.value.reason


def test_a_named_encoder_is_used() -> None:
    choice = choose_encoder("libx264", format_of())
    assert choice.profile is SOFTWARE
    assert "asked for" in choice.reason


def test_hardware_that_does_not_work_leaves_software_and_says_how_to_learn_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = EncoderProfile("libx264", options={"preset": "nonsense"})
    monkeypatch.setattr(choose, "HARDWARE", (broken,))
    choice = choose_encoder("auto", format_of())
    assert choice.profile is SOFTWARE
    assert choice.reason == (
        "libx264, in software: no hardware encoder works here (--encoder libx264 tells why)"
    )


def test_without_hardware_encoders_software_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "HARDWARE", ())
    assert choose_encoder("auto", format_of()).reason.startswith("libx264, in software: this build of FFmpeg")


def test_where_no_encoder_works_the_reason_of_each_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EncoderProfile("libx264", options={"preset": "nonsense"})
    monkeypatch.setattr(choose, "HARDWARE", (broken,))
    monkeypatch.setattr(choose, "LAST_RESORTS", ())
    with pytest.raises(EncoderError, match=r"No H\.264 encoder works here \(libx264: .*nonsense"):
        choose_encoder("auto", format_of())


def test_hardware_that_works_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    working = EncoderProfile("libx264", options={**SOFTWARE.options, "preset": "ultrafast"})
    monkeypatch.setattr(choose, "HARDWARE", (working,))
    assert choose_encoder("auto", format_of()).profile is working


def test_an_encoder_that_holds_pictures_back_fails_the_trial() -> None:
    delayed = EncoderProfile("libx264", options={"preset": "superfast", "rc-lookahead": "8", "bf": "0"})
    assert "holds" in (try_encoder(delayed, format_of()) or "")


def test_profiles_are_found_by_name() -> None:
    assert profile_of("libx264") is SOFTWARE
    assert profile_of("h264_other") == EncoderProfile("h264_other")
    assert len({profile.name for profile in HARDWARE}) == len(HARDWARE)


def test_larger_and_faster_pictures_get_more_bits_but_not_in_proportion() -> None:
    assert default_bitrate(1280, 720, 30) == 2_000_000
    assert 2_000_000 < default_bitrate(1920, 1080, 30) < 4_500_000
    assert 2_000_000 < default_bitrate(1280, 720, 60) < 4_000_000
    assert default_bitrate(64, 64, 1) == 150_000
