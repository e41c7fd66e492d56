"""Profiles of the load test: the plans they make, which the load generator takes, and whom they may load."""

import re
import socket
from typing import Any

import msgspec
import pytest

from relaycore._relaycore import LoadRun
from relaycore.bench.hosts import check_hosts, hosts_of
from relaycore.bench.plan import Group, Plan, Source, encode, shareable
from relaycore.bench.profiles import PROFILES, make_plan
from relaycore.bench.wishes import Wishes, parse_cpus
from relaycore.errors import ConfigurationError

URL = "rtsp://127.0.0.1:8554/cam"


def plan_of(name: str = "steady", **wishes: Any) -> Plan:
    return make_plan(name, Wishes(**{"url": URL, "user": "anna", **wishes}), "hunter2")


def group_of(plan: Plan, name: str) -> Group:
    (group,) = [group for group in plan.groups if group.name == name]
    return group


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("source", [{}, {"publish": "rtsp://127.0.0.1:8554/in{n}"}, {"no_publish": True}])
def test_the_load_generator_takes_the_plan_of_every_profile(name: str, source: dict[str, Any]) -> None:
    if PROFILES[name].restart_every_s is not None and "no_publish" in source:
        with pytest.raises(ConfigurationError):
            plan_of(name, **source)
        return
    many = PROFILES[name].many_streams
    if not many and "publish" in source:
        source = {"publish": "rtsp://127.0.0.1:8554/in"}
    plan = plan_of(name, url=f"{URL}{'{n}' if many else ''}", readers=7, cpus="0-1", **source)
    run = LoadRun(encode(plan))
    total_ms = msgspec.json.decode(run.snapshot())["total_ms"]
    assert total_ms == plan.total_ms == plan.warm_up_ms + 20_000


def test_what_is_not_asked_for_follows_from_the_profile() -> None:
    plan = plan_of()
    assert (plan.readers, plan.warm_up_ms, plan.duration_ms) == (100, 6000, 20_000)
    (source,) = plan.sources
    assert (source.url, source.bitrate, source.fps, source.gop_ms) == (URL, 4_000_000, 30.0, 2000)
    assert plan_of("many-streams").sources[0].bitrate == 1_000_000


def test_the_warm_up_is_as_long_as_readers_take_to_come() -> None:
    # They begin after a group of pictures and half a second, are all there 5 s later, and settle for 3 s.
    assert plan_of(readers=1000, ramp=200.0).warm_up_ms == 11_000
    assert plan_of(readers=1000, ramp=200.0, warm_up=2.0).warm_up_ms == 2000
    assert plan_of("churn", readers=1000).warm_up_ms == 11_000


def test_bad_readers_come_beside_the_good_ones() -> None:
    for name in ("stalled", "slow", "impaired", "wrong-passwords"):
        plan = plan_of(name, readers=100)
        assert [group.count for group in plan.groups] == [100, 20], name
        assert [group.is_good for group in plan.groups] == [True, False], name
    assert group_of(plan_of("slow", bitrate="3M"), "slow").read_rate == 1_500_000
    assert group_of(plan_of("stalled", readers=1), "stalled").count == 1


def test_a_storm_comes_when_measuring_begins() -> None:
    plan = plan_of("join-storm", readers=50)
    storm = group_of(plan, "storm")
    assert (storm.count, storm.start_ms, storm.ramp_per_second) == (45, plan.warm_up_ms, None)
    assert group_of(plan_of("join-storm", ramp=20.0), "storm").ramp_per_second == 20.0


def test_many_streams_are_read_once_each() -> None:
    plan = plan_of("many-streams", readers=12)
    assert (plan.sources[0].count, plan.groups[0].paths, plan.groups[0].count) == (12, 12, 12)
    assert plan.sources[0].url == plan.groups[0].url == f"{URL}{{n}}"


def test_plain_rtp_has_no_user() -> None:
    (source,) = plan_of(source_rtp="udp://127.0.0.1:5004").sources
    assert (source.kind, source.url) == ("rtp_udp", "udp://127.0.0.1:5004")
    assert (source.user, source.password) == (None, None)


def test_a_url_without_a_path_gets_one_where_it_is_published_to() -> None:
    plan = plan_of(url="rtsp://localhost:8554/")
    assert plan.sources[0].url == plan.groups[0].url == "rtsp://localhost:8554/bench"
    assert plan_of(url="rtsp://localhost:8554/", no_publish=True).groups[0].url == "rtsp://localhost:8554/"


@pytest.mark.parametrize(
    ("name", "wishes", "sentence"),
    [
        ("steady", {"url": "http://127.0.0.1/cam"}, "URL: 'http://127.0.0.1/cam' is not right"),
        ("steady", {"url": "rtsp://"}, "URL: 'rtsp://' is not a URL"),
        ("steady", {"url": "rtsp://bo:hunter3@127.0.0.1/cam"}, "URL: leave user and password out"),
        ("steady", {"publish": "rtsp://bo:hunter3@127.0.0.1/cam"}, "--publish: leave user and password out"),
        ("steady", {"url": "rtsp://127.0.0.1/cam{n}"}, "this profile has only one"),
        ("steady", {"publish": URL, "no_publish": True}, "exclude each other"),
        ("steady", {"source_rtp": "udp://127.0.0.1"}, "--source-rtp"),
        ("steady", {"source_rtp": "rtsp://127.0.0.1:5004"}, "--source-rtp"),
        ("many-streams", {"no_publish": True}, "there are 100 streams; put {n}"),
        ("publisher-restart", {"no_publish": True}, "there has to be one"),
        ("publisher-restart", {"source_rtp": "udp://127.0.0.1:5004"}, "there has to be one"),
        ("wrong-passwords", {"user": None}, "needs --user"),
    ],
)
def test_what_cannot_be_done_is_told(name: str, wishes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(sentence)) as caught:
        plan_of(name, **wishes)
    assert "hunter3" not in str(caught.value)


def test_processors_are_listed_by_number_and_range() -> None:
    assert parse_cpus("1") == [1]
    assert parse_cpus("3, 0-2,1") == [3, 0, 1, 2]
    assert plan_of(cpus="0,2").threads == 2
    for wrong in ("", "a", "2-1", "0,,1", "-1", "99999"):
        with pytest.raises(ConfigurationError):
            parse_cpus(wrong)


def test_a_password_is_sent_and_never_shown() -> None:
    plan = plan_of(url=f"{URL}?token=hunter4")
    assert encode(plan).count(b"hunter2") == 2
    for shown in (repr(plan), repr(shareable(plan)), encode(shareable(plan)).decode()):
        assert "hunter2" not in shown
    kept = shareable(plan)
    assert b"hunter4" not in encode(kept)
    assert (kept.sources[0].user, kept.groups[0].url) == ("anna", f"{URL}?token=***")


def resolve(monkeypatch: pytest.MonkeyPatch, **hosts: list[str]) -> None:
    def look_up(host: str, *_: object, **__: object) -> list[Any]:
        if host not in hosts:
            raise socket.gaierror("Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in hosts[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_only_this_machine_is_loaded_unless_the_server_is_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, here=["127.0.0.1", "::1"], there=["192.0.2.7"], both=["127.0.0.1", "2001:db8::1"])
    check_hosts(["here"], owned=False)
    for host in ("there", "both"):
        with pytest.raises(ConfigurationError, match=f"{host} .* is not this machine.*--i-own-this-server"):
            check_hosts(["here", host], owned=False)
        check_hosts(["here", host], owned=True)
    for owned in (False, True):
        with pytest.raises(ConfigurationError, match="'nowhere' is not known"):
            check_hosts(["nowhere"], owned=owned)


def test_every_host_of_a_plan_is_looked_at() -> None:
    plan = plan_of(url="rtsp://a/x", publish="rtsp://b:554/x")
    assert hosts_of(plan) == ["b", "a"]
    assert hosts_of(plan_of(url="rtsp://[::1]/x", source_rtp="udp://c:5004")) == ["c", "::1"]
    assert hosts_of(Plan(duration_ms=1)) == []


def test_the_fields_of_a_plan_are_those_of_the_load_generator() -> None:
    """What Python leaves out, or has besides, would otherwise be found only when it is used."""
    source = Source(kind="publish", url=URL, bitrate=1000)
    group = Group(name="a", url=URL, count=1)
    LoadRun(encode(Plan(duration_ms=1, sources=[source], groups=[group])))
    with pytest.raises(ValueError, match="unknown field `colour`"):
        LoadRun(b'{"duration_ms": 1, "colour": 1}')
