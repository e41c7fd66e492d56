"""The sound thread: any sound becomes AAC on the clock of the pictures."""

import queue
import threading
from typing import Any

import av
import numpy as np

from relaycore._relaycore import Track
from relaycore.capture.source import AudioBlock
from relaycore.capture.tone import tone
from relaycore.encode.audio import AacEncoder
from relaycore.errors import DeviceLost, NoSuchDevice
from relaycore.pipeline import audio_loop
from relaycore.pipeline.audio_loop import AudioLoop

PATIENCE = 20.0
"""Seconds after which a test that waits has failed."""

SECOND = 1_000_000_000
BLOCK = 700
"""Samples in a block: no fraction of a frame of AAC, so that some always wait for the next block."""

START_NS = 1000 * SECOND


class Stream:
    def __init__(self) -> None:
        self.tracks = [Track.h264(), Track.aac(b"\x11\x88")]
        self.written: queue.Queue[tuple[bytes, dict[str, Any]]] = queue.Queue()

    def write(self, track: int, access_unit: Any, **fields: Any) -> int:
        assert track == 1
        self.written.put((bytes(access_unit), fields))
        return 1


class Source:
    """So many blocks of the tone, and then it is lost."""

    name, rate, channels = "Mic", 48_000, 1

    def __init__(self, blocks: int, start_ns: int = START_NS) -> None:
        self.blocks, self.done, self.start_ns = blocks, 0, start_ns
        self.closed = False

    def read(self) -> AudioBlock:
        if self.done == self.blocks:
            raise DeviceLost("Mic was lost.")
        first = self.done * BLOCK
        self.done += 1
        frame = av.AudioFrame.from_ndarray(tone(first, BLOCK, 48_000).reshape(1, -1), "fltp", "mono")
        frame.sample_rate = 48_000
        return AudioBlock(frame, self.start_ns + first * SECOND // 48_000)

    def close(self) -> None:
        self.closed = True


def run(*sources: Source | None, until: int) -> tuple[Stream, list[str]]:
    """Runs a loop until it said so much. ``None`` is a try that finds no microphone."""
    stream, stopping, said = Stream(), threading.Event(), []
    rest = list(sources[1:])
    enough = threading.Event()

    def reopen() -> Source:
        source = rest.pop(0)
        if source is None:
            raise NoSuchDevice("There is none.")
        return source

    def say(text: str) -> None:
        said.append(text)
        if len(said) == until:
            stopping.set()
            enough.set()

    assert sources[0] is not None
    loop = AudioLoop(
        stream,  # type: ignore[arg-type]
        1,
        sources[0],
        AacEncoder(1),
        reopen,
        stopping=stopping,
        say=say,
    )
    loop.start()
    assert enough.wait(PATIENCE)
    loop.join(PATIENCE)
    return stream, said


def test_frames_are_timed_by_their_samples_whatever_the_blocks() -> None:
    source = Source(200)
    stream, said = run(source, until=1)
    assert said == ["Mic was lost."]
    assert source.closed
    times = [fields["pts"] for _, fields in list(stream.written.queue)]
    first = START_NS * 48_000 // SECOND - 1024
    assert len(times) >= 200 * BLOCK // 1024 - 2
    assert np.abs(np.array(times) - (first + 1024 * np.arange(len(times)))).max() <= 1


def test_a_lost_microphone_is_opened_again_and_its_gap_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(audio_loop, "RETRY_SECONDS", 0.0)
    gap_ns = 10 * SECOND
    second = Source(20, START_NS + gap_ns)
    stream, said = run(Source(20), None, second, until=3)
    assert said == ["Mic was lost.", "Sound is back: Mic.", "Mic was lost."]
    times = [fields["pts"] for _, fields in list(stream.written.queue)]
    steps = np.diff(times)
    assert (steps > 0).all()
    assert np.count_nonzero(steps > 9 * 48_000) == 1
