"""WS-UsernameToken: who comes in by it, and who does not."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relaycore import Relay, User
from relaycore.access import proofs
from relaycore.access.accounts import AccountFile, make_account
from relaycore.access.credentials import PasswordProof
from relaycore.access.sealed import SEAL_FILE, Seal, seal_file
from relaycore.access.users import UserStore
from relaycore.http_digest import HttpDigest
from relaycore.onvif.soap.username_token import AGE_S, MOST_REMEMBERED, Replays
from tests.support.onvif import Answer, Client, client_of, security

WHO = "<tds:GetDeviceInformation/>"
ADD = "<tds:AddScopes><tds:ScopeItem>urn:a:b</tds:ScopeItem></tds:AddScopes>"


def add(folder: Path, name: str, *, sealed_for: str | None = None) -> None:
    """Adds an account whose password is kept, under the name of another user where one is given."""
    account = make_account(name, "secret", "viewer", Seal(seal_file(folder).make()))
    if sealed_for is not None:
        other = make_account(sealed_for, "secret", "viewer", Seal(seal_file(folder).make()))
        account = replace(account, sealed=other.sealed)
    accounts = AccountFile(folder)
    accounts.add(account)
    accounts.close()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    accounts = AccountFile(tmp_path)
    accounts.add(make_account("hash", "secret", "viewer"))
    accounts.close()
    users = [
        User(name="anna", password="secret", role="administrator"),
        User(name="vera", password="secret", role="viewer"),
    ]
    async with Relay(port=0, users=users, state_folder=str(tmp_path)) as relay, client_of(relay) as client:
        yield client


def at(seconds: float) -> str:
    """A time so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def is_refused(answer: Answer) -> bool:
    return (answer.status, answer.subcodes) == (400, ["ter:NotAuthorized"])


async def test_a_user_comes_in_by_a_digest(client: Client) -> None:
    answer = await client.call(WHO, header=security("vera", "secret"))
    assert (answer.status, answer.text(".//tds:Manufacturer")) == (200, "relaycore")


async def test_it_may_do_what_its_role_may(client: Client) -> None:
    refused = await client.call(ADD, header=security("vera", "secret"))
    assert (refused.status, refused.subcodes) == (403, ["ter:NotAuthorized"])
    assert (await client.call(ADD, header=security("anna", "secret"))).status == 200


@pytest.mark.parametrize(("name", "password"), [("vera", "wrong"), ("nobody", "secret"), ("hash", "secret")])
async def test_a_wrong_one_is_refused(client: Client, name: str, password: str) -> None:
    assert is_refused(await client.call(WHO, header=security(name, password)))


async def test_wrong_ones_count_as_everywhere(client: Client) -> None:
    answers = [await client.call(WHO, header=security("vera", "wrong")) for _ in range(6)]
    assert is_refused(answers[0])
    assert answers[-1].status == 403
    assert "Too many wrong passwords" in "".join(answers[-1].root.itertext())


async def test_a_token_is_taken_once(client: Client) -> None:
    token = security("anna", "secret")
    assert (await client.call(WHO, header=token)).status == 200
    assert is_refused(await client.call(ADD, header=token))


@pytest.mark.parametrize("seconds", [-AGE_S - 5, AGE_S + 5])
async def test_a_token_of_another_time_is_refused(client: Client, seconds: float) -> None:
    assert is_refused(await client.call(WHO, header=security("anna", "secret", created=at(seconds))))


@pytest.mark.parametrize("seconds", [-AGE_S + 60, AGE_S - 60])
async def test_clocks_may_differ_a_little(client: Client, seconds: float) -> None:
    assert (await client.call(WHO, header=security("anna", "secret", created=at(seconds)))).status == 200


@pytest.mark.parametrize("part", ["Nonce", "Created", "Username", "Password"])
async def test_a_token_without_a_part_is_refused(client: Client, part: str) -> None:
    token = security("anna", "secret")
    space = "u" if part == "Created" else "w"
    cut = re.sub(rf"<{space}:{part}[ >].*?</{space}:{part}>", "", token)
    assert cut != token
    assert is_refused(await client.call(WHO, header=cut))


@pytest.mark.parametrize("created", ["yesterday", "2026-13-01T00:00:00Z", "9" * 50])
async def test_a_time_that_is_none_is_refused(client: Client, created: str) -> None:
    assert is_refused(await client.call(WHO, header=security("anna", "secret", created=created)))


async def test_a_password_as_it_is_comes_in_from_this_machine(client: Client) -> None:
    answer = await client.call(WHO, header=security("hash", "secret", kind="PasswordText"))
    assert answer.status == 200
    assert is_refused(await client.call(WHO, header=security("hash", "wrong", kind="PasswordText")))


async def test_with_a_header_both_have_to_be_right(client: Client) -> None:
    digest = (HttpDigest("anna", "secret"),)
    wrong = await client.call(ADD, middlewares=digest, header=security("vera", "wrong"))
    assert wrong.subcodes == ["ter:NotAuthorized"]
    alone = await client.call(ADD, header=security("anna", "secret"))
    assert alone.status == 200


def test_more_tokens_than_are_remembered_do_not_come_again() -> None:
    replays = Replays()
    for number in range(MOST_REMEMBERED + 1):
        assert replays.take(number.to_bytes(4), 1000 + number / 1e6, 1000)
    assert not replays.take((0).to_bytes(4), 1000, 1000)
    assert replays.take(b"new", 1001, 1001)


def test_a_sealed_password_opens_for_its_user_and_its_key_only() -> None:
    seal = Seal()
    sealed = seal.close("anna", "secret")
    assert b"secret" not in sealed
    assert seal.open("anna", sealed) == "secret"
    assert seal.open("vera", sealed) is None
    assert Seal().open("anna", sealed) is None
    assert seal.open("anna", b"") is None


@contextlib.asynccontextmanager
async def of_accounts(folder: Path) -> AsyncIterator[Client]:
    """A client of a relay that has the users of the account file alone."""
    async with Relay(port=0, state_folder=str(folder)) as relay, client_of(relay) as client:
        yield client


async def test_who_is_in_the_account_file_comes_in_where_the_password_is_kept(tmp_path: Path) -> None:
    add(tmp_path, "anna")
    async with of_accounts(tmp_path) as client:
        assert (await client.call(WHO, header=security("anna", "secret"))).status == 200
        assert is_refused(await client.call(WHO, header=security("anna", "wrong")))


async def test_what_was_kept_for_another_user_opens_nothing(tmp_path: Path) -> None:
    add(tmp_path, "anna", sealed_for="bo")
    async with of_accounts(tmp_path) as client:
        assert is_refused(await client.call(WHO, header=security("anna", "secret")))


async def test_without_its_key_nothing_is_opened_and_the_relay_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(tmp_path, "anna")
    (tmp_path / SEAL_FILE).unlink()
    async with of_accounts(tmp_path) as client:
        assert is_refused(await client.call(WHO, header=security("anna", "secret")))
    assert f"their key {SEAL_FILE} is gone" in caplog.text


async def test_a_key_that_is_not_right_is_told_and_the_relay_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(tmp_path, "anna")
    (tmp_path / SEAL_FILE).write_text("00")
    async with of_accounts(tmp_path) as client:
        assert is_refused(await client.call(WHO, header=security("anna", "secret")))
    assert "is no key of passwords" in caplog.text


async def test_another_key_does_not_open_what_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(tmp_path, "anna")
    (tmp_path / SEAL_FILE).unlink()
    add(tmp_path, "bo")
    async with of_accounts(tmp_path) as client:
        assert is_refused(await client.call(WHO, header=security("anna", "secret")))
        assert (await client.call(WHO, header=security("bo", "secret"))).status == 200
    assert f"the password of anna is kept for ONVIF, but not with the key in {SEAL_FILE}" in caplog.text
    assert "secret" not in caplog.text


async def test_a_key_that_is_put_back_opens_again(tmp_path: Path) -> None:
    add(tmp_path, "anna")
    key, aside = tmp_path / SEAL_FILE, tmp_path / "aside"
    key.rename(aside)
    async with Relay(port=0, state_folder=str(tmp_path)) as relay, client_of(relay) as client:
        assert is_refused(await client.call(WHO, header=security("anna", "secret")))
        aside.rename(key)
        async with asyncio.timeout(20):
            while relay.users.password("anna") is None:
                await client.call("<tds:GetSystemDateAndTime/>")
        assert (await client.call(WHO, header=security("anna", "secret"))).status == 200


async def test_what_is_kept_while_the_relay_runs_lets_in(tmp_path: Path) -> None:
    accounts = AccountFile(tmp_path)
    accounts.add(make_account("anna", "secret", "viewer"))
    async with Relay(port=0, state_folder=str(tmp_path)) as relay, client_of(relay) as client:
        assert is_refused(await client.call(WHO, header=security("anna", "secret")))
        seal = Seal(seal_file(tmp_path).make())
        accounts.set_password(make_account("anna", "other", "viewer", seal))
        async with asyncio.timeout(20):
            while relay.users.password("anna") is None:
                await client.call("<tds:GetSystemDateAndTime/>")
        assert (await client.call(WHO, header=security("anna", "other"))).status == 200
        accounts.set_password(make_account("anna", "third", "viewer", seal))
        async with asyncio.timeout(20):
            while relay.users.password("anna") != "third":
                await client.call("<tds:GetSystemDateAndTime/>")
        assert is_refused(await client.call(WHO, header=security("anna", "other")))
    accounts.close()


def test_the_log_tells_once_of_each_user_what_is_to_be_done(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(proofs, "MOST_TOLD", 2)
    names = ["anna", "bo", "cy"]
    users = UserStore(stored=[make_account(name, "secret", "viewer") for name in names])
    looked = proofs.Proofs(users)
    for name in (*names, *names, "nobody"):
        assert not looked.is_right(PasswordProof(name, lambda password: password == "secret"))
    told = [record.getMessage() for record in caplog.records]
    assert [text.split()[3] for text in told] == ["anna", "bo"]
    assert all("relaycore user password NAME --onvif" in text for text in told)
