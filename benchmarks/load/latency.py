"""How long a packet takes through the relay, while a hundred readers get it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import av

from benchmarks.drain import readers
from benchmarks.load.forward import Packets, forwarding
from benchmarks.result import Figure, Options, Result
from benchmarks.rtsp import Playing
from benchmarks.scene import scene
from benchmarks.server import serve

READERS = 100
SECONDS = 15.0
ATTEMPTS = 50
BITRATE = 4_000_000
WIDTH, HEIGHT, FPS, PICTURES = 1280, 720, 30, 150


def run(_options: Options) -> Result:
    """Publishes a stream of 4 Mbit/s to a relay, and looks when its packets come back."""
    with (
        TemporaryDirectory() as folder,
        serve("--no-camera") as source,
        serve("--no-camera") as relay,
        _published(_clip(Path(folder)), f"rtsp://{source.address}/clip") as url,
    ):
        target = f"rtsp://{relay.address}/relayed"
        with forwarding(url, target) as sent:
            alone = _measure(sent, target)
            with readers(target, READERS - 1) as drain:
                before = relay.cpu_seconds()
                shared = _measure(sent, target)
                cpu = relay.cpu_seconds() - before
    figures = []
    for name, times in (("1 reader", alone), (f"{READERS} readers", shared)):
        hundredths = quantiles(times, n=100)
        figures.append(Figure(f"{name}, median", median(times), "ms"))
        figures.append(Figure(f"{name}, 95th percentile", hundredths[94], "ms"))
        figures.append(Figure(f"{name}, 99th percentile", hundredths[98], "ms", below=1.0))
    figures.append(Figure(f"relay with {READERS} readers", cpu / SECONDS * 100, "% of a core"))
    return Result(
        title="Latency that a relay adds",
        method=(
            f"A clip of {BITRATE / 1e6:g} Mbit/s at 720p30 is published over TCP and read again by the same "
            f"process, for {SECONDS:g} s: from the moment before a packet is written to the relay's socket "
            f"until it was read from the reader's. Once with no other reader, once with {READERS - 1} more, "
            "which another process drains. The clip's server, the publisher, the relay and all readers share "
            "the machine's cores, and the two threads of the measuring process its interpreter lock."
        ),
        figures=figures,
        cpu_seconds={"relay": cpu, "readers": drain.cpu_seconds},
    )


def _clip(folder: Path) -> Path:
    path = folder / "clip.mp4"
    rate = {"maxrate": str(BITRATE), "bufsize": str(BITRATE // 4)}
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"tune": "zerolatency", **rate})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate, stream.gop_size = BITRATE, FPS
        for picture in scene(WIDTH, HEIGHT, PICTURES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        container.mux(stream.encode(None))
    return path


@contextmanager
def _published(clip: Path, url: str) -> Iterator[str]:
    """The clip over and over, published by ffmpeg; the URL once it can be read."""
    command = ["ffmpeg", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy"]
    with subprocess.Popen([*command, "-f", "rtsp", "-rtsp_transport", "tcp", url]) as publisher:
        try:
            for _ in range(ATTEMPTS):
                try:
                    Playing(url).close()
                    break
                except RuntimeError:
                    time.sleep(0.2)
            yield url
        finally:
            publisher.terminate()


def _measure(sent: Packets, url: str) -> list[float]:
    """Milliseconds that each packet took."""
    playing = Playing(url)
    received = Packets()
    began = time.perf_counter()
    received.add(playing.first, began)
    while time.perf_counter() < began + SECONDS:
        data = playing.socket.recv(1 << 18)
        received.add(data, time.perf_counter())
    playing.close()
    sendings: dict[bytes, list[float]] = {}
    for payload, at in sent.times:
        sendings.setdefault(payload, []).append(at)
    times = []
    for payload, at in received.times:
        # The clip comes again and again: the last time before it was received counts.
        before = max((sending for sending in sendings.get(payload, ()) if sending < at), default=0.0)
        # What was cached when the reader joined is left out.
        if before > began + 1:
            times.append((at - before) * 1000)
    return times
