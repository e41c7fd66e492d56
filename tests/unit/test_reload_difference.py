"""What differs between two configurations, and what each difference does."""

from typing import Any

import msgspec
import pytest

from relaycore.access.users import UserStore
from relaycore.reload.difference import RESTART_SETTINGS, Changes, Effect, difference
from relaycore.settings import (
    AccessSettings,
    AlertSettings,
    CameraSettings,
    Config,
    IceServer,
    JourneySettings,
    LedgerSettings,
    MaskSettings,
    OnvifSettings,
    PathSettings,
    TlsSettings,
    User,
)

ANNA = User(name="anna", password="x")
BO = User(name="bo", password="y")
LIVE, ENDS, RESTART = Effect.LIVE, Effect.ENDS_SESSIONS, Effect.RESTART


def told(changes: Changes) -> list[tuple[str, str, Effect]]:
    return [(change.setting, change.kind, change.effect) for change in changes]


def test_nothing_differs_from_itself() -> None:
    config = Config(users=[ANNA], cameras={"cam": CameraSettings()}, paths={"a": PathSettings(source="x")})
    same = msgspec.convert(msgspec.to_builtins(config), Config)
    assert not difference(config, same)
    assert not difference(msgspec.structs.replace(config, users=[]), same, UserStore([ANNA]))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (Config(port=1), Config(port=2), [("port", "changed", RESTART)]),
        (
            Config(),
            Config(anonymous=True, basic=True),
            [("anonymous", "changed", LIVE), ("basic", "changed", LIVE)],
        ),
        (Config(), Config(publish="configured"), [("publish", "changed", LIVE)]),
        (
            Config(limits={"tracks": 1, "connections": 2}),
            Config(limits={"tracks": 2, "ring_bytes": 65536}),
            [
                ("limits.tracks", "changed", RESTART),
                ("limits.connections", "removed", RESTART),
                ("limits.ring_bytes", "added", RESTART),
            ],
        ),
        (
            Config(users=[ANNA, BO]),
            Config(users=[msgspec.structs.replace(ANNA, password="z"), User(name="cy", password="c")]),
            [
                ("users.bo", "removed", ENDS),
                ("users.anna.password", "changed", ENDS),
                ("users.cy", "added", LIVE),
            ],
        ),
        (
            Config(users=[ANNA]),
            Config(users=[msgspec.structs.replace(ANNA, role="viewer")]),
            [("users.anna", "changed", ENDS)],
        ),
        (
            Config(users=[ANNA]),
            Config(users=[msgspec.structs.replace(ANNA, role="administrator")]),
            [("users.anna", "changed", LIVE)],
        ),
        (
            Config(cameras={"a": CameraSettings(), "b": CameraSettings(), "c": CameraSettings()}),
            Config(
                cameras={
                    "a": CameraSettings(
                        fps=5, pixel_range="limited", masks=[MaskSettings(rectangle=[0, 0, 1, 1])]
                    ),
                    "b": CameraSettings(),
                    "d": CameraSettings(),
                }
            ),
            [
                ("cameras.a.fps", "changed", ENDS),
                ("cameras.a.range", "changed", ENDS),
                ("cameras.a.masks", "changed", LIVE),
                ("cameras.c", "removed", ENDS),
                ("cameras.d", "added", LIVE),
            ],
        ),
        (
            Config(paths={"a": PathSettings(source="x"), "b": PathSettings(source="x"), "c": PathSettings()}),
            Config(paths={"a": PathSettings(source="y"), "d": PathSettings(source="z"), "e": PathSettings()}),
            [
                ("paths.a.source", "changed", ENDS),
                ("paths.b.source", "removed", ENDS),
                ("paths.c", "removed", LIVE),
                ("paths.d.source", "added", LIVE),
                ("paths.e", "added", LIVE),
            ],
        ),
        (
            Config(paths={"a": PathSettings()}),
            Config(paths={"a": PathSettings(read=["anna"], takeover=True, forward=["rtmp://x/y"])}),
            [
                ("paths.a.read", "changed", LIVE),
                ("paths.a.takeover", "changed", LIVE),
                ("paths.a.forward", "changed", LIVE),
            ],
        ),
        (
            Config(path_defaults=PathSettings(join="wait")),
            Config(path_defaults=PathSettings(join="raw", takeover=True)),
            [("path_defaults.takeover", "changed", LIVE), ("path_defaults.join", "changed", LIVE)],
        ),
    ],
)
def test_each_difference_is_named_with_its_effect(
    old: Config, new: Config, expected: list[tuple[str, str, Effect]]
) -> None:
    assert told(difference(old, new)) == expected


def test_a_change_of_the_rendition_ends_its_own_sessions_only() -> None:
    old = Config(paths={"a": PathSettings(transcode="h264", bitrate="1M")})
    changes = difference(old, Config(paths={"a": PathSettings(transcode="h264", bitrate="2M")}))
    assert changes.ending("a", None) is None
    assert str(changes.ending("a/h264", None)) == "paths.a.bitrate changed"
    off = difference(Config(paths={"a": PathSettings()}), old)
    assert off.ending("a/h264", None) is None


def test_sessions_end_by_their_path_or_by_their_user() -> None:
    changes = difference(
        Config(users=[ANNA], cameras={"cam": CameraSettings(), "yard": CameraSettings()}),
        Config(cameras={"cam": CameraSettings(fps=5), "yard": CameraSettings(), "new": CameraSettings()}),
    )
    assert str(changes.ending("cam", None)) == "cameras.cam.fps changed"
    assert str(changes.ending("yard", "anna")) == "users.anna removed"
    assert changes.ending("yard", "bo") is None
    assert changes.ending("new", None) is None


def test_a_path_that_leaves_the_configuration_becomes_as_any_other() -> None:
    defaults = PathSettings(takeover=True)
    old = Config(paths={"a": PathSettings(takeover=True)}, path_defaults=defaults)
    assert told(difference(old, Config(path_defaults=defaults))) == [("paths.a", "removed", LIVE)]
    assert told(difference(old, Config())) == [
        ("paths.a.takeover", "removed", LIVE),
        ("path_defaults.takeover", "changed", LIVE),
    ]


def test_every_setting_of_a_relay_has_its_place() -> None:
    """A new one is found to differ, and is applied at once unless it is named among the others."""
    other: dict[str, Any] = {
        "host": "::1",
        "port": 1,
        "publish": "configured",
        "state_folder": "elsewhere",
        "language": "fr",
        "embed_origins": ["https://example.org"],
        "ice_servers": [IceServer(url="stun:example.org")],
        "journeys": JourneySettings(enabled=False),
        "onvif": OnvifSettings(enabled=False),
        "ledger": LedgerSettings(enabled=True),
        "shards": 3,
        "users": [ANNA],
        "access": AccessSettings(time_zone="Asia/Tokyo"),
        "cameras": {"a": CameraSettings()},
        "paths": {"a": PathSettings()},
        "path_defaults": PathSettings(join="raw"),
        "limits": {"tracks": 3},
        "tls": TlsSettings(enabled=True),
        "alerts": AlertSettings(enabled=False),
    }
    for field in msgspec.structs.fields(Config):
        value = not field.default if isinstance(field.default, bool) else other[field.name]
        (change,) = difference(Config(), msgspec.structs.replace(Config(), **{field.name: value}))
        assert change.setting.split(".")[0] == field.name
        assert (change.effect is RESTART) == (field.name in RESTART_SETTINGS)


def test_a_removed_user_is_found_also_where_the_relay_keeps_no_passwords() -> None:
    changes = difference(Config(), Config(users=[BO]), UserStore([ANNA]))
    assert told(changes) == [("users.anna", "removed", ENDS), ("users.bo", "added", LIVE)]
