"""What is closed gives its descriptors back at once, whoever still knows it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from relaycore import Relay
from relaycore._relaycore import Engine
from relaycore.system.process import open_descriptors
from tests.support.webrtc import PUBLISH


@pytest.fixture(autouse=True)
def uncollected() -> Iterator[None]:
    """Nothing is collected meanwhile: what is given back is given back by whoever closes."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_a_closed_relay_keeps_no_descriptor() -> None:
    async with Relay(port=0):
        pass  # The loop keeps what it opens for the first one.
    before = open_descriptors()
    for _ in range(3):
        async with Relay(port=0):
            assert open_descriptors() > before
    assert open_descriptors() == before


def test_a_closed_engine_keeps_no_descriptor_once_all_was_heard() -> None:
    before = open_descriptors()
    engine = Engine(shards=2)
    rendition = engine.add_rendition("plain")
    engine.listen("127.0.0.1", 0)
    browser = engine.begin_session("live", "webrtc", peer="127.0.0.1:9", action="publish")
    engine.answer_offer(browser, PUBLISH)
    watched = engine.fileno()
    engine.close()
    assert engine.fileno() == watched, "something may still wait to be heard"
    engine.poll()
    assert open_descriptors() == before
    with pytest.raises(ValueError, match="closed"):
        engine.fileno()
    # All are still there, and what they are asked now is answered.
    rendition.close()
    browser.end("nobody is there any more")
    assert engine.poll() == []
