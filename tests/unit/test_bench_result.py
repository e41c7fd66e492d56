"""What a load test leaves: a file without secrets, a page that stands alone, two of them compared."""

import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relaycore.bench.compare import compare_results
from relaycore.bench.figures import figures, floor_ratios, number
from relaycore.bench.floor import fitting_floor
from relaycore.bench.machine import Host
from relaycore.bench.page import page
from relaycore.bench.plan import FloorPlan, Plan
from relaycore.bench.quality import Quality
from relaycore.bench.report import Finding, FloorReport, Snapshot
from relaycore.bench.result import (
    Floor,
    Result,
    Search,
    Step,
    make_result,
    read_result,
    write_result,
)
from relaycore.bench.run import Outcome
from relaycore.bench.server import figures_of
from relaycore.bench.text import LONGEST, tame
from relaycore.errors import ConfigurationError
from tests.support.bench import PASSWORD, FakeServer, distribution, plan, report

QUALITY = Quality()
TOKEN = "hunter3-of-the-url"
EVIL = "<script>alert(1)</script>\x1b[2J\x00 & \"quoted\" 'single' \N{SNOWMAN}"
BASIC = b64encode(f"anna:{PASSWORD}".encode()).decode()


def result(profile: str = "steady", median: float = 1.0, **more: Any) -> Result:
    """The result of a run by a user, of a server that echoes what it is sent."""
    wanted: Plan = plan(profile, url=f"rtsp://127.0.0.1:8554/cam?token={TOKEN}")
    findings = [
        Finding(kind="not_rtsp", count=3, first_at_ms=1500, example=f"Authorization: Basic {BASIC} {EVIL}"),
        Finding(kind="echo", count=1, example=f"password={PASSWORD} rtsp://a:{TOKEN}@h/?token={TOKEN}"),
    ]
    found = report(wanted, median, findings=findings)
    server = FakeServer()
    samples = []
    for second in range(wanted.total_ms // 1000):
        # The first three seconds nobody reads.
        playing = wanted.readers if second > 2 else 0
        snapshot = Snapshot(elapsed_ms=1000 * second, playing=playing, bytes=1_000_000 * second)
        samples.append(server.sample(snapshot))
    known = [sample for sample in samples if sample is not None]
    outcome = Outcome(
        report=found, server=figures_of("fake <b>", known, found, begin_s=wanted.warm_up_ms / 1000)
    )
    command = ["relaycore", "bench", "run", f"rtsp://127.0.0.1/cam?token={TOKEN}"]
    floor = Floor(
        plan=FloorPlan(sockets=10, bitrate=4_000_000, seconds=5.0, kind="tcp_burst"),
        report=FloorReport(cpu_seconds_per_gigabit=5.0, latency_ms=distribution(0.5)),
    )
    return make_result(profile, wanted, outcome, command, **{"floor": floor, **more})


def searched() -> Result:
    steps = [
        Step(readers=100, held=True, p99_ms=4.0),
        Step(readers=200, held=False, shortfalls=["p99 2,000 ms"], p99_ms=2000.0),
    ]
    search = Search(quality=QUALITY, steps=steps, largest=100, limit="At 200 the server missed it.")
    return result(search=search)


def value(found: Result, about: str, name: str) -> float:
    (figure,) = [one for one in figures(found) if (one.about, one.name) == (about, name)]
    return figure.value


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    for name, written in (("a", result()), ("b", searched()), ("c", result("many-streams"))):
        write_result(written, tmp_path / name)
        assert read_result(tmp_path / name) == written


def test_no_secret_is_kept(tmp_path: Path) -> None:
    write_result(result("wrong-passwords"), tmp_path / "r.json")
    text = (tmp_path / "r.json").read_text(encoding="utf-8")
    for secret in (PASSWORD, TOKEN, BASIC):
        assert secret not in text
        assert secret not in page(result(), QUALITY)
    assert '"user": "anna"' in text
    assert "token=***" in text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not JSON"),
        ("{}", "is not the result of a load test"),
        (
            '{"format": "relaycore bench", "version": 99}',
            "has version 99 of the format",
        ),
        ('{"format": "relaycore bench", "version": 1}', "is broken: .*made_at"),
    ],
)
def test_a_file_that_is_no_result_is_told(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "r.json"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=f"r.json {sentence}"):
        read_result(file)


def test_a_file_that_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_result(tmp_path / "missing.json")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_result(result(), tmp_path / "missing" / "r.json")


def test_a_field_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    written = result()
    later = msgspec.to_builtins(written)
    later["report"]["colour"] = later["colour"] = "green"
    (tmp_path / "r.json").write_bytes(msgspec.json.encode(later))
    assert read_result(tmp_path / "r.json") == written


def test_figures_are_those_of_the_report() -> None:
    found = result("stalled")
    assert value(found, "good", "latency p99") == 4.0
    assert value(found, "good", "access units whole") == 100.0
    assert value(found, "stalled", "playing at the end") == 2
    # 10 readers with 10 MB each in 20 s.
    assert value(found, "good", "received") == pytest.approx(40.0)
    # A tenth of a processor for a megabyte a second.
    assert value(found, "server", "processor time per gigabit") == pytest.approx(12.5)
    assert value(found, "server", "memory per reader") == pytest.approx(1.0)
    assert dict(floor_ratios(found)) == {
        "processor time per gigabit": pytest.approx(2.5),
        "latency p99": pytest.approx(2.0),
    }
    assert value(searched(), "search", "most readers") == 100


def test_numbers_have_the_digits_that_count() -> None:
    shown = [number(value) for value in (0, 1, 12, 1234.5, 99.96, 0.06123, 3.14159, 10.0)]
    assert shown == ["0", "1", "12", "1,234", "100", "0.0612", "3.14", "10"]


def test_the_bare_loop_does_what_the_server_has_to() -> None:
    floor = fitting_floor(plan("stalled", readers=50, cpus="1"), [0])
    assert (floor.sockets, floor.bitrate, floor.fps, floor.kind) == (50, 4_000_000, 30.0, "tcp_burst")
    assert (floor.sender_cpu, floor.drain_cpu) == (0, 1)
    floor = fitting_floor(plan(transport="udp"), [0, 1])
    assert (floor.kind, floor.sender_cpu, floor.drain_cpu) == ("udp_offload", None, None)
    with pytest.raises(ConfigurationError, match="--floor needs a stream"):
        fitting_floor(plan(no_publish=True), [])


class Page(HTMLParser):
    """Checks that each element is closed in order, and remembers what could load something."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action", "data", "srcset"):
                self.targets.append(value or "")
            elif name == "id":
                self.ids.append(value or "")
            assert not name.startswith("on")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("found", [result(), result("stalled"), searched()], ids=["run", "groups", "search"])
def test_the_page_stands_alone(found: Result) -> None:
    text = page(found, QUALITY)
    seen = Page(text)
    assert seen.open == []
    assert not {"script", "link", "img", "iframe", "object", "image"} & set(seen.tags)
    assert seen.targets
    assert all(target.startswith("#") for target in seen.targets)
    assert {target[1:] for target in seen.targets} <= set(seen.ids)
    assert len(seen.ids) == len(set(seen.ids))
    assert not re.search(r"url\((?!#)|@import|@font-face", text)
    assert seen.tags.count("svg") == len(re.findall(r'<svg role="img" aria-label="', text)) >= 4


def test_the_page_shows_what_a_server_sent_as_text() -> None:
    seen = Page(page(result(), QUALITY))
    assert "<script>alert(1)</script>\\x1b[2J\\x00 & \"quoted\" 'single' \N{SNOWMAN}" in seen.text
    assert "fake <b>" in seen.text
    assert "\x1b" not in seen.text


def test_the_page_has_the_figures_and_the_verdict() -> None:
    text = Page(page(result(), QUALITY)).text
    for word in (
        "Held: p99 at most 100 ms",
        "first picture",
        "Findings",
        "not_rtsp",
        "tcp burst to 10",
    ):
        assert word in text
    text = Page(page(result(median=50.0), QUALITY)).text
    assert "Not held (p99 at most 100 ms, all playing, nothing lost): p99 200.0 ms." in text
    assert "100 readers held p99 at most 100 ms" in Page(page(searched(), QUALITY)).text


def test_a_page_of_nothing_can_be_made() -> None:
    wanted = plan()
    empty = make_result("steady", wanted, Outcome(report=report(Plan(duration_ms=1))), [])
    assert "nobody read" in Page(page(empty, QUALITY)).text


def test_text_of_a_server_moves_no_cursor_and_fills_no_screen() -> None:
    assert tame("a\r\n\x1b[31mb\u202ec\N{SNOWMAN}") == "a\\r\\n\\x1b[31mb\\u202ec\N{SNOWMAN}"
    assert len(tame("x" * 10_000)) == LONGEST
    assert len(tame("\x00" * 10_000)) == LONGEST


def test_two_results_of_the_same_load_are_compared() -> None:
    comparison = compare_results(result(), result(median=2.0))
    rows = {(row.about, row.name): row for row in comparison.rows}
    latency = rows["readers", "latency p99"]
    assert (latency.first, latency.second, latency.ratio, latency.better) == (4.0, 8.0, 2.0, "A")
    assert rows["readers", "access units whole"].better == "alike"
    assert rows["server", "threads"].better == ""
    assert comparison.notes == []
    (row,) = [
        row
        for row in compare_results(result(median=2.0), result()).rows
        if (row.about, row.name) == ("readers", "latency p99")
    ]
    assert row.better == "B"


def test_what_one_has_not_got_is_no_better() -> None:
    without = msgspec.structs.replace(result(), server=None, floor=None)
    rows = {(row.about, row.name): row for row in compare_results(result(), without).rows}
    row = rows["server", "memory per reader"]
    assert (row.second, row.ratio, row.better) == (None, None, "")


def other_plan(**changes: Any) -> Result:
    found = result()
    return msgspec.structs.replace(found, plan=msgspec.structs.replace(found.plan, **changes))


def test_another_server_of_the_same_load_can_be_compared() -> None:
    found = result()
    groups = [msgspec.structs.replace(group, url="rtsp://h/x", user=None) for group in found.plan.groups]
    assert compare_results(found, other_plan(groups=groups)).notes == []


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (other_plan(duration_ms=1000), "duration_ms 20000 and 1000"),
        (other_plan(groups=[]), "groups.0.count 10 and none"),
        (result("churn"), "profile steady and churn"),
        (searched(), "one is a search"),
    ],
)
def test_other_loads_are_not_compared_unless_told(other: Result, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=r"are of different loads: .*--anyway") as caught:
        compare_results(result(), other)
    assert sentence in str(caught.value)
    assert any(sentence in note for note in compare_results(result(), other, anyway=True).notes)


def test_searches_are_compared_whatever_they_found() -> None:
    more = searched()
    assert more.search is not None
    plan_of_more = plan(readers=200, url=f"rtsp://127.0.0.1:8554/cam?token={TOKEN}")
    more = msgspec.structs.replace(
        more, plan=plan_of_more, search=msgspec.structs.replace(more.search, largest=200)
    )
    comparison = compare_results(searched(), more)
    row = comparison.rows[0]
    assert (row.name, row.first, row.second, row.better) == ("most readers", 100, 200, "B")


def test_circumstances_that_differ_are_told() -> None:
    elsewhere = msgspec.structs.replace(result(), host=Host(processor="Other"), interrupted=True)
    notes = compare_results(result(), elsewhere).notes
    assert notes == [
        "They ran on different machines: only ratios to a floor say something.",
        "B was ended before its time.",
    ]
