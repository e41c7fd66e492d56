"""``relaycore bench`` against a relay, from what is typed to the file that is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import run
from tests.support.server import Server, serve

ANNA = "hunter2"
Result = dict[str, Any]


@pytest.fixture(scope="module")
def relay() -> Any:
    """One that lets in only whom it knows."""
    with serve("--no-camera", "--user", f"anna:{ANNA}", streams=0) as server:
        yield server


def load(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    """Loads a server for a little more than a second, and gives the result."""
    monkeypatch.setenv("RELAYCORE_BENCH_PASSWORD", ANNA)
    file, page = folder / "r.json", folder / "r.html"
    short = ["--duration", "1.5", "--warm-up", "2", "--gop", "0.5", "--bitrate", "500k", "--readers", "10"]
    output = ["--json", str(file), "--html", str(page), "--pid", str(server.process.pid)]
    url = server.url_of("load/cam")
    done = run("bench", "run", url, "--user", "anna", *short, *output, *options)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    text = file.read_text(encoding="utf-8")
    assert ANNA not in text + done.stdout + page.read_text(encoding="utf-8")
    found: Result = json.loads(text)
    return found


def check_good(group: Result, readers: int) -> None:
    """All of a group play and got everything."""
    units, packets = group["access_units"], group["packets"]
    assert (group["playing"], group["failed"], group["asked"]) == (readers, 0, readers)
    assert units["complete"] == units["expected"] == units["marked"] > 0
    assert units["content_checked"] > 0
    assert (packets["lost"], packets["malformed"], packets["duplicate"]) == (0, 0, 0)
    assert group["latency_ms"]["count"] == units["complete"]


@pytest.mark.parametrize("transport", ["tcp", "udp", "mixed"])
def test_readers_get_all_that_is_published(
    relay: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    found = load(relay, tmp_path, monkeypatch, "--transport", transport)
    (group,) = found["report"]["groups"]
    check_good(group, 10)
    assert found["report"]["findings"] == []
    server = found["server"]
    assert server["descriptors"] >= 10
    assert server["resident_bytes"] > 2**20
    assert [sample["playing"] for sample in server["samples"]][-1] == 10


def test_each_of_many_streams_is_read(relay: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(relay, tmp_path, monkeypatch, "--profile", "many-streams")
    check_good(found["report"]["groups"][0], 10)
    assert found["report"]["sources"][0]["publishing"] == 10


def test_wrong_passwords_are_refused_beside_readers_who_get_everything(
    relay: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = load(relay, tmp_path, monkeypatch, "--profile", "wrong-passwords")
    good, guessing = found["report"]["groups"]
    check_good(good, 10)
    assert (guessing["playing"], guessing["failed"], guessing["setup_ms"]["count"]) == (0, 0, 0)
    assert guessing["refused"] >= 2
    assert found["report"]["findings"] == []


def test_stalled_readers_are_beside_good_ones(
    relay: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = load(relay, tmp_path, monkeypatch, "--profile", "stalled")
    check_good(found["report"]["groups"][0], 10)
    assert found["report"]["groups"][1]["playing"] == 2
