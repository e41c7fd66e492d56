"""The peers of the benchmarks that Debian has are measured as relaycore is."""

from __future__ import annotations

import pytest

from benchmarks import measure
from benchmarks.measure import Transport, cores, measure_once
from benchmarks.peer import peer, version


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_gstreamers_server_passes_on_what_the_load_generator_sends(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain RTP goes in, and readers get every access unit of it with its mark."""
    which = peer("gstreamer")
    assert str(version(which)).startswith("GStreamer 1.")
    monkeypatch.setitem(measure.BEGIN_MS, "rtp_udp", 3000)
    monkeypatch.setattr(measure, "SETTLE_MS", 200)
    run = measure_once(which, cores(), 2, transport=transport, seconds=1.0)
    assert run.report.findings == []
    assert run.failed == 0
    assert run.broken == 0
    assert run.readers.playing == 2
    assert run.readers.access_units.marked == run.readers.access_units.complete > 0
    assert run.cpu_seconds > 0
