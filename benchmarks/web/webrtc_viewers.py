"""What hundreds of viewers by WebRTC cost, and what comes to them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from benchmarks.measure import Cores, Measured, carry_out, cores, percentiles, source
from benchmarks.peer import PATH, Target, peer, start
from benchmarks.result import Figure, Options, Result, middle
from relaycore._relaycore import LoadRun, LoadViewers
from relaycore.bench.plan import Plan
from relaycore.bench.report import AccessUnits, Distribution, Finding, Packets

VIEWERS: Final = 500
BITRATE: Final = 2_000_000

CHECK_ONE_IN: Final = 50
"""Viewers of which one decrypts what comes and looks whether it is right."""

WARM_UP_MS: Final = 20_000
"""Until then all have to be there."""

ASKING: Final = 4
"""Offers that are on their way at a time."""

PATIENCE_S: Final = 10.0
POLL_S: Final = 0.02

DELIVERED: Final = 99.5
"""Per cent that are to come: an access unit may be on one side of the begin or the end when it is sent, and
on the other when it comes, which is 0.3 % of ten seconds."""

THREAD: Final = "relaycore-webrt"
"""The thread of the server that serves them; the kernel keeps 15 characters of a name."""


class Viewed(msgspec.Struct, frozen=True):
    """What the viewers found; see ``rust/relaycore-load/src/webrtc/mod.rs``."""

    asked: int
    connected: int
    playing: int
    packets: Packets
    access_units: int
    bytes: int
    checking: int
    checked: AccessUnits
    latency_ms: Distribution
    cpu_seconds: float
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class Watched:
    """What the server needed, and what the viewers got."""

    server: Measured
    viewers: Viewed

    @property
    def cpu_per_viewer(self) -> float:
        """Per cent of a core that the server takes for each."""
        return self.server.cpu_seconds / self.server.report.seconds / VIEWERS * 100

    @property
    def cpu_per_gigabit(self) -> float:
        """Processor seconds of the server for each gigabit of packets that came."""
        return self.server.cpu_seconds / max(self.viewers.bytes * 8e-9, 1e-9)

    @property
    def thread_busy(self) -> float:
        """Share of the time in which the thread that serves them had work, in per cent."""
        ran = sum(spent for name, spent in self.server.thread_seconds.items() if name.startswith(THREAD))
        return ran / self.server.report.seconds * 100

    @property
    def generator_busy(self) -> float:
        """Share of the time in which the thread of the viewers had work, in per cent."""
        return self.viewers.cpu_seconds / self.server.report.seconds * 100

    @property
    def delivered(self) -> float:
        """Access units that came to their end, of those that were sent, in per cent."""
        sent = sum(one.access_units for one in self.server.report.sources)
        return self.viewers.access_units / max(sent * VIEWERS, 1) * 100

    def record(self, **about: Any) -> dict[str, Any]:
        """The run in numbers, to be kept."""
        return {
            **about,
            "cpu_seconds": self.server.cpu_seconds,
            "thread_seconds": self.server.thread_seconds,
            "memory_kib": self.server.memory_kib,
            "seconds": self.server.report.seconds,
            "connected": self.viewers.connected,
            "playing": self.viewers.playing,
            "bytes": self.viewers.bytes,
            "delivered": self.delivered,
            "packets": msgspec.to_builtins(self.viewers.packets),
            "checked": msgspec.to_builtins(self.viewers.checked),
            "latency_ms": percentiles(self.viewers.latency_ms),
            "generator_busy": self.generator_busy,
            "findings": {one.kind: one.count for one in self.viewers.findings},
        }


def run(options: Options) -> Result:
    """Measures with a processor for each side, and with both for both, in turns."""
    pinned, both = cores(), tuple(sorted(os.sched_getaffinity(0)))
    shared = Cores(both, both)
    ways = {"apart": pinned, "together": shared}
    found: dict[str, list[Watched]] = {way: [] for way in ways}
    runs = []
    for turn in range(options.repeats):
        for way, on in ways.items():
            watched = _watch(on, pins=way == "apart", seconds=options.seconds)
            found[way].append(watched)
            runs.append(watched.record(server="relaycore", turn=turn, viewers=VIEWERS, processors=way))
    return Result(
        title=f"{VIEWERS} viewers by WebRTC",
        method=(
            f"A stream of {BITRATE / 1e6:g} Mbit/s at 30 pictures a second, published over TCP to relaycore "
            f"and watched by {VIEWERS} clients of WebRTC in one thread, each with a socket, ICE, DTLS and "
            "SRTP of its own, which connect by WHEP. They tell by the headers of packets, which SRTP does "
            f"not encrypt, what came and what is missing; one in {CHECK_ONE_IN} decrypts all of it and "
            "checks each access unit: latency is that of those, from the moment when the publisher sends "
            "an access unit to its last byte. Once with the server on one processor and the load on the "
            "other, and once with both on both; in turns, "
            f"{options.repeats} times for {options.seconds:g} s each, when all are connected; medians, with "
            "the lowest and the highest. Processor time is that of the whole server process."
        ),
        figures=[figure for way in ways for figure in _figures(found[way], way)],
        cpu_seconds={"relaycore": sum(one.server.cpu_seconds for each in found.values() for one in each)},
        runs=runs,
    )


def _figures(found: Sequence[Watched], way: str) -> list[Figure]:
    where = "a processor each" if way == "apart" else "both processors"
    wrong = sum(one.viewers.checked.corrupt + one.viewers.checked.incomplete for one in found)
    return [
        middle(f"{where}: CPU a viewer", [one.cpu_per_viewer for one in found], "% of a core"),
        middle(f"{where}: CPU", [one.cpu_per_gigabit for one in found], "s/Gbit"),
        middle(f"{where}: access units delivered", [one.delivered for one in found], "%", at_least=DELIVERED),
        middle(f"{where}: latency p50", [one.viewers.latency_ms.p50 for one in found], "ms"),
        middle(f"{where}: latency p99", [one.viewers.latency_ms.p99 for one in found], "ms"),
        Figure(f"{where}: packets lost", sum(one.viewers.packets.lost for one in found), ""),
        Figure(f"{where}: checked access units that were wrong", wrong, "", below=1),
        Figure(
            f"{where}: viewers that failed", sum(VIEWERS - one.viewers.playing for one in found), "", below=1
        ),
        middle(f"{where}: thread of the server busy", [one.thread_busy for one in found], "%"),
        middle(f"{where}: thread of the viewers busy", [one.generator_busy for one in found], "%"),
    ]


def _watch(on: Cores, *, pins: bool, seconds: float) -> Watched:
    """A server by itself, from its start to its end, with all viewers."""
    with start(peer("relaycore"), on.server) as target:
        plan = Plan(
            seed=1,
            cpus=list(on.load) if pins else None,
            warm_up_ms=WARM_UP_MS,
            duration_ms=int(seconds * 1000),
            sources=[source(target, bitrate=BITRATE)],
        )
        viewers: list[LoadViewers] = []

        def begun(run: LoadRun) -> None:
            cpu = on.load[0] if pins else None
            viewers.append(LoadViewers(run, VIEWERS, check_one_in=CHECK_ONE_IN, cpu=cpu))
            _connect(viewers[0], target)

        measured = carry_out(target, on, plan, begun=begun)
        return Watched(measured, msgspec.json.decode(viewers[0].stop(), type=Viewed))


def _connect(viewers: LoadViewers, target: Target) -> None:
    """Carries the offers to the server, and waits until all are connected. RuntimeError when they are not."""
    address = urlsplit(target.url).netloc
    ends = time.monotonic() + WARM_UP_MS / 1000
    offers = list(enumerate(viewers.offers()))
    with ThreadPoolExecutor(ASKING) as asking:
        for outcome in [
            asking.submit(_carry, address, offers[first::ASKING], viewers, ends) for first in range(ASKING)
        ]:
            outcome.result()
    while viewers.connected() < VIEWERS:
        if time.monotonic() > ends:
            raise RuntimeError(f"only {viewers.connected()} of {VIEWERS} viewers have connected")
        time.sleep(POLL_S)


def _carry(address: str, offers: Sequence[tuple[int, str]], viewers: LoadViewers, ends: float) -> None:
    connection = HTTPConnection(address, timeout=PATIENCE_S)
    try:
        for number, offer in offers:
            viewers.answer(number, _answer(connection, offer, ends))
    finally:
        connection.close()


def _answer(connection: HTTPConnection, offer: str, ends: float) -> str:
    """The answer to an offer, once there is a stream. RuntimeError when there is none in time."""
    while True:
        connection.request("POST", f"/{PATH}/whep", offer, {"Content-Type": "application/sdp"})
        response = connection.getresponse()
        told = response.read().decode()
        if response.status == 201:
            return told
        if response.status != 404 or time.monotonic() > ends:
            raise RuntimeError(f"the offer was refused with {response.status}: {told}")
        time.sleep(POLL_S)
