"""Addresses, URLs, the sentences about listening, and the numbers of the latency trace."""

import errno
import socket

import pytest

from relaycore.addresses import is_loopback, is_wildcard, reachable_addresses, url_host
from relaycore.engine_link import listen_sentence
from relaycore.latency import StageLatency, summarise


@pytest.mark.parametrize(
    ("host", "loopback", "wildcard"),
    [
        ("127.0.0.1", True, False),
        ("127.9.9.9", True, False),
        ("::1", True, False),
        ("LocalHost", True, False),
        ("0.0.0.0", False, True),
        ("::", False, True),
        ("192.0.2.1", False, False),
        ("camera.example", False, False),
    ],
)
def test_which_addresses_other_machines_reach(host: str, loopback: bool, wildcard: bool) -> None:
    assert (is_loopback(host), is_wildcard(host)) == (loopback, wildcard)


def test_a_listener_on_one_address_is_reached_there() -> None:
    assert reachable_addresses("192.0.2.1") == ["192.0.2.1"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_listener_on_all_addresses_is_reached_at_real_ones(host: str) -> None:
    found = reachable_addresses(host)
    assert found[-1] == "127.0.0.1"
    assert len(set(found)) == len(found)
    for address in found:
        assert not is_wildcard(address)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))


def test_a_machine_without_a_network_has_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise OSError(errno.ENETUNREACH, "no network")

    monkeypatch.setattr(socket, "socket", unreachable)
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    assert reachable_addresses("::") == ["127.0.0.1"]


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert (url_host("::1"), url_host("10.0.0.1")) == ("[::1]", "10.0.0.1")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OSError(errno.EADDRINUSE, "x"),
            "Port 554 of h is in use: stop the program that uses it, or choose ",
        ),
        (OSError(errno.EACCES, "x"), "This user may not listen on port 554 of h: choose a port above 1023, "),
        (OSError(errno.EADDRNOTAVAIL, "x"), "h is not an address of this machine: give one, or 127.0.0.1 "),
        (socket.gaierror(-2, "x"), "'h' is not an address of this machine: give one, or 127.0.0.1 "),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "Listening on port 554 of h failed: Too many open files.",
        ),
    ],
)
def test_why_a_port_cannot_be_listened_on(error: OSError, sentence: str) -> None:
    assert listen_sentence(error, "h", 554).startswith(sentence)


def test_the_trace_has_median_and_95th_percentile_of_each_stage_in_order() -> None:
    falling = [number * 1_000_000 for number in range(100, 0, -1)]
    durations = {"send": [5_000_000], "encode": falling, "wait": [], "other": [1]}
    assert summarise(durations) == [
        StageLatency("encode", 100, 50.0, 95.0),
        StageLatency("send", 1, 5.0, 5.0),
    ]
