"""HTTP on the port of a server that plays on: programs that ask it, and clients that are up to no good."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.support.http import Raw
from tests.support.processes import run
from tests.support.rtsp import Client, Gaps
from tests.support.server import Server, serve

PUT = b"PUT /api/v1/paths/x HTTP/1.1\r\nHost: x\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

GARBAGE = {
    "no header": b"GET / HTTP/1.1\r\n\r\n",
    "random bytes as headers": b"GET / HTTP/1.1\r\n" + random.Random(1).randbytes(5000) + b"\r\n\r\n",
    "two lengths": PUT + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "a length and chunks": PUT + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "broken chunks": PUT + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a huge length": PUT + b"Content-Length: 99999999999999999999\r\n\r\n",
    "a long line": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
    "an unknown method": b"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "steps out of the root": b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "escapes": b"GET /api/v1/paths/%00%ff%2e%2e%2f HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a second request of another kind": HEALTH + b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
}


@pytest.fixture
async def reader(server: Server) -> AsyncIterator[Client]:
    """Somebody who reads meanwhile, and loses nothing."""
    async with await Client.connect(server.url) as client:
        await client.start(udp=False)
        gaps = Gaps()
        gaps.add(await client.packet())
        yield client
        for _ in range(30):
            gaps.add(await client.packet())
        assert gaps.jumps == []
        assert (await client.request("OPTIONS")).status == 200


def curl(server: Server, path: str, *options: str) -> str:
    host, port = server.address
    return run(["curl", "--silent", "--show-error", *options, f"http://{host}:{port}{path}"])


async def test_curl_sees_the_session_of_a_reader(server: Server, reader: Client) -> None:
    found = json.loads(await asyncio.to_thread(curl, server, "/api/v1/sessions?path=cam", "--fail"))
    assert found["total"] >= 1
    assert all(session["packets"] > 0 for session in found["sessions"])
    refused = await asyncio.to_thread(curl, server, "/api/v1/sessions/x", "--request", "DELETE")
    assert "user" in json.loads(refused)["error"]


async def test_metrics_name_each_session(server: Server, reader: Client) -> None:
    accept = "Accept: application/openmetrics-text; version=1.0.0"
    text = await asyncio.to_thread(curl, server, "/metrics", "--fail", "--header", accept)
    found = {family.name: family for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
    listed = json.loads(await asyncio.to_thread(curl, server, "/api/v1/sessions", "--fail"))
    newest = listed["sessions"][-1]["id"]
    labels = {"session": newest, "path": "cam", "action": "read", "transport": "tcp"}
    for name in ("packets", "bytes", "discarded_packets", "lost_packets", "jitter_seconds", "lag_seconds"):
        samples = found[f"relaycore_session_{name}"].samples
        assert labels in [sample.labels for sample in samples], name
    (readers,) = [sample.value for sample in found["relaycore_path_readers"].samples]
    assert readers >= 1
    (cpu,) = found["process_cpu_seconds"].samples
    assert cpu.value > 0


def test_a_user_has_the_file_read_again(tmp_path: Path) -> None:
    """By Digest, as curl does it."""
    file = tmp_path / "relaycore.toml"
    file.write_text('[[users]]\nname = "anna"\npassword = "open sesame"\n[paths.door]\ntakeover = true\n')
    json_body = ("--header", "Content-Type: application/json", "--data")
    with serve(str(file), streams=0) as server:
        login = ("--digest", "--user", "anna:open sesame")
        found = json.loads(curl(server, "/api/v1/reload", *login, *json_body, '{"dry_run": true}'))
        assert found == {"dry_run": True, "changes": [], "ended": []}
        added = curl(server, "/api/v1/paths/gate", *login, "--request", "PUT", *json_body, '{"read": false}')
        assert json.loads(added)["toml"] == "[paths.gate]\nread = false\n"
        found = json.loads(curl(server, "/api/v1/reload", *login, *json_body, "{}"))
        assert [(change["setting"], change["kind"]) for change in found["changes"]] == [
            ("paths.gate.read", "removed")
        ], "what was set over HTTP lasts until then"
        assert "error" in json.loads(curl(server, "/api/v1/paths/gate", *login))


async def test_the_way_to_a_player_and_back_is_measured(server: Server) -> None:
    """By the receiver reports of ffmpeg, which come when there was a sender report."""
    player = ["ffmpeg", "-loglevel", "error", "-rtsp_transport", "udp", "-i", server.url, "-f", "null", "-"]
    process = await asyncio.create_subprocess_exec(*player, stdin=asyncio.subprocess.DEVNULL)
    try:
        async with await Client.connect(server.url) as client:
            await client.start(udp=False)
            async with asyncio.timeout(30):
                while not (measured := (await round_trips(server)).get("udp", 0)):
                    await client.packet()  # the next look is a picture later
        assert measured < 30
    finally:
        process.terminate()
        await process.wait()


async def round_trips(server: Server) -> dict[str, float]:
    """What is known of them in seconds, by transport."""
    client = await Raw.connect(server.address)
    client.send(b"GET /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\n\r\n")
    sessions = json.loads((await client.answer()).body)["sessions"]
    await client.close()
    return {session["transport"]: session["round_trip_s"] or 0 for session in sessions}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_ends_at_most_its_own_connection(server: Server, reader: Client, data: bytes) -> None:
    client = await Raw.connect(server.address)
    try:
        client.send(data)
        client.send_end()
        answer = await client.closed()
    except OSError:  # the server has closed it while it was written to
        answer = b""
    await client.close()
    assert b"Traceback" not in answer
    again = await Raw.connect(server.address)
    again.send(HEALTH)
    assert (await again.answer()).status == 200
    await again.close()


async def test_a_thousand_connections_leave_rtsp_alone(server: Server, reader: Client) -> None:
    clients = await asyncio.gather(*(Raw.connect(server.address) for _ in range(1000)))
    for client in clients:
        client.send(HEALTH)
    answers = await asyncio.gather(*(client.answer() for client in clients))
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) <= 500
    async with await Client.connect(server.url) as another:
        await another.start(udp=False)
        await another.packet()
    for client in clients:
        await client.close()
