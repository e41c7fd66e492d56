"""From containers to access units, as streams carry them."""

from itertools import chain
from pathlib import Path

import av
import numpy as np
import pytest

from relaycore.errors import SourceError
from relaycore.paths.demux import Demuxed, Demuxer
from relaycore.paths.medium import open_medium, scheme_of
from tests.support.media import FPS, make_media

SECOND = 1_000_000_000


def demux(place: Path) -> tuple[Demuxer, list[Demuxed]]:
    medium = open_medium(str(place), "auto")
    demuxer = Demuxer(medium)
    units = list(chain(demuxer.first, demuxer))
    medium.close()
    return demuxer, units


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize(("encoder", "codec"), [("libx264", "h264"), ("libx265", "h265")])
def test_h264_and_h265_become_annex_b_with_parameters(
    tmp_path: Path, suffix: str, encoder: str, codec: str
) -> None:
    options = {"x265-params": "log-level=none"} if encoder == "libx265" else {}
    demuxer, units = demux(make_media(tmp_path / f"a{suffix}", video=encoder, options=options))
    assert [track.codec for track in demuxer.tracks] == [codec]
    assert len(units) == 25
    assert all(bytes(unit.data).startswith((b"\0\0\1", b"\0\0\0\1")) for unit in units)
    assert units[0].random_access
    # A decoder that knows only the parameters of the track and the access units finds every picture.
    decoder = av.CodecContext.create("h264" if codec == "h264" else "hevc", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    if demuxer.tracks[0].parameters:
        decoder.extradata = demuxer.tracks[0].parameters
    pictures = [frame for unit in units for frame in decoder.decode(av.Packet(bytes(unit.data)))]
    assert len(pictures + decoder.decode(None)) == 25


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_aac_has_its_configuration_and_no_adts(tmp_path: Path, suffix: str) -> None:
    demuxer, units = demux(make_media(tmp_path / f"a{suffix}", sound="aac"))
    assert [track.codec for track in demuxer.tracks] == ["h264", "aac"]
    assert (demuxer.tracks[1].clock_rate, demuxer.tracks[1].channels) == (48_000, 1)
    frames = [unit for unit in units if unit.track == 1]
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = demuxer.tracks[1].parameters
    assert not any(bytes(unit.data).startswith(b"\xff\xf1") for unit in frames)
    sounds = [frame for unit in frames for frame in decoder.decode(av.Packet(bytes(unit.data)))]
    assert sum(frame.samples for frame in sounds) >= 48_000 * 9 // 10


@pytest.mark.parametrize(
    ("suffix", "encoder", "codec"),
    [
        (".mkv", "mpeg4", "mpeg4"),
        (".ts", "mpeg2video", "mpegvideo"),
        (".webm", "libvpx", "vp8"),
        (".webm", "libvpx-vp9", "vp9"),
        (".avi", "mjpeg", "jpeg"),
    ],
)
def test_other_video_is_carried_as_it_is(tmp_path: Path, suffix: str, encoder: str, codec: str) -> None:
    pixels = "yuvj422p" if encoder == "mjpeg" else "yuv420p"
    demuxer, units = demux(make_media(tmp_path / f"a{suffix}", video=encoder, pixels=pixels))
    assert [track.codec for track in demuxer.tracks] == [codec]
    assert len(units) == 25
    times = [unit.pts_ns for unit in units]
    assert times == sorted(set(times))
    assert abs(times[-1] - times[0] - 24 * SECOND // FPS) < 3_000_000


def test_samples_become_blocks_of_20_ms_in_network_order(tmp_path: Path) -> None:
    place = tmp_path / "a.wav"
    wave = np.arange(4800, dtype=np.int16)
    with av.open(str(place), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(wave[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
    demuxer, units = demux(place)
    assert [track.codec for track in demuxer.tracks] == ["l16"]
    assert b"".join(bytes(unit.data) for unit in units) == wave.astype(">i2").tobytes()
    assert max(len(bytes(unit.data)) for unit in units) == 2 * 960
    assert [unit.pts_ns for unit in units[:2]] == [0, SECOND // 50]


def test_what_cannot_be_opened_is_told_without_the_password() -> None:
    # Where nobody listens: refused, or after a while given up.
    message = r"http://\*\*\*@127.0.0.1:1/a cannot be opened: .*(efused|timed out)"
    with pytest.raises(SourceError, match=message) as told:
        open_medium("http://anna:secret@127.0.0.1:1/a", "auto")
    assert "secret" not in str(told.value)


def test_a_medium_with_nothing_to_carry_is_told(tmp_path: Path) -> None:
    place = tmp_path / "a.srt"
    place.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    medium = open_medium(str(place), "auto")
    with pytest.raises(SourceError, match="no video or sound that can be carried"):
        Demuxer(medium)
    medium.close()


@pytest.mark.parametrize(
    ("place", "scheme"),
    [("RTSP://host/a", "rtsp"), ("house/door.mp4", "file"), ("C:\\a.mp4", "file"), ("srt://h:1", "srt")],
)
def test_schemes_are_told_apart_from_files(place: str, scheme: str) -> None:
    assert scheme_of(place) == scheme
