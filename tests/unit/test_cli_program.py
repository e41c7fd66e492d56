"""The program as a process that ends by itself: exit codes, and what it prints."""

import json
import socket

import pytest

from tests.support.program import SMALL, run


def test_a_port_that_is_taken_is_said_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = run("serve", *SMALL, "--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"relaycore: Port {port} of 127.0.0.1 is in use: stop the program that uses it, "
        "or choose another port.\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--camera", "no such camera"],
        ["--camera", "pattern", "--encoder", "no_such_encoder"],
        ["--camera", "pattern", "--encoder", "libx265"],
        ["--camera", "pattern", "--encoder", "copy"],
        ["--camera", "lavfi:no_such_filter"],
        ["--microphone", "no such microphone"],
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(arguments: list[str]) -> None:
    done = run("serve", "--port", "0", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("relaycore: ")
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(".\n")
    assert arguments[-1].removeprefix("lavfi:") in done.stderr


def test_the_devices_are_listed_for_programs_and_people() -> None:
    found = json.loads(run("devices", "--json").stdout)
    assert found.keys() == {"cameras", "microphones"}
    table = run("devices")
    assert table.returncode == 0
    for camera in found["cameras"]:
        assert camera["device"] in table.stdout
    assert "amera" in table.stdout


def test_the_version_names_what_matters_for_a_report() -> None:
    done = run("version")
    assert done.returncode == 0
    assert done.stdout.startswith("relaycore 0.")
    for name in ("Python 3.", "PyAV ", "FFmpeg "):
        assert name in done.stdout
