"""A load test that is ended by a signal, as a process."""

from __future__ import annotations

import signal
import socket
import subprocess

import pytest

from tests.support.program import LIMIT, command


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order_and_tells_what_it_found_so_far(number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/cam"
        process = subprocess.Popen(
            command("bench", "run", url, "--readers", "3", "--no-publish", "--duration", "600"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("0 of 60")
            process.send_signal(number)
            output, errors = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
            process.wait()
    assert (process.returncode, errors) == (0, "")
    assert "It was ended before its time" in output
    assert "Not held" in output
    assert "0 of 3 play" in output
