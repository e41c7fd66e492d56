"""Leases of sessions: how many, how long, and what ends them, whatever comes in which order."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from relaycore.access import leases as module
from relaycore.access.answers import Rejection
from relaycore.access.decisions import Gatekeeper
from relaycore.access.leases import LeasedSession, Leases
from relaycore.access.policy import Policy
from relaycore.access.rules import PathRules
from relaycore.access.users import UserStore
from relaycore.settings import PathSettings, User

NAMES = ("anna", "bo", "cy")
PATHS = ("door", "yard", "yard/h264", "open")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


@dataclass(frozen=True)
class Session:
    id: str
    path: str = "door"
    user: str | None = "anna"
    action: str = "read"
    ticket: int = 0
    peer: str = "127.0.0.1:5000"
    user_agent: str | None = None
    secure: bool = False
    protocol: str = "rtsp"


@dataclass
class FakeEngine:
    """Has sessions, and ends them at once."""

    open: dict[str, Session] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    leases: Leases | None = None

    def sessions(self) -> list[LeasedSession]:
        return [*self.open.values()]

    def end(self, session: str) -> None:
        assert self.leases is not None
        self.ended.append(session)
        self.leases.end(self.open.pop(session))

    def kick(self, session: str) -> bool:
        if session in self.open:
            self.end(session)
            return True
        return False

    def disconnect(self, users: set[str]) -> None:
        for session in [session for session in self.open.values() if session.user in users]:
            self.end(session.id)

    def revoke_decisions(self) -> None:
        pass


class House:
    """Leases with a policy, and what they tell."""

    def __init__(self, policy: Policy, users: Collection[str] = NAMES) -> None:
        self.users = UserStore(User(name=name, password="x") for name in users)
        self.gatekeeper = Gatekeeper(self.users, policy)
        self.refused: list[Rejection] = []
        self.gatekeeper.on_refused = self.refused.append
        self.reasons: dict[str, str] = {}
        self.disconnected: set[str] = set()
        self.engine = FakeEngine()
        self.leases = Leases(self.engine, self.gatekeeper, self.disconnected.update, self._because)
        self.engine.leases = self.leases

    def _because(self, session: str, reason: str) -> None:
        self.reasons[session] = reason

    def begin(self, session: Session) -> bool:
        """Set a session up and play; whether it may."""
        self.engine.open[session.id] = session
        self.leases.begin(session)
        return self.leases.admit(session) is None


def policy(per_user: int = 0, **paths: PathSettings) -> Policy:
    return Policy(sessions_per_user=per_user, paths=PathRules(paths))


def test_a_user_has_so_many_sessions_and_a_new_one_when_one_has_ended() -> None:
    house = House(policy(per_user=2))
    assert [house.begin(Session(str(number))) for number in range(3)] == [True, True, False]
    assert house.begin(Session("other", user="bo"))
    (refused,) = house.refused
    assert (refused.user, refused.status, refused.question.path) == ("anna", 453, "door")
    house.engine.end("0")
    assert house.leases.admit(Session("2")) is None


def test_a_session_that_never_plays_takes_nobodys_place() -> None:
    house = House(policy(per_user=1))
    house.leases.begin(Session("idle"))
    assert house.begin(Session("playing"))
    assert house.leases.admit(Session("playing")) is None, "it pauses and plays again"


def test_a_path_has_so_many_readers_those_of_what_is_made_of_it_included() -> None:
    house = House(policy(yard=PathSettings(most_readers=2, transcode="auto")))
    assert house.begin(Session("publisher", "yard", action="publish"))
    assert house.begin(Session("1", "yard", "anna"))
    assert house.begin(Session("2", "yard/h264", "bo"))
    assert not house.begin(Session("3", "yard", "cy"))
    assert house.begin(Session("4", "door", "cy"))


def test_a_reader_has_so_much_time_and_a_publisher_all_that_it_wants(clock: Clock) -> None:
    house = House(policy(door=PathSettings(longest_session=60)))
    assert house.begin(Session("reader"))
    assert house.begin(Session("publisher", action="publish"))
    clock.now += 59
    house.leases.look()
    assert house.engine.ended == []
    clock.now += 1
    house.leases.look()
    house.leases.look()
    assert house.engine.ended == ["reader"]
    assert house.reasons == {"reader": "The longest time of a session is over"}


def test_another_policy_holds_for_sessions_that_are_there(clock: Clock) -> None:
    house = House(policy())
    assert all(house.begin(Session(str(number))) for number in range(3))
    house.gatekeeper.apply(policy(per_user=3, door=PathSettings(longest_session=60)))
    house.leases.revoke()
    assert not house.begin(Session("more"))
    clock.now += 61
    house.leases.look()
    assert sorted(house.engine.ended) == ["0", "1", "2", "more"]


def test_what_a_user_has_open_is_ended_and_what_others_have_is_not() -> None:
    house = House(policy())
    for number, user in enumerate(["anna", "bo", "anna", None]):
        house.begin(Session(str(number), user=user))
    house.users.replace([])  # everybody of this machine may come in
    house.users.add(User(name="bo", password="x"))
    house.gatekeeper.apply(Policy(anonymous=True))
    ended = house.leases.revoke({"anna"}, "because")
    assert sorted(session.id for session in ended) == ["0", "2"]
    assert house.reasons == {"0": "because", "2": "because"}
    assert house.disconnected == {"anna"}
    assert list(house.engine.open) == ["1", "3"]


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_things_gets_around_the_policy(clock: Clock, seed: int) -> None:
    """Sessions begin, play, pause, end, are revoked and judged by other policies, in any order."""
    chance = random.Random(seed)

    def some_policy() -> Policy:
        return policy(
            per_user=chance.choice([0, 1, 2, 3]),
            yard=PathSettings(most_readers=chance.choice([0, 2]), transcode="auto"),
            door=PathSettings(longest_session=chance.choice([0.0, 30.0]), read=chance.choice([True, False])),
            open=PathSettings(most_readers=3),
        )

    house = House(some_policy())
    playing: dict[str, float] = {}
    begun: dict[str, float] = {}
    refusals = 0
    for step in range(600):
        rules = house.gatekeeper.policy
        open_now = list(house.engine.open.values())
        what = chance.choices(["begin", "play", "end", "revoke", "policy", "wait"], [6, 8, 3, 1, 1, 3])[0]
        if what == "begin":
            action = "publish" if chance.random() < 0.2 else "read"
            session = Session(str(step), chance.choice(PATHS), chance.choice([*NAMES, None]), action)
            house.engine.open[session.id] = session
            house.leases.begin(session)
            begun[session.id] = clock.now
        elif what == "play" and open_now and rules.limits_sessions:
            session = chance.choice(open_now)
            others = [other for other in open_now if other.id in playing and other.id != session.id]
            of_user = sum(other.user == session.user for other in others)
            readers = sum(
                other.action == "read" and rules.paths.origin(other.path) == rules.paths.origin(session.path)
                for other in others
            )
            most = rules.paths.settings(session.path).most_readers
            full = session.user is not None and 0 < rules.sessions_per_user <= of_user
            full |= session.action == "read" and 0 < most <= readers
            may = house.leases.admit(session) is None
            assert may == (session.id in playing or not full)
            refusals += not may
            if may:
                playing[session.id] = clock.now
        elif what == "end" and open_now:
            house.engine.end(chance.choice(open_now).id)
        elif what == "revoke":
            user = chance.choice(NAMES)
            house.leases.revoke({user})
            assert not any(session.user == user for session in house.engine.open.values())
        elif what == "policy":
            house.gatekeeper.apply(some_policy())
            house.leases.revoke()
            if not house.gatekeeper.policy.limits_sessions:
                playing.update(dict.fromkeys(house.engine.open, clock.now))
        else:
            clock.now += chance.uniform(0, 20)
            house.leases.look()
        if not house.gatekeeper.policy.limits_sessions:
            playing.update(dict.fromkeys(house.engine.open, clock.now))
        playing = {session: at for session, at in playing.items() if session in house.engine.open}
        now = house.gatekeeper.policy
        if what == "wait":
            for session in house.engine.open.values():
                longest = now.paths.settings(session.path).longest_session
                assert session.action != "read" or not longest or clock.now - begun[session.id] < longest
        if what in ("policy", "revoke"):
            for session in house.engine.open.values():
                assert session.action != "read" or now.paths.rule("read", session.path).users is None
    assert refusals > 0
    for name in list(house.engine.open):
        house.engine.end(name)
    assert len(house.leases) == 0
