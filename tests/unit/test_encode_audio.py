"""AAC-LC from any sound."""

import av
import numpy as np
import pytest

from relaycore.capture.tone import tone
from relaycore.encode.audio import AacEncoder, OpusEncoder


def block(first: int, samples: int, rate: int, layout: str = "mono") -> av.AudioFrame:
    sound = tone(first, samples, rate)
    channels = 2 if layout == "stereo" else 1
    frame = av.AudioFrame.from_ndarray(np.tile(sound, (channels, 1)), format="fltp", layout=layout)
    frame.sample_rate = rate
    return frame


@pytest.mark.parametrize(("channels", "config"), [(1, "1188"), (2, "1190")])
def test_the_configuration_tells_aac_lc_at_48_khz(channels: int, config: str) -> None:
    assert AacEncoder(channels).config[:2].hex() == config


@pytest.mark.parametrize(("rate", "layout"), [(48_000, "mono"), (44_100, "mono"), (16_000, "stereo")])
def test_frames_are_numbered_by_their_samples(rate: int, layout: str) -> None:
    encoder = AacEncoder(1)
    frames = []
    for number in range(20):
        frames += encoder.encode(block(number * rate // 10, rate // 10, rate, layout))
    assert [frame.first_sample for frame in frames] == [1024 * (n - 1) for n in range(len(frames))]
    assert encoder.position == 96_000
    assert 0 <= 96_000 - len(frames) * 1024 <= 2048


def test_a_pip_is_heard_at_its_sample() -> None:
    encoder = AacEncoder(1)
    frames = [
        frame for number in range(100) for frame in encoder.encode(block(24_000 + number * 480, 480, 48_000))
    ]
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = encoder.config
    decoder.sample_rate = 48_000
    decoder.layout = "mono"
    start = None
    for frame in frames:
        for heard in decoder.decode(av.Packet(bytes(frame.data))):
            loud = np.flatnonzero(np.abs(heard.to_ndarray()[0]) > 0.1)
            if start is None and loud.size:
                start = frame.first_sample + int(loud[0])
    assert start is not None
    assert abs(start - 24_000) < 480


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_opus_is_in_frames_of_20_ms_and_a_pip_is_heard_at_its_sample(channels: int, rate: int) -> None:
    encoder = OpusEncoder(channels)
    frames = []
    for number in range(100):
        frames += encoder.encode(block(rate // 2 + number * rate // 100, rate // 100, rate))
    starts = [frame.first_sample for frame in frames]
    assert starts == [starts[0] + 960 * number for number in range(len(frames))]
    assert -960 < starts[0] <= 0
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = 48_000, "stereo" if channels == 2 else "mono"
    start = None
    for frame in frames:
        for heard in decoder.decode(av.Packet(bytes(frame.data))):
            loud = np.flatnonzero(np.abs(heard.to_ndarray().reshape(-1)[::channels]) > 0.1 * _full(heard))
            if start is None and loud.size:
                start = frame.first_sample + int(loud[0])
    assert start is not None
    assert abs(start - 24_000) < 480


def _full(heard: av.AudioFrame) -> int:
    return 32_768 if heard.format.name.startswith("s16") else 1
