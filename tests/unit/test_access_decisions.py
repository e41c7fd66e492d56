"""The gatekeeper: users, the program's own say, and who has to wait."""

import asyncio
import base64
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from relaycore import AccessRequest, Permission
from relaycore.access.answers import Allow, Challenge, Refuse
from relaycore.access.attempts import ALLOWED, FIRST_PAUSE_S
from relaycore.access.decisions import Gatekeeper
from relaycore.access.policy import Policy
from relaycore.access.refusals import PAUSE_S, RefusalLog
from relaycore.access.rule_book import RuleBook
from relaycore.access.rules import PathRules
from relaycore.access.share_links import new_link
from relaycore.access.users import REALM, Algorithm, UserStore
from relaycore.settings import AccessRule, AccessSettings, Action, PathSettings, User

ANNA = User(name="anna", password="open sesame")


@dataclass(frozen=True)
class Asked:
    action: str = "read"
    method: str = "DESCRIBE"
    path: str = "/cam"
    uri: str = "rtsp://127.0.0.1/cam?x=1"
    query: str | None = "x=1"
    authorization: str | None = None
    user_agent: str | None = "test"
    peer: str = "127.0.0.1:5000"
    secure: bool = False


ANNOUNCE = Asked(action="publish", method="ANNOUNCE", uri="rtsp://127.0.0.1/cam", query=None)


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def basic(text: str) -> Asked:
    return Asked(authorization="Basic " + base64.b64encode(text.encode()).decode())


def as_publisher(text: str) -> Asked:
    return replace(ANNOUNCE, authorization=basic(text).authorization)


async def test_without_users_everybody_may_read() -> None:
    assert await Gatekeeper(UserStore()).decide(Asked()) == Allow(None)


async def test_with_users_a_client_is_asked_who_it_is() -> None:
    answer = await Gatekeeper(UserStore([ANNA])).decide(Asked())
    assert isinstance(answer, Challenge)
    assert len(answer.challenges) == 2


async def test_anonymous_reading_has_to_be_asked_for() -> None:
    assert await Gatekeeper(UserStore([ANNA]), Policy(anonymous=True)).decide(Asked()) == Allow(None)


async def test_without_users_every_program_of_this_machine_may_publish() -> None:
    for peer in ("127.0.0.1:5000", "[::1]:5000", "[::ffff:127.0.0.1]:5000"):
        assert await Gatekeeper(UserStore()).decide(replace(ANNOUNCE, peer=peer)) == Allow(None)


@pytest.mark.parametrize("action", ["read", "publish"])
async def test_without_users_the_network_is_let_in_only_on_wish(action: str) -> None:
    stranger = Asked(action=action, peer="10.0.0.9:5000")
    refused = await Gatekeeper(UserStore()).decide(stranger)
    assert refused == Refuse(403, "There are no users, so only programs of this machine may come in")
    assert await Gatekeeper(UserStore(), Policy(anonymous=True)).decide(stranger) == Allow(None)


async def test_with_users_publishing_takes_one_also_where_everybody_may_read() -> None:
    gatekeeper = Gatekeeper(UserStore([ANNA]), Policy(anonymous=True, basic=True))
    assert isinstance(await gatekeeper.decide(ANNOUNCE), Challenge)
    assert await gatekeeper.decide(as_publisher("anna:open sesame")) == Allow("anna")
    assert isinstance(await gatekeeper.decide(as_publisher("anna:guess")), Challenge)


async def test_a_user_may_be_kept_from_publishing() -> None:
    viewer = User(name="bo", password="x", role="viewer")
    gatekeeper = Gatekeeper(UserStore([ANNA, viewer]), Policy(basic=True))
    assert await gatekeeper.decide(basic("bo:x")) == Allow("bo")
    assert await gatekeeper.decide(as_publisher("bo:x")) == Refuse(403, "This user may not publish")


async def test_a_publisher_proves_who_it_is_by_digest() -> None:
    gatekeeper = Gatekeeper(UserStore([ANNA]))
    asked = await gatekeeper.decide(ANNOUNCE)
    assert isinstance(asked, Challenge)
    nonce = asked.challenges[-1].split('nonce="')[1].split('"')[0]
    store = UserStore([ANNA])
    ha2 = Algorithm.MD5.hash(f"ANNOUNCE:{ANNOUNCE.uri}")
    response = Algorithm.MD5.hash(f"{store.ha1('anna', Algorithm.MD5)}:{nonce}:{ha2}")
    proof = (
        f'Digest username="anna", realm="{REALM}", nonce="{nonce}", uri="{ANNOUNCE.uri}", '
        f'response="{response}"'
    )
    assert await gatekeeper.decide(replace(ANNOUNCE, authorization=proof)) == Allow("anna")
    as_a_reader = Asked(authorization=proof, uri=ANNOUNCE.uri)
    assert isinstance(await gatekeeper.decide(as_a_reader), Challenge)


async def test_a_path_may_be_for_some_users_only() -> None:
    bo = User(name="bo", password="x")
    rules = PathRules({"cam": PathSettings(read=["anna"], publish=["bo"])})
    gatekeeper = Gatekeeper(UserStore([ANNA, bo]), Policy(anonymous=True, basic=True, paths=rules))
    assert isinstance(await gatekeeper.decide(Asked()), Challenge)
    assert await gatekeeper.decide(basic("anna:open sesame")) == Allow("anna")
    assert await gatekeeper.decide(basic("bo:x")) == Refuse(403, "This user may not")
    assert await gatekeeper.decide(as_publisher("bo:x")) == Allow("bo")
    assert await gatekeeper.decide(as_publisher("anna:open sesame")) == Refuse(403, "This user may not")
    assert await gatekeeper.decide(replace(Asked(), path="/other")) == Allow(None)


async def test_a_path_for_users_is_closed_where_there_are_none() -> None:
    gatekeeper = Gatekeeper(UserStore(), Policy(paths=PathRules({"cam": PathSettings(read=["anna"])})))
    assert isinstance(await gatekeeper.decide(Asked()), Challenge)


async def test_rules_that_change_hold_from_then_on() -> None:
    gatekeeper = Gatekeeper(UserStore([ANNA]))
    assert isinstance(await gatekeeper.decide(basic("anna:open sesame")), Challenge)
    rules = PathRules({"cam": PathSettings(read=False)})
    gatekeeper.apply(Policy(basic=True, paths=rules))
    assert await gatekeeper.decide(basic("anna:open sesame")) == Refuse(403, "Nobody may read this path")
    gatekeeper.apply(Policy(anonymous=True))
    assert await gatekeeper.decide(Asked()) == Allow(None)


def test_who_has_come_in_is_judged_again_when_settings_change() -> None:
    users = UserStore([ANNA])
    gatekeeper = Gatekeeper(users, Policy(paths=PathRules({"closed": PathSettings(read=False)})))

    def objection(action: Action, path: str, user: str | None) -> str | None:
        found = gatekeeper.objection(gatekeeper.wish(action, path, "127.0.0.1"), path, user)
        return None if found is None else found.why

    assert objection("read", "cam", "anna") is None
    assert objection("publish", "cam", "anna") is None
    assert objection("read", "closed", "anna") == "Nobody may read this path"
    assert objection("read", "cam", None) == "This takes a user"
    users.remove("anna")
    assert objection("read", "cam", "anna") == "There is no such user any more"
    assert objection("read", "cam", None) is None


async def test_the_program_is_asked_after_the_password_was_right() -> None:
    asked: list[AccessRequest] = []

    async def authorise(request: AccessRequest) -> bool:
        asked.append(request)
        return request.path == "cam"

    gatekeeper = Gatekeeper(UserStore([ANNA]), Policy(basic=True), authorise=authorise)
    assert isinstance(await gatekeeper.decide(Asked()), Challenge)
    assert asked == []
    assert await gatekeeper.decide(basic("anna:open sesame")) == Allow("anna")
    assert asked == [AccessRequest("read", "cam", "anna", "127.0.0.1:5000", "test", "x=1", "operator")]
    other = replace(basic("anna:open sesame"), path="/garden")
    refused = await gatekeeper.decide(other)
    assert refused == Refuse(403, "Not allowed", "the program does not allow it")
    await gatekeeper.decide(as_publisher("anna:open sesame"))
    assert (asked[-1].action, asked[-1].path) == ("publish", "cam")


async def test_a_program_says_role_purpose_and_end_and_widens_nothing() -> None:
    clock = time.time()
    said: list[Any] = [Permission(role="viewer", purpose="a visit", expires=clock + 60)]

    async def authorise(request: AccessRequest) -> Any:
        return said[0]

    users = UserStore([ANNA])
    gatekeeper = Gatekeeper(users, Policy(basic=True), authorise=authorise)
    answer = await gatekeeper.decide(basic("anna:open sesame"))
    assert isinstance(answer, Allow)
    who = users.identity(answer.user, answer.ticket)
    assert who is not None
    assert (who.name, who.role, who.purpose, who.ends) == ("anna", "viewer", "a visit", clock + 60)
    again = await gatekeeper.decide(basic("anna:open sesame"))
    assert isinstance(again, Allow)
    assert again.ticket == answer.ticket, "there are as many tickets as people, not as requests"
    refused = await gatekeeper.decide(as_publisher("anna:open sesame"))
    assert refused == Refuse(403, "This user may not publish")
    for refusing in (False, Permission(allow=False), Permission(expires=clock - 1)):
        said[0] = refusing
        assert isinstance(await gatekeeper.decide(basic("anna:open sesame")), Refuse)
    king: Any = "king"
    for broken in (
        None,
        "yes",
        1,
        Permission(role=king),
        Permission(purpose="a\nb"),
        Permission(expires=math.nan),
    ):
        said[0] = broken
        assert await gatekeeper.decide(basic("anna:open sesame")) == Refuse(503, "No decision possible")
    said[0] = Permission(role="administrator")
    guest = Gatekeeper(
        UserStore([User(name="guest", password="x", role="viewer")]),
        Policy(basic=True),
        authorise=authorise,
    )
    refused = await guest.decide(as_publisher("guest:x"))
    assert refused == Refuse(403, "This user may not publish")


async def test_a_program_is_not_told_the_link() -> None:
    asked: list[AccessRequest] = []

    async def authorise(request: AccessRequest) -> bool:
        asked.append(request)
        return True

    users = UserStore([ANNA])
    link = new_link("cam", "a visit", seconds=60)
    users.links.add(link)
    gatekeeper = Gatekeeper(users, authorise=authorise)
    query = f"x=1&share={users.links.token(link)}&token=abc&y"
    assert await gatekeeper.decide(replace(Asked(), query=query)) == Allow(link.name)
    assert (asked[0].user, asked[0].role) == (link.name, "viewer")
    assert asked[0].query == "x=1&token=abc&y", "where no tokens are taken, it is the program's own"


async def test_a_program_that_does_not_answer_is_not_waited_for() -> None:
    async def authorise(request: AccessRequest) -> bool:
        await asyncio.Event().wait()
        return True

    gatekeeper = Gatekeeper(UserStore(), authorise=authorise, timeout=0.01)
    assert await gatekeeper.decide(Asked()) == Refuse(503, "No decision in time")


async def test_a_program_that_fails_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    async def authorise(request: AccessRequest) -> bool:
        raise RuntimeError("database gone")

    assert await Gatekeeper(UserStore(), authorise=authorise).decide(Asked()) == Refuse(
        503, "No decision possible"
    )
    assert "database gone" in caplog.text


async def test_who_tries_passwords_has_to_wait() -> None:
    clock = Clock()
    gatekeeper = Gatekeeper(UserStore([ANNA]), Policy(basic=True), clock=clock)
    for _ in range(ALLOWED):
        assert isinstance(await gatekeeper.decide(basic("anna:guess")), Challenge)
    refused = await gatekeeper.decide(basic("anna:open sesame"))
    assert refused == Refuse(403, f"Too many wrong passwords, wait {FIRST_PAUSE_S:.0f} seconds")
    assert isinstance(await gatekeeper.decide(Asked()), Challenge)
    clock.now += FIRST_PAUSE_S
    assert await gatekeeper.decide(basic("anna:open sesame")) == Allow("anna")


async def test_what_cannot_be_looked_at_costs_no_attempt() -> None:
    gatekeeper = Gatekeeper(UserStore([ANNA]))
    for header in ("Basic !!!", "Digest", "Digest realm=x"):
        for _ in range(2 * ALLOWED):
            answer = await gatekeeper.decide(Asked(authorization=header))
            assert isinstance(answer, Refuse)
            assert answer.status == 400
    for _ in range(2 * ALLOWED):
        assert isinstance(await gatekeeper.decide(basic("anna:guess")), Challenge)
    assert isinstance(await gatekeeper.decide(Asked()), Challenge)


async def test_a_wrong_password_is_logged_without_it(caplog: pytest.LogCaptureFixture) -> None:
    await Gatekeeper(UserStore([ANNA]), Policy(basic=True)).decide(basic("anna:guess"))
    (record,) = caplog.records
    assert record.__dict__["peer"] == "127.0.0.1:5000"
    assert "guess" not in str(record.__dict__)
    assert str(basic("anna:guess").authorization) not in str(record.__dict__)


async def test_what_is_not_encrypted_may_be_refused_but_for_programs_of_this_machine() -> None:
    gatekeeper = Gatekeeper(UserStore([ANNA]), Policy(anonymous=True, tls_required=True))
    stranger = Asked(peer="10.0.0.9:5000")
    answer = await gatekeeper.decide(stranger)
    assert isinstance(answer, Refuse)
    assert answer.status == 403
    assert "rtsps://" in answer.reason
    assert await gatekeeper.decide(replace(stranger, secure=True)) == Allow(None)
    assert await gatekeeper.decide(Asked()) == Allow(None)


def ruled(*rules: AccessRule, anonymous: bool = False, users: Sequence[User] = (ANNA,)) -> Gatekeeper:
    """A gatekeeper with these rules; Basic serves to log in."""
    book = RuleBook(AccessSettings(time_zone="UTC", rules=list(rules)))
    return Gatekeeper(UserStore(users), Policy(anonymous=anonymous, basic=True, rules=book))


async def test_a_rule_may_allow_what_the_role_does_not_and_strangers_too() -> None:
    bo = User(name="bo", password="x", role="viewer")
    gatekeeper = ruled(
        AccessRule(effect="allow", actions=["publish"], paths=["stage"], users=["bo"]),
        AccessRule(effect="allow", actions=["read"], paths=["stage"]),
        users=[ANNA, bo],
    )
    assert await gatekeeper.decide(as_publisher("bo:x")) == Refuse(403, "This user may not publish")
    assert await gatekeeper.decide(replace(as_publisher("bo:x"), path="/stage/")) == Allow("bo")
    assert await gatekeeper.decide(replace(Asked(), path="/stage")) == Allow(None)
    assert isinstance(await gatekeeper.decide(Asked()), Challenge)


async def test_a_rule_denies_and_only_the_log_says_which(caplog: pytest.LogCaptureFixture) -> None:
    gatekeeper = ruled(AccessRule(name="closed", effect="deny", actions=["read"], users=["anna"]))
    assert isinstance(await gatekeeper.decide(Asked()), Challenge)
    refused = await gatekeeper.decide(basic("anna:open sesame"))
    assert refused == Refuse(403, "Not allowed", "the rule 'closed' denies it")
    (record,) = caplog.records
    assert record.getMessage() == "refused: the rule 'closed' denies it"
    fields = record.__dict__
    assert (fields["peer"], fields["path"], fields["user"]) == ("127.0.0.1:5000", "cam", "anna")


async def test_only_who_may_be_let_in_by_a_name_is_asked_for_it() -> None:
    deny = AccessRule(effect="deny", actions=["read"])
    for_anna = AccessRule(effect="allow", actions=["read"], users=["anna"])
    assert isinstance(await ruled(for_anna, deny, anonymous=True).decide(Asked()), Challenge)
    assert isinstance(await ruled(deny, for_anna, anonymous=True).decide(Asked()), Refuse)
    assert await ruled(for_anna, deny).decide(basic("anna:open sesame")) == Allow("anna")


async def test_what_a_path_says_holds_beside_the_rules() -> None:
    book = RuleBook(AccessSettings(rules=[AccessRule(effect="allow", actions=["read", "publish"])]))
    paths = PathRules({"cam": PathSettings(read=["anna"], publish=False)})
    gatekeeper = Gatekeeper(UserStore([ANNA]), Policy(basic=True, paths=paths, rules=book))
    assert isinstance(await gatekeeper.decide(Asked()), Challenge)
    assert await gatekeeper.decide(basic("anna:open sesame")) == Allow("anna")
    assert await gatekeeper.decide(ANNOUNCE) == Refuse(403, "Nobody may publish to this path")
    assert await gatekeeper.decide(replace(Asked(), path="/other")) == Allow(None)


async def test_a_rule_of_a_path_is_one_of_what_is_made_of_it() -> None:
    book = RuleBook(AccessSettings(rules=[AccessRule(effect="deny", actions=["read"], paths=["cam"])]))
    paths = PathRules({"cam": PathSettings(transcode="auto")})
    gatekeeper = Gatekeeper(UserStore(), Policy(paths=paths, rules=book))
    assert isinstance(await gatekeeper.decide(replace(Asked(), path="/cam/h264")), Refuse)
    assert await gatekeeper.decide(replace(Asked(), path="/cam2/h264")) == Allow(None)


async def test_no_rule_lets_anyone_change_something() -> None:
    gatekeeper = ruled(AccessRule(effect="allow", actions=["look", "control", "audit"]))
    assert await gatekeeper.decide(Asked(action="look", path="/api/v1/paths")) == Allow(None)
    for action in ("control", "audit"):
        assert isinstance(await gatekeeper.decide(Asked(action=action, path="/api")), Challenge)


async def test_without_users_a_rule_may_let_the_network_in() -> None:
    near = AccessRule(effect="allow", actions=["read"], networks=["10.0.0.0/8"])
    gatekeeper = ruled(near, users=())
    assert await gatekeeper.decide(Asked(peer="10.0.0.9:5000")) == Allow(None)
    assert isinstance(await gatekeeper.decide(Asked(peer="192.0.2.1:5000")), Refuse)


async def test_an_http_request_is_about_the_stream_that_it_names() -> None:
    gatekeeper = ruled(AccessRule(effect="deny", actions=["look"], paths=["cam"]), users=())
    asked = Asked(action="look", path="/api/v1/paths/cam")
    assert await gatekeeper.decide(asked) == Allow(None)
    assert isinstance(await gatekeeper.decide(asked, "cam"), Refuse)


def test_refusals_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    told = RefusalLog(clock)
    for number in range(50):
        told.note("one", f"10.0.0.{number}", {})
    told.note("two", "10.0.0.1", {})
    told.note("one", "10.0.1.1", {})
    clock.now += PAUSE_S
    told.note("one", "10.0.0.1", {})
    assert [record.getMessage() for record in caplog.records] == [
        "refused: one",
        "refused: two",
        "refused: one",
        "refused: one (49 more since)",
    ]
