"""``relaycore user``, and the server of the same folder."""

import io
from pathlib import Path

import pytest

from relaycore.control.cli import main
from tests.support.processes import run
from tests.support.server import serve


def test_a_server_knows_the_users_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYCORE_STATE_FOLDER", str(tmp_path))
    for name, password in (("anna", "x"), ("bo", "y")):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        assert main(["user", "add", name]) == 0
    with serve("--no-camera", "--host", "0.0.0.0", streams=0) as server:
        _, port = server.address
        curl = ["curl", "-s", "-o", "-", "-w", "%{http_code}", f"http://127.0.0.1:{port}/api/v1/paths"]
        assert run([*curl, "--digest", "-u", "anna:x"]).endswith("200")
        assert main(["user", "remove", "anna"]) == 0
        server.wait_for("the users or share links of the account file have changed")
        assert run([*curl, "--digest", "-u", "anna:x"]).endswith("401")
