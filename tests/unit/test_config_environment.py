"""Settings in environment variables: what they mean, that they win over the file, and their mistakes."""

from pathlib import Path

import pytest

from relaycore.control.config import load_config, read_config
from relaycore.errors import ConfigurationError
from relaycore.settings import CameraSettings, Config, MulticastSettings, PathSettings, User

FILE = """
port = 9000
[limits]
connections = 5
[[users]]
name = "Anna-Maria"
password = "x"
[cameras."house/door"]
size = "640x480"
[paths.drone]
takeover = true
"""


def config_of(variables: dict[str, str], text: str = "") -> Config:
    return read_config(text, "r.toml", variables)


def mistakes_of(variables: dict[str, str], text: str = "") -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        config_of(variables, text)
    return caught.value.mistakes


def test_variables_win_over_the_file() -> None:
    config = config_of(
        {
            "RELAYCORE_PORT": "554",
            "RELAYCORE_LOG_JSON": "true",
            "RELAYCORE_LIMITS__CONNECTIONS": "7",
            "RELAYCORE_LIMITS__TRACKS": "2",
            "RELAYCORE_USERS__ANNA_MARIA__PASSWORD": "y",
            "RELAYCORE_CAMERAS__HOUSE_DOOR__FPS": "12.5",
            "RELAYCORE_PATHS__DRONE__PUBLISH": "false",
            "RELAYCORE_PATH_DEFAULTS__JOIN": "wait",
            "HOME": "/home/anna",
        },
        FILE,
    )
    assert (config.port, config.log_json) == (554, True)
    assert config.limits == {"connections": 7, "tracks": 2}
    assert config.users == [User(name="Anna-Maria", password="y")]
    assert config.cameras == {"house/door": CameraSettings(size="640x480", fps=12.5)}
    assert config.paths == {"drone": PathSettings(takeover=True, publish=False, join="wait")}


def test_variables_make_what_the_file_does_not_have() -> None:
    config = config_of(
        {
            "RELAYCORE_USERS__BO__PASSWORD": "[12",
            "RELAYCORE_USERS__BO__ROLE": "viewer",
            "RELAYCORE_CAMERAS__CAM__CAMERA": "pattern",
            "RELAYCORE_PATHS__DOOR__SOURCE": "rtsp://camera/1",
            "RELAYCORE_PATHS__DOOR__READ": '["bo"]',
            "RELAYCORE_PATHS__GATE__SOURCE": '["rtsp://camera/2", "away.mp4"]',
            "RELAYCORE_PATHS__GATE__MULTICAST__GROUP": "239.255.0.1",
            "RELAYCORE_PATHS__YARD__MULTICAST": '{ group = "239.255.0.2" }',
            "RELAYCORE_PATHS__YARD__ON_READY": '[["notify", "{path}"]]',
        }
    )
    assert config.users == [User(name="bo", password="[12", role="viewer")]
    assert config.cameras == {"cam": CameraSettings(camera="pattern")}
    assert config.paths == {
        "door": PathSettings(source="rtsp://camera/1", read=["bo"]),
        "gate": PathSettings(
            source=["rtsp://camera/2", "away.mp4"], multicast=MulticastSettings(group="239.255.0.1")
        ),
        "yard": PathSettings(
            multicast=MulticastSettings(group="239.255.0.2"), on_ready=[["notify", "{path}"]]
        ),
    }


@pytest.mark.parametrize(
    ("text", "variables", "lan", "host"),
    [
        ("lan = true", {"RELAYCORE_HOST": "::1"}, False, "::1"),
        ('host = "10.0.0.1"', {"RELAYCORE_LAN": "true"}, True, "127.0.0.1"),
        ('host = "10.0.0.1"', {"RELAYCORE_LAN": "false"}, False, "10.0.0.1"),
        ('host = "10.0.0.1"', {"RELAYCORE_HOST": "::1", "RELAYCORE_LAN": "false"}, False, "::1"),
    ],
)
def test_an_address_of_the_environment_takes_the_place_of_the_lan_and_back(
    text: str, variables: dict[str, str], lan: bool, host: str
) -> None:
    config = config_of(variables, text)
    assert (config.lan, config.host) == (lan, host)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "RELAYCORE_PORT",
            "many",
            '"many" is not right; it should be a port from 1 to 65535, or 0 for any free one, '
            "like RELAYCORE_PORT=8554.",
        ),
        ("RELAYCORE_LAN", "on", '"on" is not right; it should be true or false, like RELAYCORE_LAN=true.'),
        (
            "RELAYCORE_CAMERAS__A__SIZE",
            "big",
            '"big" is not right; it should be a size in pixels, WIDTHxHEIGHT, '
            "like RELAYCORE_CAMERAS__A__SIZE=1280x720.",
        ),
        (
            "RELAYCORE_PATHS__A__READ",
            "anna",
            '"anna" is not right; it should be true, false or a list of users, '
            'like RELAYCORE_PATHS__A__READ=["anna"].',
        ),
        (
            "RELAYCORE_PATHS__A__FORWARD",
            '["ftp://a:b@c"]',
            '"ftp://***@c" is not right; it should be a URL to publish to (rtsp, rtsps, rtmp, rtmps, srt, '
            "udp, rtp), like rtmp://server/app/key.",
        ),
        (
            "RELAYCORE_LIMITS__CONNECTIONS",
            "0",
            "0 is not right; it should be 1 to 1000000 connections.",
        ),
        ("RELAYCORE_LIMITS__CONECTIONS", "1", "there is no such limit; did you mean connections?"),
        ("RELAYCORE_PROT", "1", "there is no such setting; did you mean RELAYCORE_PORT?"),
        (
            "RELAYCORE_CAMERAS__A__SICE",
            "1",
            "there is no such setting; did you mean RELAYCORE_CAMERAS__A__SIZE?",
        ),
        (
            "RELAYCORE_USERS__BO__ZZ",
            "1",
            "there is no such setting; known are RELAYCORE_USERS__BO__NAME, RELAYCORE_USERS__BO__PASSWORD, "
            "RELAYCORE_USERS__BO__ROLE.",
        ),
        ("RELAYCORE_PORT__X", "1", "there is no such setting; nothing is inside of it."),
        ("RELAYCORE_", "1", "there is no such setting; known are RELAYCORE_HOST, "),
        (
            "RELAYCORE_USERS__BO",
            "hunter2",
            "it is a table; known are RELAYCORE_USERS__BO__NAME, RELAYCORE_USERS__BO__PASSWORD, "
            "RELAYCORE_USERS__BO__ROLE.",
        ),
        (
            "RELAYCORE_CAMERAS",
            "front",
            '"front" is not right; it should be [cameras.PATH] tables, one for each camera.',
        ),
    ],
)
def test_a_mistake_has_the_name_of_the_variable(name: str, value: str, sentence: str) -> None:
    (mistake,) = mistakes_of({name: value})
    assert mistake.startswith(f"{name}: {sentence}")
    assert "hunter2" not in mistake


def test_what_is_missing_beside_a_variable_is_told_as_a_variable() -> None:
    (mistake,) = mistakes_of({"RELAYCORE_USERS__BO__ROLE": "viewer"})
    assert mistake == (
        "RELAYCORE_USERS__BO__PASSWORD: it is missing; it should be 1 to 256 characters on one line, "
        "like RELAYCORE_USERS__BO__PASSWORD=a long sentence."
    )


def test_a_mistake_of_the_file_and_one_of_the_environment_are_both_told() -> None:
    assert mistakes_of({"RELAYCORE_PORT": "x", "RELAYCORE_PATHS__A__SOURCE": "y"}, "\npaths = 3") == (
        "r.toml:2: paths: 3 is not right; it should be [paths.PATH] tables, one for each path.",
        'RELAYCORE_PORT: "x" is not right; it should be a port from 1 to 65535, or 0 for any free one, '
        "like RELAYCORE_PORT=8554.",
    )


def test_what_a_variable_makes_wrong_together_with_the_file_is_told_of_the_variable() -> None:
    assert mistakes_of({"RELAYCORE_PATHS__CAM__SOURCE": "x.mp4"}, "[cameras.cam]") == (
        "RELAYCORE_PATHS__CAM__SOURCE: [cameras.cam] is at this path already; choose another path, "
        "or remove one.",
    )


def test_the_variables_of_a_hook_are_no_settings() -> None:
    assert config_of({"RELAYCORE_PATH": "cam", "RELAYCORE_REASON": "it ended"}) == Config()


def test_a_file_is_read_with_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "relaycore.toml"
    file.write_text("port = 1\nhost = '::1'")
    assert load_config(file, {"RELAYCORE_PORT": "2"}) == Config(host="::1", port=2)
