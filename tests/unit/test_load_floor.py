"""The bare loop of the load generator, as Python calls it."""

import json
import sys

import pytest

from relaycore._relaycore import measure_floor

PLAN = {"sockets": 2, "bitrate": 1_000_000, "seconds": 0.1, "kind": "tcp_burst"}


@pytest.mark.skipif(sys.platform == "win32", reason="the processor time of a thread is not known there")
def test_a_floor_has_the_fields_that_ratios_are_made_of() -> None:
    report = json.loads(measure_floor(json.dumps(PLAN).encode()))
    assert report["bytes"] == report["received_bytes"] > 0
    assert report["cpu_seconds_per_gigabit"] > 0
    assert report["latency_ms"]["count"] == 2 * report["bursts"]
    assert report["machine"]["cpus"] >= 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sockets": 0}, "sockets"),
        ({"kind": "smoke"}, "smoke"),
        ({"socket": 1}, "socket"),
        ({"fps": 0}, "fps"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_a_value_error(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        measure_floor(json.dumps(PLAN | change).encode())


def test_a_processor_that_is_not_there_is_an_os_error() -> None:
    with pytest.raises(OSError, match="processor"):
        measure_floor(json.dumps(PLAN | {"sender_cpu": 5000}).encode())
