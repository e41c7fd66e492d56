"""What a page plays: the tone of the test pattern, by Web Audio."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Locator

from relaycore.capture.tone import TONE_HZ

__all__ = ["SILENCE_DB", "loudest_db"]

SILENCE_DB: Final = -80.0
"""Where no more than this is around the frequency of the tone, it was not played. The tone has -20."""

_LISTEN: Final = """async (media, [hertz, seconds]) => {
    const context = new AudioContext();
    await context.resume();
    const stream = media.srcObject instanceof MediaStream ? media.srcObject : media.captureStream();
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    analyser.smoothingTimeConstant = 0;
    const source = context.createMediaStreamSource(stream);
    source.connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    const bin = Math.round((hertz * analyser.fftSize) / context.sampleRate);
    let loudest = -200;
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
        await new Promise((done) => requestAnimationFrame(done));
        analyser.getFloatFrequencyData(bins);
        for (let at = bin - 2; at <= bin + 2; at++) loudest = Math.max(loudest, bins[at]);
    }
    source.disconnect();
    await context.close();
    return loudest;
}"""


def loudest_db(media: Locator, seconds: float = 2.2) -> float:
    """The most that a video or audio element plays at the pattern's frequency, in dB of full scale.

    The tone is there for a tenth of each second, so two seconds hold two of them.
    """
    return float(media.evaluate(_LISTEN, [TONE_HZ, seconds]))
