"""The text formats of Prometheus, read back by its own parsers."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from relaycore.web.metrics.exposition import Family, expose
from relaycore.web.metrics.process import process_families

ODD = 'a "quoted" \\ name\nin two lines'


def families() -> list[Family]:
    counter = Family("relay_sent_bytes_total", "counter", 'Bytes \\ that "went" out.')
    counter.add(2**60, path=ODD)
    counter.add(0, path="other")
    gauge = Family("relay_lag_seconds", "gauge", "How late it is.")
    gauge.add(0.125)
    return [counter, gauge, Family("relay_empty", "gauge", "Nothing.")]


def test_openmetrics_is_read_back() -> None:
    text = expose(families(), openmetrics=True)
    found = {family.name: family for family in read_openmetrics(text)}  # type: ignore[no-untyped-call]
    assert list(found) == ["relay_sent_bytes", "relay_lag_seconds"]
    sent, lag = found.values()
    assert (sent.type, sent.unit, sent.documentation) == ("counter", "bytes", 'Bytes \\ that "went" out.')
    assert [(sample.name, sample.labels, sample.value) for sample in sent.samples] == [
        ("relay_sent_bytes_total", {"path": ODD}, 2**60),
        ("relay_sent_bytes_total", {"path": "other"}, 0),
    ]
    assert (lag.type, lag.unit, lag.samples[0].value) == ("gauge", "seconds", 0.125)


def test_the_older_format_is_read_back() -> None:
    found = list(read_prometheus(expose(families(), openmetrics=False)))
    sent, lag = found
    assert (sent.type, sent.documentation) == ("counter", 'Bytes \\ that "went" out.')
    assert [(sample.name, sample.labels, sample.value) for sample in sent.samples] == [
        ("relay_sent_bytes_total", {"path": ODD}, 2**60),
        ("relay_sent_bytes_total", {"path": "other"}, 0),
    ]
    assert lag.samples[0].value == 0.125


def test_the_process_is_measured() -> None:
    found = {family.name: family.samples[0][1] for family in process_families()}
    assert found["process_cpu_seconds_total"] > 0
    assert found["process_resident_memory_bytes"] > 1 << 20
    assert found.get("process_open_fds", 3) >= 3, "told where the system has them"
