"""The rules of the settings: which is about a request, and what follows from that."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from relaycore.access.hours import Hours
from relaycore.access.identity import NOBODY, Identity
from relaycore.access.patterns import Pattern
from relaycore.access.rule_book import RuleBook, Wish
from relaycore.errors import ConfigurationError
from relaycore.settings import AccessRule, AccessSettings
from relaycore.settings.access import WEEKDAYS

ANNA = Identity("anna", "viewer")
BO = Identity("bo", "operator")
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
"""Midnight of a Monday."""

NOON = (MONDAY + timedelta(hours=12)).timestamp()
READ = Wish("read", "house/front", "192.168.1.7", NOON)


def book(*rules: AccessRule, time_zone: str = "UTC") -> RuleBook:
    return RuleBook(AccessSettings(time_zone=time_zone, rules=list(rules)))


def allows(rules: RuleBook, wish: Wish, who: Identity = NOBODY) -> bool | None:
    """What the rules say, ``None`` where they say nothing."""
    verdict = rules.verdict(wish, who)
    return None if verdict is None else verdict.allows


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("**", ["a", "a/b/c"], []),
        ("house/front", ["house/front"], ["house", "house/front/h264", "house/frontdoor", "HOUSE/front"]),
        ("house/*", ["house/front", "house/back"], ["house", "house/front/h264"]),
        ("house/**", ["house", "house/front", "house/front/h264"], ["houses", "a/house"]),
        ("**/front", ["front", "house/front", "a/b/front"], ["house/front/x"]),
        ("a/**/b/*", ["a/b/c", "a/x/b/c", "a/b/b/c", "a/x/y/b/c"], ["a/b", "a/x/b", "b/b/c"]),
        ("cam*.1", ["cam.1", "cam22.1"], ["camx1", "cam/.1"]),
        ("/house/front/", ["house/front"], []),
    ],
)
def test_patterns_mean_parts_of_paths(pattern: str, matching: list[str], others: list[str]) -> None:
    assert [path for path in matching if not Pattern(pattern).matches(path)] == []
    assert [path for path in others if Pattern(pattern).matches(path)] == []


def test_patterns_match_as_a_plain_translation_does() -> None:
    chance = random.Random(2)
    matched = 0
    for _ in range(5000):
        parts = chance.choices(["a", "b", "*", "**", "a*", "*b"], k=chance.randint(1, 4))
        path = "/".join(chance.choices(["a", "b", "ab", "ba"], k=chance.randint(1, 5)))
        plain = "".join("(?:[^/]+/)*" if part == "**" else part.replace("*", "[^/]*") + "/" for part in parts)
        expected = re.fullmatch(plain, path + "/") is not None
        assert Pattern("/".join(parts)).matches(path) == expected, (parts, path)
        matched += expected
    assert 500 < matched < 4500


def test_a_long_path_does_not_take_long() -> None:
    """A regular expression would need more steps than the test has time for."""
    pattern = Pattern("/".join(["**", "a*a*a*"] * 20 + ["x"]))
    assert not pattern.matches("/".join(["a" * 50] * 100))


@pytest.mark.parametrize(
    ("hours", "weekdays", "inside", "outside"),
    [
        (["08:00-18:00"], [], ["mon 08:00", "sun 17:59"], ["mon 07:59", "mon 18:00"]),
        (["22:00-06:00"], [], ["mon 22:00", "tue 05:59", "mon 00:00"], ["mon 06:00", "mon 21:59"]),
        (["22:00-06:00"], ["fri"], ["fri 22:00", "sat 05:59"], ["fri 05:59", "sat 22:00", "sat 06:00"]),
        (["22:00-06:00"], ["sun"], ["sun 23:00", "mon 01:00"], ["mon 23:00", "sun 01:00"]),
        ([], ["sat", "sun"], ["sat 00:00", "sun 23:59"], ["fri 23:59", "mon 00:00"]),
        (["00:00-24:00"], ["wed"], ["wed 00:00", "wed 23:59"], ["tue 23:59", "thu 00:00"]),
        (["06:00-08:00", "20:00-22:00"], [], ["mon 07:00", "mon 21:00"], ["mon 12:00"]),
    ],
)
def test_hours_of_days(hours: list[str], weekdays: list[str], inside: list[str], outside: list[str]) -> None:
    rule = AccessRule(
        effect="allow", actions=["read"], hours=hours, weekdays=[day for day in WEEKDAYS if day in weekdays]
    )
    found = Hours.of(rule.hours, rule.weekdays)
    assert found is not None

    def holds(moment: str) -> bool:
        day, time = moment.split()
        hour, minute = map(int, time.split(":"))
        at = MONDAY + timedelta(days=[*WEEKDAYS].index(day), hours=hour, minutes=minute)  # type: ignore[arg-type]
        return found.hold(at)

    assert [moment for moment in inside if not holds(moment)] == []
    assert [moment for moment in outside if holds(moment)] == []


def test_without_rules_nothing_is_said() -> None:
    assert not book()
    assert allows(book(), READ, ANNA) is None


def test_the_first_rule_that_is_about_it_decides() -> None:
    rules = book(
        AccessRule(effect="deny", actions=["read"], users=["bo"]),
        AccessRule(effect="allow", actions=["read"], roles=["operator", "viewer"]),
        AccessRule(effect="deny", actions=["read"]),
    )
    assert [allows(rules, READ, who) for who in (ANNA, BO, NOBODY)] == [True, False, False]
    assert allows(rules, replace(READ, action="publish"), ANNA) is None


def test_it_is_known_whether_a_name_may_help() -> None:
    for_anna = AccessRule(effect="allow", actions=["read"], users=["anna"])
    against_bo = AccessRule(effect="deny", actions=["read"], users=["bo"])
    deny = AccessRule(effect="deny", actions=["read"])
    for rules, may_help in [((for_anna, deny), True), ((against_bo, deny), False), ((deny, for_anna), False)]:
        verdict = book(*rules).verdict(READ, NOBODY)
        assert verdict is not None
        assert (verdict.allows, verdict.others_may) == (False, may_help)


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("192.168.1.7", True),
        ("::ffff:192.168.1.7", True),
        ("2001:db8::5", True),
        ("fe80::1%eth0", True),
        ("192.168.2.7", None),
        ("::1", None),
        ("nonsense", None),
    ],
)
def test_networks_are_those_of_the_address(client: str, expected: bool | None) -> None:
    rule = AccessRule(
        effect="allow", actions=["read"], networks=["192.168.1.9/24", "2001:db8::/32", "fe80::1"]
    )
    assert allows(book(rule), replace(READ, client=client)) is expected


def test_what_is_about_no_path_is_about_all() -> None:
    everywhere = AccessRule(effect="deny", actions=["look"])
    house = AccessRule(effect="deny", actions=["look"], paths=["house/**"])
    look = Wish("look", None, "127.0.0.1", NOON)
    assert allows(book(everywhere), look) is False
    assert allows(book(house), look) is None
    assert allows(book(house), replace(look, path="house")) is False


def test_hours_are_those_of_the_time_zone() -> None:
    rule = AccessRule(effect="allow", actions=["read"], hours=["21:00-22:00"])
    assert allows(book(rule, time_zone="Asia/Tokyo"), READ) is True
    assert allows(book(rule), READ) is None


def test_hours_that_begin_or_end_are_noticed() -> None:
    rules = book(
        AccessRule(effect="allow", actions=["read"]),
        AccessRule(effect="allow", actions=["read"], hours=["11:00-12:00"]),
    )
    assert rules.in_force(NOON - 1) == (True,)
    assert rules.in_force(NOON) == (False,)


@pytest.mark.parametrize(
    "wrong",
    [
        AccessSettings(time_zone="Mars/Olympus"),
        AccessSettings(time_zone="../etc/passwd"),
        AccessSettings(rules=[AccessRule(effect="deny", actions=["read"], paths=["a//b"])]),
        AccessSettings(rules=[AccessRule(effect="deny", actions=["read"], networks=["x"])]),
        AccessSettings(rules=[AccessRule(effect="deny", actions=["read"], hours=["25:00-26:00"])]),
    ],
)
def test_what_a_program_gives_wrong_is_told(wrong: AccessSettings) -> None:
    with pytest.raises(ConfigurationError):
        RuleBook(wrong)


@dataclass(frozen=True)
class Case:
    """One made-up request, in words of the rules."""

    wish: Wish
    who: Identity


def expected(rules: list[AccessRule], case: Case) -> bool | None:
    """What the rules say, as their description has it and as slowly as that may be."""
    at = datetime.fromtimestamp(case.wish.at, UTC)
    for rule in rules:
        anyone = not rule.users and not rule.roles
        if case.wish.action not in rule.actions:
            continue
        if not (anyone or case.who.name in rule.users or case.who.role in rule.roles):
            continue
        if not any(path in ("**", case.wish.path) for path in rule.paths):
            continue
        if rule.networks and case.wish.client.rpartition(".")[0] + ".0/24" not in rule.networks:
            continue
        if rule.weekdays and WEEKDAYS[at.weekday()] not in rule.weekdays:
            continue
        if rule.hours and not any(
            begin <= f"{at:%H:%M}" < end for begin, end in (span.split("-") for span in rule.hours)
        ):
            continue
        return rule.effect == "allow"
    return None


def test_made_up_rules_decide_as_their_description_says() -> None:
    chance = random.Random(5)

    def some(*values: str) -> list[str]:
        return [] if chance.random() < 0.5 else chance.sample(values, chance.randint(1, len(values)))

    def rule() -> AccessRule:
        return AccessRule(
            effect=chance.choice(["allow", "deny"]),
            actions=chance.choice([["read"], ["publish"], ["read", "publish"]]),
            paths=some("a", "a/b", "c") or ["**"],
            users=some("anna", "bo"),
            roles=some("viewer", "operator"),  # type: ignore[arg-type]
            networks=some("10.0.0.0/24", "10.0.1.0/24"),
            hours=some("06:00-12:00", "11:30-13:00", "20:00-24:00"),
            weekdays=some("mon", "tue", "sun"),  # type: ignore[arg-type]
        )

    seen = {True: 0, False: 0, None: 0}
    for _ in range(500):
        rules = [rule() for _ in range(chance.randint(1, 6))]
        compiled = book(*rules)
        for _ in range(20):
            wish = Wish(
                chance.choice(["read", "publish"]),
                chance.choice(["a", "a/b", "c", "d"]),
                f"10.0.{chance.randint(0, 2)}.{chance.randint(1, 254)}",
                (MONDAY + timedelta(minutes=chance.randint(0, 7 * 24 * 60))).timestamp(),
            )
            case = Case(wish, chance.choice([ANNA, BO, NOBODY, Identity("cy", "auditor")]))
            said = allows(compiled, case.wish, case.who)
            assert said is expected(rules, case), (rules, case)
            seen[said] += 1
    assert min(seen.values()) > 500
