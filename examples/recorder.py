"""Records a camera into files of some minutes, without decoding anything and without any window.

    python examples/recorder.py FOLDER [CAMERA]

Each file begins with a random access point. Others can watch meanwhile at rtsp://127.0.0.1:8554/cam.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av

from relaycore import AccessUnit, H264Parameters, Relay, Track

FILE_S = 300
"""Seconds after which the next random access point begins a new file."""


class Recording:
    """One Matroska file. A crash costs its last second and not the file."""

    def __init__(self, folder: Path, tracks: list[Track], first: AccessUnit) -> None:
        self.first = first
        name = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ.mkv")
        self._tracks = tracks
        self._file = av.open(folder / name, "w", format="matroska")
        self._streams = [self._add(track) for track in tracks]
        print("recording", folder / name)

    def _add(self, track: Track) -> av.VideoStream | av.AudioStream:
        stream: av.VideoStream | av.AudioStream
        if track.kind == "video":
            found = H264Parameters.parse(track.parameters)
            stream = self._file.add_stream("h264", 30, width=found.width, height=found.height)
        else:
            stream = self._file.add_stream("aac", rate=track.clock_rate)
        stream.codec_context.extradata = track.parameters
        return stream

    def write(self, unit: AccessUnit) -> None:
        """Add one access unit."""
        rate = self._tracks[unit.track].clock_rate
        zero = self.first.captured_ns * rate // 1_000_000_000
        packet = av.Packet(unit.data)
        packet.stream = self._streams[unit.track]
        packet.pts = packet.dts = max(0, unit.pts - zero)
        packet.time_base = Fraction(1, rate)
        packet.is_keyframe = unit.random_access
        self._file.mux(packet)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


async def record(relay: Relay, folder: Path) -> None:
    """Record until the stream ends."""
    recording: Recording | None = None
    try:
        async with relay.read("cam") as reader:
            async for unit in reader:
                starts = unit.random_access and reader.tracks[unit.track].kind == "video"
                full = recording and unit.captured_ns - recording.first.captured_ns > FILE_S * 1_000_000_000
                if starts and (recording is None or full):
                    if recording is not None:
                        recording.close()
                    recording = Recording(folder, reader.tracks, unit)
                if recording is not None:
                    recording.write(unit)
    finally:
        if recording is not None:
            recording.close()


async def main(folder: Path, camera: str | None) -> None:
    """Record until SIGINT or SIGTERM."""
    async with Relay() as relay:
        await relay.add_camera("cam", camera=camera)
        recording = asyncio.create_task(record(relay, folder))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: recording.get_loop().call_soon_threadsafe(recording.cancel))
        await asyncio.wait([recording])


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(target, sys.argv[2] if len(sys.argv) > 2 else None))
