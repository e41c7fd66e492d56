"""``relaycore bench`` as it is typed: what it refuses, what it prints, what it leaves."""

import argparse
import io
import json
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relaycore.bench.options import PASSWORD_VARIABLE
from relaycore.bench.plan import Plan
from relaycore.bench.profiles import PROFILES
from relaycore.bench.report import Finding, Second, Snapshot
from relaycore.bench.result import read_result
from relaycore.bench.server import Sample
from relaycore.bench.session import perform
from relaycore.bench.view import Progress
from relaycore.control.cli import main
from relaycore.control.commands import bench
from relaycore.control.console import make_console
from tests.support.bench import PASSWORD, URL, FakeLoad, plan, report

Plans = list[Plan]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Plans:
    """The plans that the load generator was given, which finds a good server, up to 300 readers."""
    plans: Plans = []

    def load(data: bytes) -> FakeLoad:
        wanted = msgspec.json.decode(data, type=Plan)
        plans.append(wanted)
        findings = [Finding(kind="odd_answer", count=2, example=f"\x1b[2J {PASSWORD}")]
        found = report(wanted, 1.0 if wanted.readers <= 300 else 100.0, findings=findings)
        return FakeLoad(wanted, found, step_ms=wanted.total_ms)

    monkeypatch.setattr(bench, "perform", partial(perform, load=load))
    monkeypatch.setattr("relaycore.bench.session.SETTLE_S", 0.0)
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    return plans


def test_a_run_prints_and_leaves_what_it_found(
    loaded: Plans, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, page = tmp_path / "r.json", tmp_path / "r.html"
    arguments = ["bench", "run", URL, "--user", "anna", "--readers", "25", "--bitrate", "2M"]
    assert main([*arguments, "--json", str(file), "--html", str(page)]) == 0
    (wanted,) = loaded
    assert (wanted.readers, wanted.sources[0].bitrate, wanted.groups[0].password) == (25, 2_000_000, PASSWORD)
    output = capsys.readouterr()
    assert output.err == ""
    for word in (
        "first picture",
        "Held: p99 at most 100 ms",
        "odd_answer",
        "\\x1b[2J ***",
        str(file),
    ):
        assert word in output.out
    assert read_result(file).plan.readers == 25
    for text in (output.out, file.read_text(encoding="utf-8"), page.read_text(encoding="utf-8")):
        assert PASSWORD not in text
        assert "\x1b" not in text


def test_the_largest_count_is_searched_for(
    loaded: Plans, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.json"
    assert main(["bench", "run", URL, "--find-max", "--p99-ms", "50", "--json", str(file)]) == 0
    assert [wanted.readers for wanted in loaded] == [100, 200, 400, 300, 350, 325, 312]
    assert {wanted.duration_ms for wanted in loaded} == {10_000}
    output = capsys.readouterr().out
    assert "400 readers: p99 400.0 ms, not held: p99 400.0 ms" in output
    assert "300 readers held p99 at most 50 ms" in output
    kept = read_result(file)
    assert kept.search is not None
    assert (kept.search.largest, kept.plan.readers) == (300, 300)


def test_many_readers_of_a_step_come_in_little_time(loaded: Plans) -> None:
    assert main(["bench", "run", URL, "--find-max", "--readers", "3000", "--most", "3000"]) == 0
    assert loaded[0].groups[0].ramp_per_second == 600.0


def test_two_results_are_compared(loaded: Plans, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    for file in files:
        assert main(["bench", "run", URL, "--json", file]) == 0
    assert main(["bench", "run", URL, "--readers", "50", "--json", files[0]]) == 0
    capsys.readouterr()
    assert main(["bench", "compare", *files]) == 2
    assert "different loads: groups.0.count 50 and 100" in capsys.readouterr().err
    assert main(["bench", "compare", *files, "--anyway"]) == 0
    output = capsys.readouterr().out
    assert f"A is {files[0]}, B is {files[1]}." in output
    assert "latency p99" in output
    assert re.search(r"received +. +200 Mbit/s +. +400 Mbit/s +. +2 ", output.replace("│", "."))


def test_a_bare_loop_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "floor", "--sockets", "2", "--seconds", "0.2", "--kind", "tcp_packet"]) == 0
    assert "tcp_packet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", URL, "--readers", "many"], '--readers: "many" is not right; it should be how many readers'),
        (["run", URL, "--bitrate", "1", "--fps", "0"], "--fps: "),
        (["run", URL, "--profile", "stedy"], "There is no profile 'stedy'; did you mean steady?"),
        (["run", URL, "--reeders", "3"], "There is no option --reeders; did you mean --readers?"),
        (["run", URL, "--pid", "4194305"], "--pid: there is no process"),
        (["run", URL, "--html", "missing/r.html"], "cannot be written: there is no folder missing"),
        (["run", "rtsp://192.0.2.7/cam"], "192.0.2.7 (192.0.2.7) is not this machine"),
        (["run", URL, "--publish", "rtsp://192.0.2.7/cam"], "is not this machine"),
        (["run", URL, "--source-rtp", "udp://192.0.2.7:5004"], "is not this machine"),
        (["run", URL, "--no-publish", "--floor"], "--floor needs a stream"),
        (["floor", "--kind", "tcp"], '--kind: "tcp" is not right'),
        (["compare", "a.json"], "B.json"),
        ([], "ACT"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_loaded(
    loaded: Plans, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["bench", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert loaded == []


def test_a_server_of_ones_own_may_be_elsewhere(loaded: Plans) -> None:
    assert main(["bench", "run", "rtsp://192.0.2.7/cam", "--i-own-this-server"]) == 0
    assert loaded[0].groups[0].url == "rtsp://192.0.2.7/cam"


def test_a_missing_package_is_told_before_anything_is_loaded(
    loaded: Plans, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package, options in (("matplotlib", ["--html", "r.html"]), ("psutil", ["--pid", "1"])):
        monkeypatch.setitem(sys.modules, package, None)
        assert main(["bench", "run", URL, *options]) == 2
        assert f"{options[0]} needs {package}" in capsys.readouterr().err
    assert loaded == []


def test_the_password_is_asked_for_where_it_is_not_in_the_environment(
    loaded: Plans, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE)
    arguments = ["bench", "run", URL, "--user", "anna"]
    assert main(arguments) == 2
    assert f"put it into {PASSWORD_VARIABLE}" in capsys.readouterr().err

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: "typed" if prompt.endswith("anna: ") else "")
    assert main(arguments) == 0
    assert [wanted.groups[0].password for wanted in loaded] == ["typed"]


def test_a_relay_does_not_take_the_password_for_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.toml"
    file.write_text("port = 1\n")
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    assert main(["check", str(file)]) == 0
    assert PASSWORD not in capsys.readouterr().out


def looks(console: Any) -> None:
    """A run of two looks, with a server."""
    with Progress(console) as progress:
        wanted = plan()
        progress.begin("steady, 10 readers", wanted)
        for second in (5, 9):
            snapshot = Snapshot(
                elapsed_ms=1000 * second,
                total_ms=26_000,
                playing=10,
                publishing=1,
                last_second=Second(bytes=5_000_000, p50_ms=1.25, p99_ms=4.5, max_ms=5.0),
            )
            sample = Sample(t=second, cpu_seconds=second / 4, resident_bytes=2**26, threads=1, descriptors=1)
            progress.show(snapshot, sample)
        progress.pause("Letting the server settle…")
        progress.keep("10 readers: held")


def test_lines_are_printed_where_there_is_no_terminal() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    looks(make_console(out))
    assert isinstance(out.buffer, io.BytesIO)
    assert out.buffer.getvalue().decode().splitlines() == [
        "5 of 26 s | publishing 1 | playing 10 of 10 | received 40 Mbit/s | latency p50 1.25, p99 4.5 ms | "
        "lost 0 | failed 0",
        "Letting the server settle...",
        "10 readers: held",
    ]


def test_a_terminal_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    for name, value in (("TERM", "xterm"), ("COLUMNS", "100"), ("LINES", "20")):
        monkeypatch.setenv(name, value)
    out = Terminal()
    looks(make_console(out))
    text = out.getvalue()
    for word in ("warming up", "measuring", "10 of 10", "25 % of a processor, 64 MiB", "10 readers: held"):
        assert word in text
    assert "\x1b[" in text


def test_the_result_is_json_for_other_programs(loaded: Plans, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    assert main(["bench", "run", URL, "--json", str(file)]) == 0
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert (kept["format"], kept["version"], kept["profile"]) == ("relaycore bench", 1, "steady")
    assert kept["report"]["groups"][0]["latency_ms"]["p99"] == 4.0
    assert kept["versions"].keys() == {"relaycore", "Python"}


def test_the_page_of_documentation_names_what_there_is() -> None:
    text = (Path(__file__).parents[2] / "docs/bench.md").read_text(encoding="utf-8")
    parser = argparse.ArgumentParser()
    bench.add_options(parser)
    (acts,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    options = {
        option for act in acts.choices.values() for action in act._actions for option in action.option_strings
    }
    used_of_serve = {"--no-camera"}
    assert set(re.findall(r"--[a-z][a-z0-9-]+", text)) <= options | used_of_serve
    assert re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE) == list(PROFILES)
