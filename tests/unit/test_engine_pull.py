"""Streams are pulled from other servers, and the program hears how that goes."""

from __future__ import annotations

import select
from collections.abc import Iterator
from typing import Any

import pytest

from relaycore._relaycore import Engine, PullEvent, Request, StreamEvent, Track

PATIENCE_S = 20.0
"""How long anything may take before the test fails."""


@pytest.fixture
def origin() -> Iterator[Engine]:
    engine = Engine(shards=1)
    yield engine
    engine.close(0.0)


@pytest.fixture
def relay() -> Iterator[Engine]:
    engine = Engine(shards=1)
    yield engine
    engine.close(0.0)


def events(*engines: Engine) -> Iterator[Any]:
    """What happens in the engines; every question is answered with yes."""
    while True:
        ready = select.select([engine.fileno() for engine in engines], [], [], PATIENCE_S)[0]
        assert ready, "nothing happened"
        for engine in engines:
            for item in engine.poll():
                if isinstance(item, Request):
                    engine.allow(item.id)
                else:
                    yield item


def test_a_pull_feeds_its_path_until_it_is_taken_back(origin: Engine, relay: Engine) -> None:
    host, port = origin.listen("127.0.0.1", 0)
    stream = origin.add_stream("far", [Track.jpeg()])
    pull = relay.pull("near", f"rtsp://{host}:{port}/far", transport="tcp")
    happened = events(origin, relay)
    added = next(item for item in happened if isinstance(item, StreamEvent))
    assert (added.kind, added.path) == ("added", "near")
    connected = next(item for item in happened if isinstance(item, PullEvent))
    assert (connected.pull, connected.kind) == (pull, "connected")
    assert (connected.path, connected.reason) == ("near", None)
    assert [track.codec for track in added.stream.tracks] == [track.codec for track in stream.tracks]
    relay.stop_pull(pull)
    ended = next(item for item in happened if isinstance(item, PullEvent))
    assert (ended.pull, ended.kind, ended.reason) == (pull, "ended", None)


def test_a_failure_says_why(origin: Engine, relay: Engine) -> None:
    host, port = origin.listen("127.0.0.1", 0)
    relay.pull("near", f"rtsp://anna:secret@{host}:{port}/nothing")
    failed = next(item for item in events(origin, relay) if isinstance(item, PullEvent))
    assert failed.kind == "failed"
    assert failed.reason is not None
    assert "404" in failed.reason
    assert "secret" not in failed.reason


@pytest.mark.parametrize(
    ("path", "url", "transport", "word"),
    [
        ("near", "http://localhost/far", "auto", "rtsp://"),
        ("near", "localhost/far", "auto", "rtsp://"),
        ("near", "rtsp://ann:p/w@localhost/far", "auto", "%2F"),
        ("near/", "rtsp://localhost/far", "auto", "path"),
        ("near", "rtsp://localhost/far", "quic", "udp"),
    ],
)
def test_what_cannot_be_pulled_is_refused(
    relay: Engine, path: str, url: str, transport: Any, word: str
) -> None:
    with pytest.raises(ValueError, match=word) as refused:
        relay.pull(path, url, transport=transport)
    assert "p/w" not in str(refused.value)


def test_a_pull_that_is_not_known_is_ignored(relay: Engine) -> None:
    relay.stop_pull(12345)
