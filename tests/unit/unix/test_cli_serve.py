"""The program that serves, as a process: what it prints, and that it ends when a signal tells it to."""

import json
import signal
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager

import pytest

from relaycore.control.passwords import ADMIN
from tests.support.program import SMALL, command, end, started


def serving(
    arguments: Sequence[str], until: str, **environment: str
) -> AbstractContextManager[tuple[subprocess.Popen[str], str]]:
    """The running program with a small camera, and its output as :func:`started` gives it."""
    return started("serve", *SMALL, "--port", "0", *arguments, until=until, **environment)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order_when_it_is_told_to(number: signal.Signals) -> None:
    with serving([], until="vlc ") as (process, output):
        _, errors = end(process, number)
    assert 'ffplay -fflags nobuffer -flags low_delay -rtsp_transport tcp "rtsp://127.0.0.1:' in output
    assert "Traceback" not in errors
    assert errors.endswith("stopped\n")


def test_a_relay_without_cameras_says_where_to_publish() -> None:
    process = subprocess.Popen(
        command("serve", "--no-camera", "--port", "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Publish to rtsp://127.0.0.1:")
        end(process, signal.SIGTERM)
    finally:
        process.kill()
        process.communicate()


def test_a_console_without_utf_8_gets_ascii() -> None:
    with serving(["--no-qr"], until="vlc ", PYTHONIOENCODING="ascii") as (process, output):
        end(process, signal.SIGTERM)
    assert output.isascii()
    assert "rtsp://127.0.0.1:" in output


def test_the_latency_is_printed_at_the_end() -> None:
    with serving(["--trace-latency", "--log-json"], until='"serving"') as (process, _):
        output, _ = end(process, signal.SIGTERM)
    assert all(json.loads(line)["level"] == "info" for line in output.splitlines())


def test_json_logs_hold_all_but_passwords() -> None:
    arguments = ["--host", "0.0.0.0", "--user", "anna:hunter2", "--user", "bo", "--log-json"]
    with serving(arguments, until='"serving"') as (process, output):
        rest, errors = end(process, signal.SIGTERM)
    records = [json.loads(line) for line in (output + rest).splitlines()]
    serving_record = next(record for record in records if record["message"] == "serving")
    assert serving_record["path"] == "cam"
    assert serving_record["urls"][-1].startswith("rtsp://127.0.0.1:")
    assert serving_record["mode"]
    shown = [line for line in errors.splitlines() if "password" in line]
    assert len(shown) == 1
    assert shown[0].startswith("relaycore: User bo, password ")
    password = shown[0].split("password ")[1].split(" ")[0]
    assert "hunter2" not in output + rest + errors
    assert password not in output + rest


def test_the_lan_gets_a_password_that_is_shown_once() -> None:
    with serving(["--lan", "--no-qr"], until="vlc ") as (process, output):
        rest, errors = end(process, signal.SIGTERM)
    (line,) = [line for line in output.splitlines() if line.startswith(f"User {ADMIN}, password ")]
    password = line.split("password ")[1].split(" ")[0]
    assert password not in rest + errors
    assert f"rtsp://{ADMIN}:{password}@" in output
