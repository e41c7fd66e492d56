"""Each rule of alerts at its border, and what it must not take for odd."""

from __future__ import annotations

import random

import pytest

from relaycore.alerts import habits, limits, lost, networks, shed, spraying, viewers
from relaycore.alerts.model import MOST_RECORDS, CameraPicture, Gone, Removed, Shed, There
from relaycore.alerts.table import Table
from relaycore.ledger.records import Opening, Record
from relaycore.settings import (
    AmountRule,
    DarkRule,
    FrozenRule,
    HourRule,
    LostRule,
    NetworkRule,
    SharedLinkRule,
    ShedRule,
    SprayingRule,
    ViewerRule,
)
from tests.support.alerts import DAY_MS, HOUR_MS, MINUTE_MS, NOON, came, left, told, watch, wrong

SECOND = 1000
OTHER = "198.51.100.0/24"


# Password spraying


def test_spraying_is_many_accounts_of_one_network() -> None:
    rules = watch(spraying=SprayingRule(accounts=3, minutes=10))
    refusals = [wrong(name, at=NOON + number * SECOND) for number, name in enumerate(("a", "b", "c"))]
    assert told(rules, refusals[:2]) == []
    (alert,) = told(rules, refusals[2:])
    assert (alert.rule, alert.severity, alert.subject) == ("spraying", "critical", "192.0.2.0/24")
    assert alert.records == [refusal.id for refusal in refusals]
    assert "3 accounts" in alert.text


@pytest.mark.parametrize(
    "refusals",
    [
        [wrong("a", at=NOON + number) for number in range(100)],
        [wrong(None, at=NOON + number) for number in range(100)],
        [wrong(name, f"10.0.{number}.0/24") for number, name in enumerate("abcdef")],
        [wrong(name, None) for name in "abcdef"],
        [wrong(name, at=NOON + number * 6 * MINUTE_MS) for number, name in enumerate("abcdef")],
        [wrong(name, status=403, reason="This user may not publish") for name in "abcdef"],
    ],
    ids=["one account", "no account", "networks", "unknown networks", "slowly", "rights"],
)
def test_other_refusals_are_no_spraying(refusals: list[Record]) -> None:
    assert told(watch(spraying=SprayingRule(accounts=3, minutes=10)), refusals) == []


def test_who_waits_after_wrong_passwords_is_counted_and_so_are_names_that_nobody_has() -> None:
    rules = watch(spraying=SprayingRule(accounts=4, minutes=10))
    waiting = wrong("b", status=403, reason="Too many wrong passwords, wait 2 seconds")
    assert told(rules, [wrong("a"), waiting, wrong(None, count=9)]) == []
    (alert,) = told(rules, [wrong(None)])
    assert "10 attempts were made with names that nobody has" in alert.text


def test_people_who_mistype_at_home_or_get_in_afterwards_are_no_spraying() -> None:
    rules = watch(spraying=SprayingRule(accounts=3, minutes=10))
    assert told(rules, [came(name) for name in "abcdef"]) == []
    assert told(rules, [wrong(name, at=NOON + SECOND) for name in "abcdef"]) == []
    for number, name in enumerate("uvwxyz"):
        at = NOON + number * SECOND
        assert told(rules, [wrong(name, OTHER, at), came(name, OTHER, at + 1)]) == []


# One account in several networks


def settled(days: int, *network_names: str) -> list[Record]:
    """Anna watches a minute at noon on some days before, from each of these networks."""
    records: list[Record] = []
    for day in range(days, 0, -1):
        for number, name in enumerate(network_names):
            begun = came(network=name, at=NOON - day * DAY_MS + number * HOUR_MS)
            records += [begun, left(begun, begun.at + MINUTE_MS)]
    return records


def test_a_strange_network_at_once_with_a_known_one_is_told_when_it_lasts() -> None:
    rules = watch(networks=NetworkRule(seconds=60, days=3))
    told(rules, settled(3, "192.0.2.0/24"))
    begun = [came(), came(network=OTHER, at=NOON + SECOND)]
    assert told(rules, begun, "networks") == []
    assert rules.advance(NOON + 60 * SECOND) == []
    (alert,) = rules.advance(NOON + 61 * SECOND)
    assert (alert.rule, alert.subject, alert.at) == ("networks", "anna", NOON + 61 * SECOND)
    assert alert.records == [opening.id for opening in begun]


def test_a_telephone_that_changes_its_network_is_not_told() -> None:
    rules = watch(networks=NetworkRule(seconds=60, days=3))
    told(rules, settled(3, "192.0.2.0/24"))
    first = came()
    assert told(rules, [first, came(network=OTHER, at=NOON + SECOND)], "networks") == []
    assert told(rules, [left(first, NOON + 50 * SECOND)], "networks") == []
    assert rules.advance(NOON + HOUR_MS) == []


def test_known_networks_at_once_are_not_told() -> None:
    rules = watch(networks=NetworkRule(seconds=60, days=3))
    told(rules, settled(3, "192.0.2.0/24", OTHER))
    assert told(rules, [came(), came(network=OTHER)], "networks") == []
    assert rules.advance(NOON + HOUR_MS) == []


def test_an_account_without_a_history_takes_two_networks_more() -> None:
    rules = watch(networks=NetworkRule(seconds=60, days=3))
    told(rules, [came(), came(network=OTHER), came(network="10.0.0.0/24")])
    assert rules.advance(NOON + MINUTE_MS) == []
    told(rules, [came(network="203.0.113.0/24", at=NOON + 2 * MINUTE_MS)])
    (alert,) = rules.advance(NOON + 3 * MINUTE_MS)
    assert alert.rule == "networks"


# Share links


def test_a_link_that_was_passed_on_is_told_by_its_networks() -> None:
    rules = watch(shared_link=SharedLinkRule(networks=3, minutes=10))
    used = [came("share:f00", f"10.0.{number}.0/24", NOON + number) for number in range(3)]
    assert told(rules, used[:2]) == []
    (alert,) = told(rules, used[2:])
    assert (alert.rule, alert.subject, alert.path) == ("shared_link", "share:f00", "cam")
    assert alert.records == [opening.id for opening in used]


@pytest.mark.parametrize(
    "used",
    [
        [came("share:f00", at=NOON + number) for number in range(30)],
        [came(f"share:{number}", f"10.0.{number}.0/24") for number in range(30)],
        [came("share:f00", f"10.0.{number}.0/24", NOON + number * 6 * MINUTE_MS) for number in range(30)],
        [came(None, f"10.0.{number}.0/24") for number in range(20)],
    ],
    ids=["one network", "many links", "slowly", "no link"],
)
def test_other_uses_of_links_are_not_told(used: list[Record]) -> None:
    rules = watch(shared_link=SharedLinkRule(networks=3, minutes=10))
    assert told(rules, used, "shared_link") == []


# Hours and amounts


def days_at(hour: int, days: int, *, bytes_: int = 1000, sessions: int = 1) -> list[Record]:
    """Anna watches for ten minutes at an hour of each of some days before."""
    records: list[Record] = []
    for day in range(days, 0, -1):
        for number in range(sessions):
            begun = came(at=NOON - day * DAY_MS + (hour - 12) * HOUR_MS + number * MINUTE_MS)
            records += [begun, left(begun, begun.at + 10 * MINUTE_MS, bytes_=bytes_)]
    return sorted(records, key=lambda record: record.at)


def test_an_hour_is_unusual_when_it_is_more_than_one_away_from_all_others() -> None:
    for hour, count in ((9, 0), (10, 0), (11, 1), (7, 0), (6, 1)):
        rules = watch(hour=HourRule(days=5))
        assert told(rules, days_at(8, 5) + days_at(9, 5)) == []
        now = came(at=NOON + (hour - 12) * HOUR_MS)
        alerts = told(rules, [now])
        assert [(alert.rule, alert.records) for alert in alerts] == [("hour", [now.id])] * count, hour


def test_without_enough_days_no_hour_is_unusual() -> None:
    assert told(watch(hour=HourRule(days=5)), [*days_at(8, 4), came()]) == []
    (alert,) = told(watch(hour=HourRule(days=4)), [*days_at(8, 4), came()])
    assert "4 days before" in alert.text


def test_what_is_older_than_four_weeks_counts_no_more() -> None:
    rules = watch(hour=HourRule(days=3))
    old = [came(at=NOON - 40 * DAY_MS + HOUR_MS * 10)]
    assert told(rules, [*old, *days_at(8, 20)]) == []
    assert [alert.rule for alert in told(rules, [came(at=NOON + HOUR_MS * 10)])] == ["hour"]


def test_an_account_that_watches_at_most_hours_has_none_that_are_unusual() -> None:
    for hours, count in (([0, 3, 6, 9, 12], 1), ([0, 3, 6, 9, 12, 15], 0)):
        rules = watch(hour=HourRule(days=4))
        before = [record for hour in hours for record in days_at(hour, 4)]
        told(rules, sorted(before, key=lambda record: record.at), "hour")
        assert len(told(rules, [came(at=NOON + 7 * HOUR_MS)], "hour")) == count


def test_a_recorder_that_reads_all_day_may_connect_at_any_hour() -> None:
    rules = watch(hour=HourRule(days=5))
    begun = came(at=NOON - 10 * DAY_MS)
    now = came(at=NOON + 15 * HOUR_MS)
    assert told(rules, [begun, left(begun, now.at - SECOND, bytes_=10**12), now]) == []


@pytest.mark.parametrize(("megabytes", "count"), [(299, 0), (301, 1)])
def test_far_more_bytes_than_on_any_day_before_are_told(megabytes: int, count: int) -> None:
    rules = watch(amount=AmountRule(days=5, factor=3.0, megabytes=50))
    assert told(rules, days_at(12, 5, bytes_=100_000_000)) == []
    begun = came()
    alerts = told(rules, [begun, left(begun, NOON + MINUTE_MS, bytes_=megabytes * 1_000_000)])
    assert [alert.rule for alert in alerts] == ["amount"] * count


def test_what_a_long_session_has_taken_is_spread_over_its_days() -> None:
    rules = watch(amount=AmountRule(days=5, factor=3.0, megabytes=50))
    begun = came(at=NOON - 10 * DAY_MS)
    assert told(rules, [begun, left(begun, NOON, bytes_=11 * 100_000_000)]) == []
    again = came(at=NOON + SECOND)
    assert told(rules, [again, left(again, NOON + MINUTE_MS, bytes_=190_000_000)]) == []


@pytest.mark.parametrize(("sessions", "count"), [(12, 0), (13, 1)])
def test_far_more_sessions_than_on_any_day_before_are_told(sessions: int, count: int) -> None:
    rules = watch(amount=AmountRule(days=5, factor=3.0, sessions=10))
    assert told(rules, days_at(12, 5, sessions=4)) == []
    alerts = told(rules, [came(at=NOON + number) for number in range(sessions)])
    assert [alert.rule for alert in alerts] == ["amount"] * count


# Viewers


def test_a_jump_is_many_more_viewers_within_minutes() -> None:
    rules = watch(viewers=ViewerRule(viewers=10, factor=3.0, minutes=5))
    before = [came(None, at=NOON + number * HOUR_MS // 5) for number in range(5)]
    assert told(rules, before) == []
    crowd = [came(None, at=NOON + 2 * HOUR_MS + number * SECOND) for number in range(10)]
    assert told(rules, crowd[:9]) == []
    (alert,) = told(rules, crowd[9:])
    assert (alert.rule, alert.subject) == ("viewers", "cam")
    assert "15 viewers; 5 minutes ago it had 5" in alert.text
    assert alert.records[-1] == crowd[-1].id


def test_viewers_that_come_slowly_or_as_many_as_before_are_no_jump() -> None:
    rules = watch(viewers=ViewerRule(viewers=10, factor=3.0, minutes=5))
    crowd: list[Opening] = [came(None, at=NOON + number * MINUTE_MS) for number in range(30)]
    assert told(rules, crowd) == []
    later = NOON + HOUR_MS
    assert told(rules, [left(begun, later) for begun in crowd]) == []
    back = [came(None, at=later + 10 * MINUTE_MS + number) for number in range(38)]
    assert told(rules, back[:37]) == []
    assert [alert.rule for alert in told(rules, back[37:])] == ["viewers"]


def test_viewers_who_leave_are_counted_off() -> None:
    rules = watch(viewers=ViewerRule(viewers=3, factor=2.0, minutes=5))
    for number in range(50):
        begun = came(None, at=NOON + number * SECOND)
        assert told(rules, [begun, left(begun, begun.at + 500)]) == []


# Readers that are too slow


def test_a_reader_is_told_of_after_some_times_in_one_session_or_in_several() -> None:
    rules = watch(shed=ShedRule(times=3, minutes=10))
    samples = [
        Shed(NOON + step * SECOND, "r", "anna", "cam", packets) for step, packets in enumerate((5, 5, 9))
    ]
    assert told(rules, samples) == []
    begun = came()
    assert told(rules, [left(begun, NOON + MINUTE_MS)]) == []
    (alert,) = told(rules, [left(begun, NOON + MINUTE_MS, discarded=7)])
    assert (alert.rule, alert.subject, alert.path) == ("shed", "anna", "cam")
    assert alert.records == ["r", begun.id]


def test_a_session_that_was_sampled_does_not_count_again_at_its_end() -> None:
    rules = watch(shed=ShedRule(times=2, minutes=10))
    begun = came()
    sample = Shed(NOON + SECOND, begun.id, "anna", "cam", 5)
    assert told(rules, [begun, sample, left(begun, NOON + MINUTE_MS, discarded=5)]) == []


def test_a_reader_that_is_slow_now_and_then_is_not_told_of() -> None:
    rules = watch(shed=ShedRule(times=3, minutes=10))
    ended = [left(came(at=NOON + n * 6 * MINUTE_MS), NOON + n * 6 * MINUTE_MS, discarded=9) for n in range(9)]
    assert told(rules, ended) == []


# Cameras


def picture(second: int, shade: int, change: int = 0) -> CameraPicture:
    luma = bytes([shade] * 575 + [shade + change])
    return CameraPicture(NOON + second * SECOND, "cam", luma, float(shade))


def test_a_picture_that_never_changes_is_told_and_its_end_is_too() -> None:
    rules = watch(camera_frozen=FrozenRule(seconds=10))
    assert told(rules, [picture(second, 100, second % 2) for second in range(90)]) == []
    rules = watch(camera_frozen=FrozenRule(seconds=10))
    assert told(rules, [picture(second, 100) for second in range(10)]) == []
    (alert,) = told(rules, [picture(10, 100)])
    assert (alert.rule, alert.subject, alert.over) == ("camera_frozen", "cam", False)
    assert told(rules, [picture(11, 100)]) == []
    (alert,) = told(rules, [picture(12, 100, 1)])
    assert (alert.over, alert.severity) == (True, "info")


def test_a_picture_that_changes_slowly_is_not_frozen() -> None:
    rules = watch(camera_frozen=FrozenRule(seconds=10))
    assert told(rules, [picture(second, 60 + second // 4) for second in range(100)]) == []


def test_a_camera_that_was_away_begins_anew() -> None:
    rules = watch(camera_frozen=FrozenRule(seconds=10), camera_lost=LostRule(enabled=False))
    gone = Gone(NOON + 6 * SECOND, "cam", "unplugged")
    assert told(rules, [picture(0, 100), picture(5, 100), gone, picture(11, 100)]) == []


def test_a_camera_that_suddenly_goes_dark_is_told_and_its_end_is_too() -> None:
    rules = watch(camera_dark=DarkRule(seconds=5, level=16), camera_frozen=FrozenRule(enabled=False))
    assert told(rules, [picture(0, 32), *(picture(second, 15) for second in range(1, 6))]) == []
    (alert,) = told(rules, [picture(6, 15)])
    assert (alert.rule, alert.over) == ("camera_dark", False)
    assert told(rules, [picture(7, 20)]) == []
    (alert,) = told(rules, [picture(8, 40)])
    assert alert.over


def test_an_evening_and_a_camera_that_begins_in_the_dark_are_not_told() -> None:
    rules = watch(camera_dark=DarkRule(seconds=5, level=16), camera_frozen=FrozenRule(enabled=False))
    dusk = [picture(0, 32), *(picture(60 * minute, 32 - minute) for minute in range(1, 30))]
    assert told(rules, dusk) == []
    rules = watch(camera_dark=DarkRule(seconds=5, level=16), camera_frozen=FrozenRule(enabled=False))
    assert told(rules, [picture(second, 3) for second in range(60)]) == []


def test_a_camera_that_is_gone_for_some_seconds_is_told() -> None:
    rules = watch(camera_lost=LostRule(seconds=10))
    assert told(rules, [Gone(NOON, "cam", "It was unplugged.")]) == []
    assert rules.advance(NOON + 9 * SECOND) == []
    (alert,) = rules.advance(NOON + 20 * SECOND)
    assert (alert.rule, alert.at, alert.severity) == ("camera_lost", NOON + 10 * SECOND, "critical")
    assert alert.text == "The camera at cam is gone: It was unplugged."
    (alert,) = told(rules, [There(NOON + 30 * SECOND, "cam")])
    assert alert.over


@pytest.mark.parametrize("back", [There(NOON + SECOND, "cam"), Removed(NOON + SECOND, "cam")])
def test_a_camera_that_is_soon_back_or_is_removed_is_not_told(back: There | Removed) -> None:
    rules = watch(camera_lost=LostRule(seconds=10))
    assert told(rules, [Gone(NOON, "cam", "x"), back]) == []
    assert rules.advance(NOON + HOUR_MS) == []


# All of them


def test_the_same_of_one_subject_is_counted_until_its_time_is_over() -> None:
    rules = watch(shared_link=SharedLinkRule(networks=2, minutes=60, repeat_minutes=30))
    other = came("share:f00", "10.0.1.0/24")
    (alert,) = told(rules, [came("share:f00"), other])
    again = [came("share:f00", at=NOON + minute * MINUTE_MS) for minute in range(1, 31)]
    assert told(rules, again[:-1]) == []
    assert alert.repeats == 29
    assert [alert.repeats for alert in told(rules, again[-1:])] == [0]
    assert len(told(rules, [came("share:bar"), came("share:bar", "10.0.1.0/24")])) == 1


def test_a_camera_that_comes_and_goes_is_told_of_once() -> None:
    rules = watch(camera_lost=LostRule(seconds=1, repeat_minutes=60))
    alerts = []
    for minute in range(60):
        at = NOON + minute * MINUTE_MS
        alerts += told(rules, [Gone(at, "cam", "x"), There(at + 30 * SECOND, "cam")])
    assert [alert.over for alert in alerts] == [False, True]


def test_one_rule_tells_no_more_than_so_many_in_an_hour() -> None:
    rules = watch(shared_link=SharedLinkRule(networks=2))
    crowd = [came(f"share:{number}", name) for number in range(200) for name in ("a/24", "b/24")]
    assert len(told(rules, crowd, "shared_link")) == limits.MOST_OF_A_RULE
    assert rules.limit.left_out["shared_link"] == 200 - limits.MOST_OF_A_RULE
    later = [came("share:z", name, NOON + HOUR_MS) for name in ("a/24", "b/24")]
    assert len(told(rules, later, "shared_link")) == 1


def test_what_is_turned_off_is_not_looked_for() -> None:
    used = [came("share:f00", f"10.0.{number}.0/24") for number in range(10)]
    assert [alert.rule for alert in told(watch(), used)] == ["shared_link"]
    assert told(watch(shared_link=SharedLinkRule(enabled=False)), used) == []
    assert told(watch(enabled=False), used) == []


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger may send any names and addresses: the tables are of their size then, and no larger."""
    monkeypatch.setattr(spraying, "MOST_NETWORKS", 50)
    monkeypatch.setattr(spraying, "MOST_HOMES", 50)
    monkeypatch.setattr(networks, "MOST_ACCOUNTS", 50)
    monkeypatch.setattr(networks, "MOST_LOOKS", 50)
    monkeypatch.setattr(habits, "MOST_ACCOUNTS", 50)
    monkeypatch.setattr(viewers, "MOST_PATHS", 50)
    monkeypatch.setattr(viewers, "MOST_OPEN", 50)
    monkeypatch.setattr(shed, "MOST_READERS", 50)
    monkeypatch.setattr(lost, "MOST_PATHS", 50)
    monkeypatch.setattr(limits, "MOST_SUBJECTS", 50)
    chance = random.Random(5)
    rules = watch()
    for number in range(3000):
        at = NOON + number * 20
        name, network = f"u{chance.randrange(900)}", f"10.{chance.randrange(9)}.{chance.randrange(99)}.0/24"
        begun = came(name, network, at, f"p{chance.randrange(900)}")
        told(rules, [begun, wrong(f"v{number}", network, at), wrong(None, network, at), Gone(at, name, "x")])
        if number % 3 == 0:
            told(rules, [left(begun, at, discarded=9)])
    assert sizes(rules) == 50


def sizes(part: object, seen: set[int] | None = None) -> int:
    """The entries of the largest table, queue or dictionary that can be reached from an object."""
    seen = set() if seen is None else seen
    if id(part) in seen or isinstance(part, str | bytes | int | float | type | None):
        return 0
    seen.add(id(part))
    inner: list[object] = []
    size = 0
    if isinstance(part, Table):
        size = len(part)
        inner = list(part._values.values())
    elif isinstance(part, dict):
        size, inner = len(part), list(part.values())
    elif isinstance(part, list | tuple | set) or type(part).__name__ == "deque":
        size, inner = len(part), list(part)  # type: ignore[arg-type,call-overload]
    elif type(part).__module__.startswith("relaycore.alerts"):
        names = getattr(part, "__slots__", None) or vars(part)
        inner = [getattr(part, name) for name in names]
    return max([size, *(sizes(item, seen) for item in inner)])


def test_an_alert_names_its_newest_records_only() -> None:
    rules = watch(spraying=SprayingRule(accounts=100))
    refusals = [wrong(f"u{number}") for number in range(100)]
    (alert,) = told(rules, refusals)
    assert alert.records == [refusal.id for refusal in refusals[-MOST_RECORDS:]]
