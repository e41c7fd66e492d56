"""WS-Discovery between two hosts, with a client of other authors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.networks import RELAY_ADDRESS, TwoHosts, two_hosts
from tests.support.processes import run

FOLDER = Path(__file__).parent
NVT = ["http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter"]
QUESTION = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>
<GetEndpointReference xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>"""
STREAMING = "onvif://www.onvif.org/Profile/Streaming"


@pytest.fixture(scope="module")
def hosts() -> Iterator[TwoHosts]:
    with two_hosts() as made:
        yield made


class Program:
    """A program that is told things by lines, and prints lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> list[str]:
        """What it prints next; empty when it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().split()

    def tell(self, line: str) -> list[str]:
        """Its answer to a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self.line()

    def end(self) -> None:
        """Ends its input, and waits for its end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(timeout=20) == 0


@contextmanager
def running(enter: list[str], name: str, *words: str) -> Iterator[Program]:
    command = [*enter, sys.executable, str(FOLDER / name), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


def search(hosts: TwoHosts, kind: str, wanted: int, *scopes: str) -> list[dict[str, Any]]:
    client: list[str | Path] = [sys.executable, FOLDER / "discovery_client.py", kind, str(wanted), *scopes]
    found: list[dict[str, Any]] = json.loads(run([*hosts.there, *client]))
    return found


def test_a_device_is_found_at_the_address_of_the_network_that_asks(hosts: TwoHosts) -> None:
    with running(hosts.here, "discovery_relay.py", "0.0.0.0", "1") as relay:
        assert relay.line() == ["open", "cable"]
        (found,) = search(hosts, "nvt", 1, STREAMING)
        assert found["xaddrs"] == [f"http://{RELAY_ADDRESS}:8554/onvif/cam0/device_service"]
        assert NVT in found["types"]
        assert STREAMING in found["scopes"]
        (again,) = search(hosts, "device", 1)
        assert again["urn"] == found["urn"]
        assert search(hosts, "any", 1) == [found]
        relay.end()


def test_two_hundred_devices_are_found(hosts: TwoHosts) -> None:
    with running(hosts.here, "discovery_relay.py", "0.0.0.0", "200") as relay:
        assert relay.line() == ["open", "cable"]
        found = search(hosts, "nvt", 200)
        assert len({one["urn"] for one in found}) == 200
        assert len({one["xaddrs"][0] for one in found}) == 200
        relay.end()


def test_who_comes_and_goes_says_so(hosts: TwoHosts) -> None:
    with (
        running(hosts.there, "discovery_client.py", "watch", "0") as watch,
        running(hosts.here, "discovery_relay.py", "0.0.0.0", "1") as relay,
    ):
        assert watch.line() == ["watching"]
        assert relay.line() == ["open", "cable"]
        hello, first = watch.line()
        assert hello == "hello"
        assert relay.tell("2") == ["done", "cable"]
        said = watch.line()
        while said[1] == first:
            said = watch.line()
        assert said[0] == "hello"
        assert relay.tell("1") == ["done", "cable"]
        goodbyes: list[str] = []
        while len(goodbyes) < 1:
            line = watch.line()
            goodbyes += [line[1]] if line[0] == "bye" else []
        assert goodbyes == [said[1]]
        relay.end()
        line = watch.line()
        while line != ["bye", first]:
            line = watch.line()


def test_a_relay_is_found_asked_and_says_goodbye_when_it_is_stopped(hosts: TwoHosts, tmp_path: Path) -> None:
    options = ["--lan", "--anonymous", "--camera", "pattern", "--no-qr", "--state-folder", str(tmp_path)]
    with running(hosts.there, "discovery_client.py", "watch", "0") as watch:
        assert watch.line() == ["watching"]
        command = [*hosts.here, sys.executable, "-m", "relaycore", "serve", *options]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as relay:
            try:
                hello, urn = watch.line()
                assert hello == "hello"
                (found,) = search(hosts, "nvt", 1, STREAMING)
                assert found["urn"] == urn
                assert found["xaddrs"] == [f"http://{RELAY_ADDRESS}:8554/onvif/device_service"]
                asked = "http_status=%{http_code}"
                fetch = ["curl", "-s", "-w", asked, "--data", QUESTION, *found["xaddrs"]]
                said = run([*hosts.there, *fetch, "-H", "Content-Type: application/soap+xml"])
                assert urn in said
                assert said.endswith("http_status=200")
                relay.terminate()
                assert relay.wait(timeout=20) == 0
            finally:
                relay.kill()
        line = watch.line()
        while line != ["bye", urn]:
            line = watch.line()


def test_what_listens_on_loopback_alone_is_not_found(hosts: TwoHosts) -> None:
    with running(hosts.here, "discovery_relay.py", "127.0.0.1", "1") as relay:
        assert relay.line() == ["open"]
        relay.end()


def test_a_network_that_comes_later_is_joined(hosts: TwoHosts) -> None:
    run([*hosts.here, "ip", "link", "set", "cable", "down"])
    with running(hosts.here, "discovery_relay.py", "0.0.0.0", "1") as relay:
        assert relay.line() == ["open"]
        run([*hosts.here, "ip", "link", "set", "cable", "up"])
        run([*hosts.here, "ip", "route", "add", "224.0.0.0/4", "dev", "cable"])
        assert relay.tell("look") == ["done", "cable"]
        assert len(search(hosts, "nvt", 1)) == 1
        relay.end()
