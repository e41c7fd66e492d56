"""What the settings of paths say of who may do what."""

import pytest

from relaycore.access.rules import PathRules, Rule
from relaycore.settings import CameraSettings, Config, PathSettings

EVERYBODY = Rule(None)

CONFIG = Config(
    cameras={"cam": CameraSettings()},
    paths={
        "cam": PathSettings(read=["anna"]),
        "closed": PathSettings(read=False, publish=False),
        "pulled": PathSettings(source="rtsp://camera/1"),
        "private": PathSettings(read=["anna"], publish=["bo"], transcode="auto"),
        "private/h264/deeper": PathSettings(),
        "pulled/opus": PathSettings(),
    },
)


@pytest.mark.parametrize(
    ("path", "read", "publish"),
    [
        ("any", EVERYBODY, EVERYBODY),
        ("any/h264", EVERYBODY, EVERYBODY),
        ("cam", Rule(["anna"], "This user may not"), Rule((), "A camera is served at this path")),
        ("closed", Rule((), "Nobody may read this path"), Rule((), "Nobody may publish to this path")),
        ("pulled", EVERYBODY, Rule((), "This path has a source of its own")),
        ("private", Rule(["anna"], "This user may not"), Rule(["bo"], "This user may not")),
        ("private/h264", Rule(["anna"], "This user may not"), Rule((), "This path is made of private")),
        ("private/h264/deeper", EVERYBODY, EVERYBODY),
        ("private/opus", Rule(["anna"], "This user may not"), Rule((), "This path is made of private")),
        ("cam/aac", Rule(["anna"], "This user may not"), Rule((), "This path is made of cam")),
        ("closed/opus", Rule((), "Nobody may read this path"), Rule((), "This path is made of closed")),
        ("pulled/opus", EVERYBODY, EVERYBODY),
    ],
)
def test_each_path_has_its_rules(path: str, read: Rule, publish: Rule) -> None:
    rules = PathRules.of(CONFIG)
    assert rules.rule("read", path) == read
    assert rules.rule("publish", path) == publish


def test_publishing_may_be_for_the_paths_of_the_configuration_only() -> None:
    rules = PathRules.of(Config(publish="configured", paths={"drone": PathSettings()}))
    assert rules.rule("publish", "drone") == EVERYBODY
    assert rules.rule("publish", "any") == Rule((), "Only the paths of the configuration may be published to")
    assert rules.rule("read", "any") == EVERYBODY


def test_defaults_hold_for_all_other_paths() -> None:
    defaults = PathSettings(publish=["bo"], transcode="h264", read=[])
    rules = PathRules.of(Config(path_defaults=defaults, paths={"open": PathSettings()}))
    assert rules.rule("publish", "any") == Rule(["bo"], "This user may not")
    assert rules.rule("publish", "any/h264") == Rule((), "This path is made of any")
    assert rules.rule("read", "any/h264") == Rule([], "Nobody may read this path")
    assert rules.rule("read", "open/h264") == Rule([], "Nobody may read this path")
    assert rules.rule("read", "open") == EVERYBODY
