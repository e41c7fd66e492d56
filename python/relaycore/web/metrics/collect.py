"""What the relay tells of itself: per path, per session, and as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Literal

from relaycore._relaycore import Engine, Session
from relaycore.web.metrics.exposition import Family
from relaycore.web.metrics.process import process_families
from relaycore.web.metrics.totals import Totals
from relaycore.web.session_ids import SessionIds

if TYPE_CHECKING:
    from relaycore.paths.path import PathStatus
    from relaycore.relay_types import StreamStatus

__all__ = ["MOST_SESSIONS", "MOST_STREAMS", "collect"]

MOST_STREAMS: Final = 1000
"""Streams that are shown one by one, the first by their path."""

MOST_SESSIONS: Final = 1000
"""Sessions that are shown one by one, the oldest: what a path has in all counts every session."""

SECOND: Final = 1e9


def collect(
    engine: Engine,
    streams: Sequence[StreamStatus],
    paths: Sequence[PathStatus],
    totals: Totals,
    ids: SessionIds,
    http_connections: int,
) -> Iterator[Family]:
    """All families of this moment."""
    sessions = sorted(engine.sessions(), key=lambda session: session.started_ns)
    yield from _whole(engine, len(streams), sessions, http_connections)
    yield from _streams(streams[:MOST_STREAMS])
    yield from _feeds(paths[:MOST_STREAMS])
    yield from _paths(totals, sessions)
    yield from _sessions(sessions[:MOST_SESSIONS], ids)
    yield from process_families()


def _whole(
    engine: Engine, streams: int, sessions: Sequence[Session], http_connections: int
) -> Iterator[Family]:
    info = Family("relaycore_build_info", "gauge", "The version of relaycore; the value is always 1.")
    info.add(1, version=version("relaycore"))
    yield info
    connections = Family("relaycore_connections", "gauge", "Connections that are open, by protocol.")
    connections.add(engine.connections, protocol="rtsp")
    connections.add(http_connections, protocol="http")
    yield connections
    live = Family("relaycore_streams", "gauge", "Paths that have a stream.")
    live.add(streams)
    yield live
    discarded = Family(
        "relaycore_discarded_events_total",
        "counter",
        "Events and questions that were discarded because the program did not take them in time.",
    )
    discarded.add(engine.discarded_events)
    yield discarded
    hidden = Family(
        "relaycore_hidden_sessions", "gauge", "Sessions that are too many to be shown one by one here."
    )
    hidden.add(max(0, len(sessions) - MOST_SESSIONS))
    yield hidden


def _streams(streams: Sequence[StreamStatus]) -> Iterator[Family]:
    readers = Family(
        "relaycore_path_readers", "gauge", "Readers that play now, those inside the program included."
    )
    units = Family(
        "relaycore_path_access_units_total",
        "counter",
        "Access units that were written here, not relayed.",
    )
    packets = Family(
        "relaycore_path_packets_total", "counter", "RTP packets that were made, or came from a publisher."
    )
    size = Family("relaycore_path_bytes_total", "counter", "Bytes that came in.")
    ring = Family("relaycore_path_ring_bytes", "gauge", "Bytes that are kept for readers that join.")
    for stream in streams:
        stats, path = stream.stats, stream.path
        readers.add(stats.readers, path=path)
        units.add(stats.access_units, path=path)
        packets.add(stats.packets, path=path)
        size.add(stats.bytes, path=path)
        ring.add(stats.ring_bytes, path=path)
    yield from (readers, units, packets, size, ring)


def _feeds(paths: Sequence[PathStatus]) -> Iterator[Family]:
    """What feeds paths, and where they go on to. Targets are without user and password."""
    ready = Family("relaycore_path_ready", "gauge", "1 where the path has a stream that is fed, 0 where not.")
    live = Family(
        "relaycore_path_source_live", "gauge", "1 where the source of the path feeds it, 0 where not."
    )
    switches = Family(
        "relaycore_path_source_switches_total", "counter", "How often another listed source took its turn."
    )
    forwarding = Family("relaycore_path_forward_live", "gauge", "1 where the stream goes to this server.")
    discarded = Family(
        "relaycore_path_forward_discarded_access_units_total",
        "counter",
        "Access units that were not sent because the server was too slow.",
    )
    for status in paths:
        ready.add(status.ready, path=status.path)
        if status.source is not None:
            live.add(status.source.state == "live", path=status.path)
            switches.add(status.source.switches, path=status.path)
        # Two targets may differ in what is not shown, so they are numbered.
        for number, forward in enumerate(status.forwards):
            labels = {"path": status.path, "number": str(number), "target": forward.target}
            forwarding.add(forward.state == "live", **labels)
            discarded.add(forward.discarded, **labels)
    yield from (ready, live, switches, forwarding, discarded)


def _paths(totals: Totals, sessions: Sequence[Session]) -> Iterator[Family]:
    """Sums over the sessions of a path, for ``action`` read and publish."""
    opened = Family("relaycore_path_sessions_total", "counter", "Sessions that were set up.")
    size = Family("relaycore_path_session_bytes_total", "counter", "RTP bytes sent to readers, or published.")
    packets = Family(
        "relaycore_path_session_packets_total", "counter", "RTP packets sent to readers, or published."
    )
    discarded = Family(
        "relaycore_path_session_discarded_packets_total",
        "counter",
        "RTP packets that were skipped because a reader was too slow.",
    )
    now = Family("relaycore_path_open_sessions", "gauge", "Sessions of now.")
    alive: Counter[tuple[str, str]] = Counter((session.path, session.action) for session in sessions)
    for (path, action), sums in sorted(totals.now(sessions).items()):
        opened.add(sums.sessions, path=path, action=action)
        size.add(sums.bytes, path=path, action=action)
        packets.add(sums.packets, path=path, action=action)
        discarded.add(sums.discarded, path=path, action=action)
        now.add(alive[path, action], path=path, action=action)
    yield from (opened, size, packets, discarded, now)


def _sessions(sessions: Sequence[Session], ids: SessionIds) -> Iterator[Family]:
    """One sample a session; what is only known by reports is left out until there is one."""
    families = {name: Family(f"relaycore_session_{name}", kind, text) for name, kind, text in _OF_SESSIONS}
    for session in sessions:
        labels = {
            "session": ids.of(session),
            "path": session.path,
            "action": session.action,
            "transport": session.transport,
        }
        round_trip_ns = session.round_trip_ns
        values = {
            "bytes_total": session.bytes,
            "packets_total": session.packets,
            "discarded_packets_total": session.discarded,
            "lost_packets": session.lost,
            "jitter_seconds": session.jitter_ns / SECOND,
            "round_trip_seconds": None if round_trip_ns is None else round_trip_ns / SECOND,
            "bandwidth_bits_per_second": session.bandwidth,
            "lag_seconds": session.lag_ns / SECOND,
        }
        for name, value in values.items():
            if value is not None:
                families[name].add(value, **labels)
    yield from families.values()


_OF_SESSIONS: Final[tuple[tuple[str, Literal["counter", "gauge"], str], ...]] = (
    ("bytes_total", "counter", "RTP bytes sent to a reader, or published."),
    ("packets_total", "counter", "RTP packets sent to a reader, or published."),
    ("discarded_packets_total", "counter", "RTP packets that were skipped because the reader was too slow."),
    # A receiver counts down when it gets a packet twice (RFC 3550 section 6.4.1): no counter.
    ("lost_packets", "gauge", "RTP packets lost on the way, as the receiver counts them."),
    ("jitter_seconds", "gauge", "Interarrival jitter, the largest of the tracks."),
    ("round_trip_seconds", "gauge", "Time to the client and back."),
    ("bandwidth_bits_per_second", "gauge", "What the way to a reader carries, as its client estimates."),
    ("lag_seconds", "gauge", "How long the oldest of what a reader has not got waits to be sent."),
)
