"""What becomes of streams that clients publish is logged."""

import logging

import pytest

from relaycore.control.watch import log_events
from relaycore.events import EventReader, StreamAdded, StreamRemoved, StreamResumed, StreamVacant


async def test_publishers_that_come_and_go_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "relaycore")
    events = EventReader()
    for event in (
        StreamAdded(path="drone"),
        StreamVacant(path="drone"),
        StreamResumed(path="drone"),
        StreamRemoved(path="drone", reason="no publisher came back"),
        StreamRemoved(path="own"),
    ):
        events.push(event)
    events.close()
    await log_events(events)
    assert [record.getMessage() for record in caplog.records] == [
        "the publisher has left, its readers wait for another",
        "another publisher goes on",
        "the stream has ended: no publisher came back",
    ]
    assert {record.__dict__["path"] for record in caplog.records} == {"drone"}
