"""Connections that speak HTTP leave the engine with all that was read of them."""

from __future__ import annotations

import select
import socket

import pytest

from relaycore._relaycore import Engine, HttpConnection

REQUEST = b"GET /api HTTP/1.1\r\nHost: relaycore\r\n\r\n"

PATIENCE_S = 20.0
"""How long anything may take before the test fails."""


def given(engine: Engine) -> HttpConnection:
    """The next event, which is such a connection."""
    assert select.select([engine.fileno()], [], [], PATIENCE_S)[0]
    (connection,) = engine.poll()
    assert isinstance(connection, HttpConnection)
    return connection


def test_who_takes_the_handle_goes_on_with_the_connection() -> None:
    engine = Engine(shards=1)
    engine.accept_http(True)
    host, port = engine.listen("127.0.0.1", 0)
    with socket.create_connection((host, port), PATIENCE_S) as client:
        client.sendall(REQUEST)
        connection = given(engine)
        assert connection.data == REQUEST
        assert connection.peer == "{}:{}".format(*client.getsockname())
        assert connection.local == f"{host}:{port}"
        assert connection.handle == connection.handle
        with socket.socket(fileno=connection.handle) as taken:
            assert taken.getpeername() == client.getsockname()
            del connection
            taken.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 204")
        assert client.recv(100) == b""
    engine.close(0.0)


def test_a_connection_that_nobody_takes_is_closed() -> None:
    engine = Engine(shards=1)
    engine.accept_http(True)
    with socket.create_connection(engine.listen("127.0.0.1", 0), PATIENCE_S) as client:
        client.sendall(REQUEST)
        connection = given(engine)
        del connection
        assert client.recv(100) == b""
    engine.close(0.0)


@pytest.mark.parametrize("accept", [None, False])
def test_where_nobody_wants_http_a_person_is_told_what_the_port_is_for(accept: bool | None) -> None:
    engine = Engine(shards=1)
    if accept is not None:
        engine.accept_http(True)
        engine.accept_http(accept)
    with socket.create_connection(engine.listen("127.0.0.1", 0), PATIENCE_S) as client:
        client.sendall(REQUEST)
        answer = client.recv(1000)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"rtsp://" in answer
    assert engine.poll() == []
    assert engine.discarded_events == 0
    engine.close(0.0)
