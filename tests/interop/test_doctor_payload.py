"""What ffmpeg and GStreamer publish, examined by ``relaycore doctor``: it breaks no rule of its format."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from relaycore import Relay
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Outcome, Rule
from relaycore.doctor.rules import payload, rtp, sdp, times
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit
from tests.interop.test_published_formats import FFMPEG, GSTREAMER, ffmpeg, gstreamer, published

RULED = [name for name in FFMPEG if name not in ("mpegvideo", "layer2", "layer3")]
"""What ffmpeg publishes and there are rules of."""

PICTURES = "-re -f lavfi -i testsrc2=size=320x240:rate=25 -re -f lavfi -i sine=440:sample_rate=48000"

TOGETHER = {
    "h264-aac": (
        f"{PICTURES} -c:v libx264 -preset ultrafast -g 25 -c:a aac",
        {"h264-in-band", "h264-level", "aac-units", "aac-config"},
    ),
    "h265-opus": (
        f"{PICTURES} -c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25 "
        "-c:a libopus -ac 2",
        {"h265-in-band", "h265-units", "opus-clock"},
    ),
    "jpeg-pcmu": (
        f"{PICTURES} -c:v mjpeg -huffman default -force_duplicated_matrix 1 -c:a pcm_mulaw -ar 8000",
        {"jpeg-offsets", "jpeg-tables", "jpeg-size", "g711-types"},
    ),
}
"""Picture and sound: how ffmpeg publishes them, and rules that have to hold."""


async def examined(
    url: str, rules: Sequence[Rule] = payload.RULES, seconds: float = 2.0
) -> dict[Outcome, set[str]]:
    """The rules by what became of them."""
    findings = await examine(Visit(Target.parse(url), None, duration=seconds), rules)
    return {outcome: {one.rule.id for one in findings if one.outcome is outcome} for outcome in Outcome}


@pytest.mark.parametrize("name", RULED)
async def test_what_ffmpeg_publishes_breaks_no_rule(name: str) -> None:
    async with Relay(port=0) as relay:
        url = relay.urls("live")[0]
        async with published(relay, ffmpeg(FFMPEG[name], url)):
            found = await examined(url)
    assert found[Outcome.FAILS] == set()
    assert found[Outcome.HOLDS]


@pytest.mark.parametrize("name", ["mpegts", "jpeg-422", "aac"])
async def test_what_gstreamer_publishes_breaks_no_rule(name: str) -> None:
    async with Relay(port=0) as relay:
        url = relay.urls("live")[0]
        async with published(relay, gstreamer(GSTREAMER[name], url)):
            found = await examined(url)
    assert found[Outcome.FAILS] == set()
    assert found[Outcome.HOLDS]


@pytest.mark.parametrize("name", TOGETHER)
async def test_picture_and_sound_belong_together(name: str) -> None:
    options, wanted = TOGETHER[name]
    rules = [*sdp.RULES, *rtp.RULES, *times.RULES, *payload.RULES]
    async with Relay(port=0) as relay:
        url = relay.urls("live")[0]
        async with published(relay, ffmpeg(options, url)):
            found = await examined(url, rules, 4.0)
    assert found[Outcome.FAILS] == set()
    assert found[Outcome.HOLDS] >= wanted | {
        "rtcp-together",
        "rtp-clock",
        "rtcp-name",
        "sdp-control",
        "sound-times",
    }
