"""A fleet of 200 cameras as the program makes it: found, and played twenty at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.networks import two_hosts
from tests.support.processes import run

CAMERAS = 200
CLIENT = Path(__file__).with_name("discovery_client.py")
PLAYER = Path(__file__).with_name("fleet_player.py")


def test_two_hundred_cameras_are_found_and_played(tmp_path: Path) -> None:
    options = [
        "--cameras",
        str(CAMERAS),
        "--size",
        "320x180",
        "--fps",
        "10",
        "--faulty",
        "1",
        "--refuse-logins",
    ]
    network = ["--lan", "--anonymous", "--state-folder", str(tmp_path)]
    with two_hosts() as hosts:
        command = [*hosts.here, sys.executable, "-m", "relaycore", "fleet", *options, *network]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as fleet:
            try:
                assert fleet.stdout is not None
                assert f"{CAMERAS}" in fleet.stdout.readline()
                found = json.loads(
                    run([*hosts.there, sys.executable, CLIENT, "nvt", str(CAMERAS)], limit=50.0)
                )
                addresses = {one["xaddrs"][0] for one in found}
                assert len({one["urn"] for one in found}) == len(addresses) == CAMERAS
                played = json.loads(run([*hosts.there, sys.executable, PLAYER, str(CAMERAS)], limit=50.0))
                assert {path for path, pictures in played.items() if not pictures} == {"cam1"}
                assert len(played) == CAMERAS
            finally:
                fleet.terminate()
                assert fleet.wait(timeout=20) == 0
