"""The page of the benchmarks is made from the results that are kept, those in the repository among them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import page, result
from benchmarks.__main__ import NAMES, SELECTION
from benchmarks.page import PAGE, TEMPLATE, render
from benchmarks.plots import PLOTS
from benchmarks.result import Figure, Record, Result, keep, kept, middle

ROOT = Path(__file__).parents[3]

CIRCUMSTANCES: dict[str, Any] = {
    "machine": {
        "processor": "Example 3000",
        "cores": 2,
        "memory_gib": 8.0,
        "system": "Linux 6.1",
        "load_before": 0.1,
        "load_after": 1.5,
    },
    "versions": {"relaycore": "1.2.3"},
}


def run(server: str, readers: int, p99: float, **more: Any) -> dict[str, Any]:
    """A run as it is kept."""
    names = ("p50", "p90", "p95", "p99", "p999", "max")
    latency = dict.fromkeys(names, p99)
    return {"server": server, "readers": readers, "latency_ms": latency, **more}


def made_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Record]:
    """Results of two loads and a comparison, kept and read again."""
    monkeypatch.setattr(result, "FOLDER", folder)
    cost = Result(
        title="A thousand readers",
        method="Counted on fingers.",
        figures=[
            middle("CPU, times the loop", [1.1, 1.3, 1.2], "", below=1.25),
            Figure("latency p99", 12.345, "ms"),
            Figure("pictures lost", 7, "", below=1),
        ],
        runs=[
            run("relaycore", 1000, 12.0, doubts=["The publisher was 7.5 ms late."]),
            run("relaycore", 1000, 12.0, doubts=["The publisher was 20 ms late."]),
            run("relaycore", 1000, 12.0, doubts=[]),
            run("bare loop", 1000, 8.0),
        ],
    )
    most = Result(
        title="The most readers",
        method="Until it broke.",
        figures=[Figure("readers", 3499, "", at_least=3500)],
        runs=[
            run("relaycore", 1000, 20.0, transport="tcp", held=True),
            run("relaycore", 4000, 400.0, transport="tcp", held=False, doubts=["It was full."]),
            {
                "server": "relaycore",
                "readers": 8000,
                "transport": "tcp",
                "held": False,
                "shortfalls": ["gone"],
            },
        ],
    )
    versus = Result(
        title="Beside others",
        method="All at once.",
        figures=[
            Figure("CPU", 0.1, "s/Gbit", below=0.2, low=0.09, high=0.12, of="relaycore"),
            Figure("CPU", 0.2, "s/Gbit", of="Other"),
            Figure("latency p99", 30.0, "ms", below=20.0, of="relaycore"),
            Figure("latency p99", 20.0, "ms", of="Other"),
        ],
        versions={"Other": "Other 9"},
    )
    for name, one in (("load.tcp_cost", cost), ("load.tcp_most", most), ("versus.tcp", versus)):
        keep(name, one, {"command": f"python -m benchmarks {name}", **CIRCUMSTANCES})
    return kept(folder)


def test_the_page_has_figures_aims_verdicts_and_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is missed is told as such."""
    out = tmp_path / "benchmarks.md"
    (tmp_path / "results").mkdir()
    render(made_up(tmp_path / "results", monkeypatch), out)
    text = out.read_text(encoding="utf-8")
    assert (
        "| A thousand readers: CPU, times the loop | below 1.25 | 1.2 (1.1 to 1.3) | met "
        "| `python -m benchmarks load.tcp_cost` |"
    ) in text
    assert "| A thousand readers: pictures lost | below 1 | 7 | **missed** |" in text
    assert "| readers | 3,499 | at least 3500 | **missed** |" in text
    assert "| latency p99 | 12.3 ms |  |  |" in text
    assert "| figure | relaycore | Other | |" in text
    assert "| CPU | 0.1 s/Gbit (0.09 to 0.12) | 0.2 s/Gbit | ahead |" in text
    assert "| latency p99 | 30 ms | 20 ms | **behind** |" in text
    assert "Counted on fingers." in text
    assert "What speaks against 2 of 3 runs: The publisher was 7.5 ms late.\n" in text
    assert "It was full." not in text
    circumstances = " ".join(text.split())
    assert "relaycore 1.2.3, Other 9; Example 3000, 2 cores, 8 GiB, Linux 6.1" in circumstances
    assert "Not measured: `python -m benchmarks load.stalled`." in text
    assert "{{" not in text


def test_plots_are_drawn_of_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are not there, nor are they shown; the same results give the same bytes."""
    out = tmp_path / "benchmarks.md"
    plots = tmp_path / "benchmarks"
    (tmp_path / "results").mkdir()
    plots.mkdir()
    (plots / "versus-udp.svg").write_text("of results that are gone", encoding="utf-8")
    records = made_up(tmp_path / "results", monkeypatch)
    render(records, out)
    drawn = {path.stem: path.read_bytes() for path in plots.iterdir()}
    assert set(drawn) == {"aims", "latency", "most", "versus-tcp"}
    for content in drawn.values():
        assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
    assert b"A thousand readers: CPU, times the loop" in drawn["aims"]
    assert b"Other" in drawn["versus-tcp"]
    shown = set(re.findall(r"\]\(benchmarks/([\w-]+)\.svg\)", out.read_text(encoding="utf-8")))
    assert shown == set(drawn)
    render(records, out)
    assert {path.stem: path.read_bytes() for path in plots.iterdir()} == drawn


def test_without_results_the_page_says_what_to_measure(tmp_path: Path) -> None:
    out = tmp_path / "benchmarks.md"
    render({}, out)
    assert list((tmp_path / "benchmarks").iterdir()) == []
    assert "Not measured: `python -m benchmarks load`." in out.read_text(encoding="utf-8")


def test_every_benchmark_and_every_plot_is_on_the_page() -> None:
    """Each once; what is selected is one of them."""
    fields = re.findall(
        r"^\{\{(result|plot) ([\w.-]+)\}\}$", TEMPLATE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(name for kind, name in fields if kind == "result") == sorted(NAMES)
    assert sorted(name for kind, name in fields if kind == "plot") == sorted(PLOTS)
    assert set(SELECTION) <= set(NAMES)


def test_the_page_is_that_of_the_results_in_the_repository(tmp_path: Path) -> None:
    """`python -m benchmarks render` draws it anew."""
    out = tmp_path / "benchmarks.md"
    render(page=out)
    assert PAGE.read_text(encoding="utf-8") == out.read_text(encoding="utf-8")
    there, drawn = ({path.name for path in one.with_suffix("").glob("*")} for one in (PAGE, out))
    assert there == drawn


def test_an_unknown_plot_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "page.md"
    template.write_text("{{plot none}}\n", encoding="utf-8")
    monkeypatch.setattr(page, "TEMPLATE", template)
    with pytest.raises(ValueError, match="there is no plot none"):
        render({}, tmp_path / "benchmarks.md")


def test_results_of_older_versions_are_read(tmp_path: Path) -> None:
    """Figures without a spread, and results without runs."""
    old = {
        "benchmark": "camera.readers",
        "command": "x",
        **CIRCUMSTANCES,
        "title": "t",
        "method": "m",
        "figures": [{"name": "n", "value": 1.0, "unit": "s", "below": None}],
        "cpu_seconds": {},
        "samples": {},
    }
    (tmp_path / "camera.readers.json").write_text(json.dumps(old), encoding="utf-8")
    assert kept(tmp_path)["camera.readers"].figures == [Figure("n", 1.0, "s")]


def test_every_single_step_works() -> None:
    """Once each, without timing them: that is what `python -m benchmarks micro` is for."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-disable"]
    done = subprocess.run([*command, "benchmarks/micro"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout)
