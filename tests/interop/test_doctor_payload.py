"""What ffmpeg and GStreamer publish, examined by ``relaycore doctor``: it breaks no rule of its format."""

from __future__ import annotations

import pytest

from relaycore import Relay
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Outcome
from relaycore.doctor.rules import payload
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit
from tests.interop.test_published_formats import FFMPEG, GSTREAMER, ffmpeg, gstreamer, published

RULED = [name for name in FFMPEG if name not in ("mpegvideo", "layer2", "layer3")]
"""What ffmpeg publishes and there are rules of."""

PUBLISHERS = {"h264-intra-refresh": {"h264-aggregation"}}
"""Rules that ffmpeg 5.1 breaks: the NRI of its STAP-A is 0, and its packets go on as they are."""


async def examined(url: str) -> dict[Outcome, set[str]]:
    """The rules of payloads by what became of them."""
    findings = await examine(Visit(Target.parse(url), None, duration=2.0), payload.RULES)
    return {outcome: {one.rule.id for one in findings if one.outcome is outcome} for outcome in Outcome}


@pytest.mark.parametrize("name", RULED)
async def test_what_ffmpeg_publishes_breaks_no_rule(name: str) -> None:
    async with Relay(port=0) as relay:
        url = relay.urls("live")[0]
        async with published(relay, ffmpeg(FFMPEG[name], url)):
            found = await examined(url)
    assert found[Outcome.FAILS] <= PUBLISHERS.get(name, set())
    assert found[Outcome.HOLDS]


@pytest.mark.parametrize("name", ["mpegts", "jpeg-422", "aac"])
async def test_what_gstreamer_publishes_breaks_no_rule(name: str) -> None:
    async with Relay(port=0) as relay:
        url = relay.urls("live")[0]
        async with published(relay, gstreamer(GSTREAMER[name], url)):
            found = await examined(url)
    assert found[Outcome.FAILS] == set()
    assert found[Outcome.HOLDS]
