"""The account file: what is in it, who may read it, and what a running relay makes of it."""

import asyncio
import base64
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from relaycore import Relay, Track, User
from relaycore.access.accounts import ACCOUNT_FILE, AccountFile, make_account
from relaycore.access.answers import Allow, Challenge, Refuse
from relaycore.access.decisions import Gatekeeper
from relaycore.access.passwords import MOST_WAITING, Passwords, TooManyWait
from relaycore.access.policy import Policy
from relaycore.access.sealed import Seal, seal_file
from relaycore.access.users import Account, UserStore
from relaycore.errors import ConfigurationError, StateError
from relaycore.events import SessionEnded
from tests.support.events import of_kind
from tests.support.http import Raw
from tests.support.rtsp import Client
from tests.unit.test_access_decisions import ANNOUNCE, basic

PASSWORD = "open sesame"
ANNA = make_account("anna", PASSWORD, "publisher")
BO = make_account("bo", "x", "viewer")
PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")


@pytest.fixture
def file(tmp_path: Path) -> AccountFile:
    return AccountFile(tmp_path / "state")


def test_without_a_file_there_is_nobody_and_none_is_made(file: AccountFile, tmp_path: Path) -> None:
    assert (file.all(), file.version(), file.remove("anna")) == ([], -1, False)
    assert list(tmp_path.iterdir()) == []


def test_what_is_added_is_there_for_others(file: AccountFile, tmp_path: Path) -> None:
    assert file.add(BO)
    assert file.add(ANNA)
    other = AccountFile(tmp_path / "state")
    assert other.all() == [ANNA, BO]
    for each in (file, other):
        each.close()


def test_a_name_is_there_once(file: AccountFile) -> None:
    assert file.add(ANNA)
    assert not file.add(make_account("anna", "other", "viewer"))
    assert file.all() == [ANNA]
    file.close()


def test_users_change_and_go(file: AccountFile) -> None:
    file.add(ANNA)
    changed = make_account("anna", "other", "auditor")
    assert file.set_password(changed)
    assert file.all() == [replace(changed, role="publisher")]
    assert file.set_role("anna", "auditor")
    assert file.all() == [changed]
    assert not file.set_password(BO)
    assert not file.set_role("bo", "viewer")
    assert file.remove("anna")
    assert not file.remove("anna")
    assert file.all() == []
    file.close()


def test_changes_of_others_are_noticed(file: AccountFile, tmp_path: Path) -> None:
    file.add(ANNA)
    before, other = file.version(), AccountFile(tmp_path / "state")
    assert file.version() == before
    other.add(BO)
    assert file.version() != before
    for each in (file, other):
        each.close()


def in_threads(*acts: Callable[[], object]) -> None:
    """Does all of it at the same time, each in a thread of its own."""
    begin = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        begin.wait(10)
        act()

    with ThreadPoolExecutor(len(acts)) as threads:
        for done in [threads.submit(run, act) for act in acts]:
            done.result(30)


def test_all_who_add_users_at_the_same_time_keep_passwords_with_one_key(tmp_path: Path) -> None:
    def add(name: str) -> None:
        other = AccountFile(tmp_path)
        assert other.add(make_account(name, f"of {name}", "viewer", Seal(seal_file(tmp_path).make())))
        other.close()

    names = [f"user{number}" for number in range(6)]
    in_threads(*(partial(add, name) for name in names))
    key = seal_file(tmp_path).read()
    assert key is not None
    file = AccountFile(tmp_path)
    found = {each.name: each.sealed and Seal(key).open(each.name, each.sealed) for each in file.all()}
    assert found == {name: f"of {name}" for name in names}
    file.close()


def test_of_passwords_given_at_the_same_time_one_is_there_in_every_form(
    file: AccountFile, tmp_path: Path
) -> None:
    seal = Seal()
    file.add(ANNA)

    def change(account: Account) -> None:
        other = AccountFile(tmp_path / "state")
        assert other.set_password(account)
        other.close()

    given = [make_account("anna", str(number), "publisher", seal) for number in range(4)]
    in_threads(*(partial(change, account) for account in given))
    assert file.all()[0] in given
    file.close()


def test_the_password_is_nowhere_in_the_files(file: AccountFile, tmp_path: Path) -> None:
    file.add(ANNA)
    for kept in (tmp_path / "state").iterdir():
        assert PASSWORD.encode() not in kept.read_bytes()
        if sys.platform != "win32":
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert ANNA.argon2 is not None
    assert ANNA.argon2.startswith("$argon2id$")
    assert ANNA.argon2 not in repr(ANNA)
    file.close()


def test_a_file_that_is_none_or_newer_is_told(file: AccountFile, tmp_path: Path) -> None:
    path = tmp_path / "state" / ACCOUNT_FILE
    path.parent.mkdir()
    path.write_bytes(b"this is no database, and long enough to be seen as none" * 100)
    with pytest.raises(StateError, match="Check its permissions"):
        file.all()
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StateError, match="newer version"):
        file.all()


async def test_users_of_the_file_log_in_by_their_password() -> None:
    gatekeeper = Gatekeeper(UserStore(stored=[ANNA, BO]), Policy(basic=True))
    assert await gatekeeper.decide(basic(f"anna:{PASSWORD}")) == Allow("anna")
    assert isinstance(await gatekeeper.decide(basic("anna:guess")), Challenge)
    assert isinstance(await gatekeeper.decide(basic("nobody:x")), Challenge)
    publish = replace(ANNOUNCE, authorization=basic("bo:x").authorization)
    assert await gatekeeper.decide(publish) == Refuse(403, "This user may not publish")


async def test_a_right_password_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def verify(kept: str, password: str) -> bool:
        compared.append(password)
        return password == PASSWORD

    monkeypatch.setattr("relaycore.access.passwords._verify", verify)
    users = UserStore([User(name="cy", password="config")], [ANNA])
    passwords = Passwords(users)
    for _ in range(3):
        assert await passwords.is_right("anna", PASSWORD)
        assert not await passwords.is_right("anna", "guess")
    assert compared == [PASSWORD, "guess", "guess", "guess"]
    assert await passwords.is_right("cy", "config")
    users.replace_stored([make_account("anna", "other", "viewer")])
    await passwords.is_right("anna", PASSWORD)
    assert compared[-1] == PASSWORD


async def test_few_passwords_wait_to_be_compared() -> None:
    passwords = Passwords(UserStore(stored=[ANNA]))
    asked = [asyncio.create_task(passwords.is_right("anna", str(number))) for number in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyWait):
        await passwords.is_right("anna", "one too many")
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


def test_the_configuration_wins_over_the_file() -> None:
    users = UserStore([User(name="anna", password="config", role="viewer")], [ANNA, BO])
    assert (len(users), list(users), users.role("anna")) == (2, ["anna", "bo"], "viewer")
    assert users.password_is("anna", "config")
    assert users.replace_stored([]) == {"bo"}
    users.remove("anna")
    assert "anna" not in users


def test_who_is_gone_or_has_another_password_or_fewer_rights_is_told() -> None:
    users = UserStore(stored=[ANNA, BO])
    more_rights = Account(BO.name, "administrator", BO.ha1, BO.argon2)
    assert users.replace_stored([ANNA, more_rights]) == set()
    other_role = Account(BO.name, "auditor", BO.ha1, BO.argon2)
    assert users.replace_stored([ANNA, other_role]) == {"bo"}
    assert users.replace_stored([make_account("anna", "new", "viewer"), other_role]) == {"anna"}
    assert users.replace_stored([]) == {"anna", "bo"}


def header(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


async def test_a_network_relay_needs_a_user_in_the_file(file: AccountFile, tmp_path: Path) -> None:
    relay = Relay(port=0, host="0.0.0.0", state_folder=str(tmp_path / "state"))
    with pytest.raises(ConfigurationError, match="add a user"):
        async with relay:
            pass
    await asyncio.to_thread(file.add, ANNA)
    async with relay:
        assert "anna" in relay.users
    file.close()


async def test_a_running_relay_knows_new_users_and_disconnects_those_who_go(
    file: AccountFile, tmp_path: Path
) -> None:
    await asyncio.to_thread(file.add, BO)
    async with Relay(port=0, basic=True, state_folder=str(tmp_path / "state")) as relay:
        with relay.publish("own", [Track.h264(PARAMETERS)]):
            events = relay.events()
            await asyncio.to_thread(file.add, ANNA)
            await until_known(relay, "anna")
            anna, bo = await playing(relay, "anna", PASSWORD), await playing(relay, "bo", "x")
            web = await looking(relay, "anna", PASSWORD)
            await asyncio.to_thread(file.remove, "anna")
            ended = await of_kind(events, SessionEnded)
            assert ended.session.user == "anna"
            with pytest.raises(EOFError):
                await anna.packet()
            assert await web.closed() == b""
            assert [session.user for session in relay.sessions()] == ["bo"]
            async with await Client.connect(relay.urls("own")[0]) as again:
                answer = await again.request("DESCRIBE", headers=header("anna", PASSWORD))
                assert answer.status == 401
            await asyncio.to_thread(file.set_role, "bo", "auditor")
            assert (await of_kind(events, SessionEnded)).session.user == "bo"
            for client in (anna, bo):
                await client.close()
            await web.close()
    file.close()


async def until_known(relay: Relay, name: str) -> None:
    """Ask by HTTP until the relay knows a user: it tells nobody else that it has read the file."""
    host, port = relay.address
    async with aiohttp.ClientSession() as http, asyncio.timeout(20):
        while name not in relay.users:
            async with http.get(f"http://{host}:{port}/healthz") as response:
                assert response.status == 200


async def playing(relay: Relay, name: str, password: str) -> Client:
    client = await Client.connect(relay.urls("own")[0])
    client.headers = header(name, password)
    await client.start(udp=False)
    return client


async def looking(relay: Relay, name: str, password: str) -> Raw:
    """A connection of HTTP that a user has sent a request on, and that stays open."""
    connection = await Raw.connect(relay.address)
    credentials = header(name, password)["Authorization"]
    connection.send(
        f"GET /api/v1/paths HTTP/1.1\r\nHost: localhost\r\nAuthorization: {credentials}\r\n\r\n".encode()
    )
    assert (await connection.answer()).status == 200
    return connection
