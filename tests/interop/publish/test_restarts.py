"""A publisher that is killed and comes back again and again, and recorders that do not notice."""

from __future__ import annotations

import signal
import subprocess
from itertools import pairwise
from pathlib import Path

import av
import pytest

from relaycore.events import SessionStarted, StreamAdded, StreamResumed, StreamVacant
from tests.interop.publish.clips import Clips
from tests.interop.publish.programs import FFMPEG
from tests.interop.publish.running import LIMIT, RunningRelay

RECORDERS = 10
RESTARTS = 10

PACKETS = 25
"""Packets that one more reader takes from each publisher: a second of them."""

PATH = "live"


def publish(clips: Clips, relay: RunningRelay) -> subprocess.Popen[bytes]:
    """Start a publisher without B-frames: those ffmpeg does not copy from RTSP, without any relay either."""
    source = ["-re", "-stream_loop", "-1", "-i", str(clips.file("h264")), "-c", "copy"]
    target = ["-f", "rtsp", "-rtsp_transport", "tcp", relay.url(PATH)]
    return subprocess.Popen([FFMPEG, "-v", "quiet", "-nostdin", *source, *target], stdin=subprocess.DEVNULL)


def record(relay: RunningRelay, file: Path) -> subprocess.Popen[bytes]:
    """Start a recorder that copies, into a format that keeps times as they came."""
    source = ["-rtsp_transport", "tcp", "-i", relay.url(PATH), "-c", "copy", str(file)]
    return subprocess.Popen([FFMPEG, "-v", "error", "-nostdin", *source], stdin=subprocess.DEVNULL)


@pytest.mark.timeout(180)
def test_ten_recorders_record_through_ten_restarts_of_the_publisher(clips: Clips, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.nut" for number in range(RECORDERS)]
    recorders: list[subprocess.Popen[bytes]] = []
    with RunningRelay() as relay:
        publisher = publish(clips, relay)
        try:
            relay.wait(StreamAdded, lambda event: event.path == PATH)
            recorders += [record(relay, file) for file in files]
            # The publisher has a session too.
            relay.wait(SessionStarted, lambda event: event.path == PATH, count=1 + RECORDERS)
            control = av.open(relay.url(PATH), options={"rtsp_transport": "tcp"}, timeout=LIMIT)
            packets = control.demux(video=0)
            for restart in range(1, RESTARTS + 1):
                publisher.kill()
                publisher.wait()
                relay.wait(StreamVacant, lambda event: event.path == PATH, count=restart)
                publisher = publish(clips, relay)
                relay.wait(StreamResumed, lambda event: event.path == PATH, count=restart)
                for _ in range(PACKETS):
                    next(packets)
            control.close()
            for recorder in recorders:
                assert recorder.poll() is None
                recorder.send_signal(signal.SIGINT)
            for recorder in recorders:
                recorder.wait(LIMIT)
        finally:
            for program in (publisher, *recorders):
                program.kill()
                program.wait()
        started = relay.wait(SessionStarted, lambda event: event.path == PATH)
    # One session for each recorder, the control and each publisher.
    assert len(started) == RECORDERS + 1 + 1 + RESTARTS
    for file in files:
        with av.open(str(file)) as recording:
            times = [packet.dts for packet in recording.demux(video=0) if packet.size]
        known = [time for time in times if time is not None]
        assert len(known) > RESTARTS * PACKETS / 2
        assert all(earlier < later for earlier, later in pairwise(known)), file
