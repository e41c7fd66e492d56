"""The budget of wrong passwords: of accounts, of networks, and over real sockets."""

import asyncio
import base64

import pytest

from relaycore import Relay, Track, User
from relaycore.access.attempts import (
    ALLOWED,
    FIRST_PAUSE_S,
    FORGIVEN_AFTER_S,
    LONGEST_PAUSE_S,
    REMEMBERED,
    Attempt,
    Attempts,
    network_of,
)
from relaycore.access.users import UserStore
from tests.support.rtsp import Client

HERE, THERE = "10.0.0.1", "192.0.2.1"


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def use_up(attempts: Attempts, account: str = "anna", client: str = HERE, *, known: bool = True) -> None:
    """Get every attempt there is wrong."""
    for _ in range(ALLOWED):
        assert isinstance(attempts.take(account, client, known=known), Attempt)


def log_in(attempts: Attempts, account: str, client: str) -> None:
    attempt = attempts.take(account, client, known=True)
    assert isinstance(attempt, Attempt)
    attempts.right(attempt)


def test_an_attempt_counts_before_it_is_known_to_be_wrong(attempts: Attempts) -> None:
    use_up(attempts)
    assert attempts.take("anna", HERE, known=True) == FIRST_PAUSE_S


def test_right_passwords_use_nothing_up(attempts: Attempts) -> None:
    for _ in range(10 * ALLOWED):
        log_in(attempts, "anna", HERE)


def test_each_wait_is_twice_as_long_up_to_the_longest(attempts: Attempts, clock: Clock) -> None:
    use_up(attempts)
    waits = []
    for _ in range(12):
        wait = attempts.take("anna", HERE, known=True)
        assert isinstance(wait, float)
        waits.append(wait)
        clock.now += wait
        assert isinstance(attempts.take("anna", HERE, known=True), Attempt)
    assert waits[:4] == [FIRST_PAUSE_S * 2**doubled for doubled in range(4)]
    assert max(waits) == LONGEST_PAUSE_S


def test_wrong_passwords_are_forgiven_one_by_one(attempts: Attempts, clock: Clock) -> None:
    use_up(attempts)
    clock.now += 2 * FORGIVEN_AFTER_S
    for _ in range(2):
        assert isinstance(attempts.take("anna", HERE, known=True), Attempt)
    assert isinstance(attempts.take("anna", HERE, known=True), float)


def test_one_account_is_guarded_against_many_networks(attempts: Attempts) -> None:
    for number in range(ALLOWED):
        assert isinstance(attempts.take("anna", f"10.0.{number}.1", known=True), Attempt)
    assert isinstance(attempts.take("anna", THERE, known=True), float)
    assert isinstance(attempts.take("bo", THERE, known=True), Attempt)


def test_many_accounts_are_guarded_against_one_network(attempts: Attempts) -> None:
    for number in range(ALLOWED):
        assert isinstance(attempts.take(f"user{number}", f"10.0.0.{number}", known=True), Attempt)
    assert isinstance(attempts.take("anna", "10.0.0.200", known=True), float)
    assert isinstance(attempts.take("anna", THERE, known=True), Attempt)


def test_guessing_elsewhere_does_not_keep_the_owner_out(attempts: Attempts) -> None:
    log_in(attempts, "anna", HERE)
    use_up(attempts, client=THERE)
    assert isinstance(attempts.take("anna", THERE, known=True), float)
    log_in(attempts, "anna", HERE)
    use_up(attempts)
    assert isinstance(attempts.take("anna", HERE, known=True), float)


def test_an_account_of_ones_own_gives_no_attempts_at_others(attempts: Attempts) -> None:
    for _ in range(ALLOWED):
        log_in(attempts, "mallory", HERE)
        attempts.take("anna", HERE, known=True)
    log_in(attempts, "mallory", HERE)
    assert isinstance(attempts.take("anna", HERE, known=True), float)
    assert isinstance(attempts.take("bo", HERE, known=True), float)


def test_names_that_nobody_has_push_no_account_out(attempts: Attempts) -> None:
    for number in range(ALLOWED):
        attempts.take("anna", f"10.0.{number}.1", known=True)
    for number in range(REMEMBERED + 1):
        attempts.take(f"nobody{number}", f"11.{number // 256}.{number % 256}.1", known=False)
    assert isinstance(attempts.take("anna", THERE, known=True), float)


def test_the_tables_are_bounded(attempts: Attempts) -> None:
    use_up(attempts, "nobody", known=False)
    for number in range(REMEMBERED):
        attempts.take(f"nobody{number}", f"11.{number // 256}.{number % 256}.1", known=False)
    assert isinstance(attempts.take("nobody", HERE, known=False), Attempt)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.254", True),
        ("10.0.0.1", "10.0.1.1", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("fe80::1%eth0", "fe80::1", True),
        ("not an address", "not an address", True),
    ],
)
def test_addresses_that_one_host_can_choose_from_are_one_network(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


async def test_of_forty_wrong_passwords_at_a_time_five_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    evaluate = UserStore.password_is

    def watched(self: UserStore, name: str, password: str) -> bool:
        looked_at.append(password)
        return evaluate(self, name, password)

    monkeypatch.setattr(UserStore, "password_is", watched)
    anna = User(name="anna", password="open sesame")
    async with Relay(port=0, users=[anna], basic=True) as relay:
        with relay.publish("own", [Track.h264()]):
            clients = await asyncio.gather(*(Client.connect(relay.urls("own")[0]) for _ in range(40)))
            answers = await asyncio.gather(*(guess(client, number) for number, client in enumerate(clients)))
            await asyncio.gather(*(client.close() for client in clients))
    assert len(looked_at) == ALLOWED == answers.count(401)
    assert answers.count(403) == 40 - ALLOWED


async def guess(client: Client, number: int) -> int:
    credentials = base64.b64encode(f"anna:guess {number}".encode()).decode()
    return (await client.request("DESCRIBE", headers={"Authorization": f"Basic {credentials}"})).status
