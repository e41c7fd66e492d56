"""The program that simulates a fleet, as a process: what it says of what goes wrong."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.program import end, started

SMALL = ("--cameras", "3", "--size", "160x90", "--fps", "5", "--port", "0")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--loss 0.05", "Faults: --loss 0.05, from cam1 to cam3\n"),
        (
            "--disconnect 60 --refuse-logins --freeze --wrong-clock -3600 --jitter 1 --faulty 2",
            "Faults: --jitter 1, --freeze, --wrong-clock -3600, --refuse-logins, --disconnect 60, "
            "from cam1 to cam2\n",
        ),
    ],
)
def test_what_goes_wrong_is_told_and_with_which_cameras(tmp_path: Path, options: str, sentence: str) -> None:
    folder = ("--state-folder", str(tmp_path))
    with started("fleet", *SMALL, *folder, *options.split(), until="Faults") as (process, output):
        end(process, signal.SIGINT)
    assert output.startswith("Cameras: 3, from rtsp://127.0.0.1:")
    assert output.endswith(sentence)


@pytest.mark.parametrize("options", [(), ("--faulty", "0", "--freeze")])
def test_where_nothing_goes_wrong_nothing_is_said_of_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    folder = ("--state-folder", str(tmp_path))
    with started("fleet", *SMALL, *folder, *options, until="Cameras") as (process, _):
        output, _errors = end(process, signal.SIGTERM)
    assert output == ""
