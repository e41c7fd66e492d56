"""Servers for the benchmarks: read from their files, started where they should run, and ended."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks import peer
from benchmarks.peer import Peer, start
from benchmarks.pinned import pinned

LISTENS = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); "
WAITS = "import signal; signal.pause()"


def made_up(code: str, *arguments: str, process: str = "") -> Peer:
    """A server that is a line of Python."""
    return Peer(
        name="made up",
        version=["{python}", "-c", "print('made up 1.0')"],
        command=["{python}", "-c", code, *arguments],
        url="rtsp://127.0.0.1:{port}/{path}",
        source="rtp_udp",
        process=process,
    )


def test_every_file_is_read_and_names_what_there_is() -> None:
    """Placeholders that are misspelt would show only when the server is started."""
    names = peer.peers()
    assert names[0] == "relaycore"
    assert {"gstreamer", "gortsplib"} < set(names)
    ports = ["port", "source_port", "udp_port", "udp_port_1"]
    known = dict.fromkeys([*ports, "path", "cpu", "python", "folder", "built", "scratch"], "1")
    for name in names:
        which = peer.peer(name)
        for word in [*which.version, *which.command, *which.build, which.url, *which.files.values()]:
            word.format_map(known)


def test_a_file_with_a_mistake_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown keys are mistakes."""
    (tmp_path / "wrong.toml").write_text('name = "a"\ncomand = ["b"]\n', encoding="utf-8")
    monkeypatch.setattr(peer, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"wrong\.toml.*comand"):
        peer.peer("wrong")


def test_a_server_runs_on_its_processors_until_the_end_of_the_block() -> None:
    """Its URL and that of its source have the ports that it was given."""
    (cpu, *_) = os.sched_getaffinity(0)
    with start(made_up(LISTENS + WAITS, "{port}"), (cpu,)) as target:
        assert os.sched_getaffinity(target.pid) == {cpu}
        assert target.url.startswith("rtsp://127.0.0.1:")
        assert target.url.endswith("/live")
        assert target.source_url.startswith("udp://127.0.0.1:")
        assert target.cpu_seconds() > 0
        assert target.memory_kib() > 100
        assert len(target.thread_seconds()) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(target.pid, 0)


def test_of_a_server_that_starts_another_one_the_named_process_is_measured() -> None:
    """As with servers that a script starts; both are ended."""
    code = f"import subprocess; subprocess.Popen(['sleep', '1000']); {LISTENS}{WAITS}"
    with start(made_up(code, "{port}", process="sleep"), tuple(os.sched_getaffinity(0))) as target:
        assert Path(f"/proc/{target.pid}/comm").read_text(encoding="utf-8") == "sleep\n"
        ended = os.pidfd_open(target.pid)
    try:
        assert select.select([ended], [], [], 30)[0]
    finally:
        os.close(ended)


def test_a_server_that_does_not_come_up_says_why() -> None:
    """What it wrote is in the error."""
    which = made_up("import sys; sys.exit('no such codec')")
    with pytest.raises(RuntimeError, match="no such codec"), start(which, tuple(os.sched_getaffinity(0))):
        pass


def test_files_are_written_before_the_start() -> None:
    """With the placeholders, for servers that take a port from a file only."""
    reads = "import sys; sys.argv[1] = open(sys.argv[1]).read(); "
    which = msgspec.structs.replace(
        made_up(reads + LISTENS + WAITS, "{scratch}/port"), source="publish", files={"port": "{port}"}
    )
    with start(which, tuple(os.sched_getaffinity(0))) as target:
        assert target.source_url == target.url


def test_a_server_that_is_not_there_has_no_version() -> None:
    """The version is one line of its own, where there is one."""
    assert peer.version(made_up("")) == "made up 1.0"
    missing = Peer(name="none", version=["/nowhere/server"], command=[], url="", source="publish")
    assert peer.version(missing) is None


def test_a_pinned_command_is_the_process_itself() -> None:
    """No process stands between that would be measured in its place."""
    command = pinned(tuple(os.sched_getaffinity(0)), [sys.executable, "-c", "import os; print(os.getpid())"])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate()[0].strip() == str(process.pid)
