"""The configuration file: what is read, and that every mistake is named with line, key and remedy."""

import re
from pathlib import Path

import msgspec
import pytest

from relaycore import Relay
from relaycore.alerts.watch import rules_of
from relaycore.control.config import load_config, read_config
from relaycore.errors import ConfigurationError
from relaycore.settings import (
    AccessRule,
    AccessSettings,
    AlertSettings,
    CameraSettings,
    Config,
    IceServer,
    JourneySettings,
    MailSettings,
    MaskSettings,
    MotionSettings,
    MulticastSettings,
    OnvifSettings,
    PathSettings,
    TlsSettings,
    TokenSettings,
    User,
    normal_path,
    parse_bitrate,
    parse_size,
)
from relaycore.settings.onvif import check_onvif


def mistakes_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        read_config(text, "r.toml")
    return caught.value.mistakes


def test_an_empty_file_means_the_defaults() -> None:
    assert read_config("", "r.toml") == Config()


def test_all_settings_are_read() -> None:
    config = read_config(
        """
        host = "::1"
        port = 554
        anonymous = true
        log_json = true
        [limits]
        connections = 5
        [[users]]
        name = "anna"
        password = "secret words"
        [cameras.front]
        camera = "/dev/video9"
        microphone = "auto"
        size = "1280x720"
        fps = 29.97
        encoder = "libx264"
        bitrate = "2.5M"
        gop_seconds = 2
        range = "limited"
        join = "wait"
        [cameras."house/back"]
        camera = "pattern"
        bitrate = 800000
        """,
        "r.toml",
    )
    front = config.cameras["front"]
    assert front.dimensions == (1280, 720)
    assert front.bits_per_second == 2_500_000
    assert (front.fps, front.pixel_range, front.join, front.gop_seconds) == (29.97, "limited", "wait", 2.0)
    assert config.cameras["house/back"] == CameraSettings(camera="pattern", bitrate=800_000)
    assert config.users == [User(name="anna", password="secret words")]
    assert (config.host, config.port, config.limits) == ("::1", 554, {"connections": 5})


def test_the_example_names_every_setting_with_its_default() -> None:
    text = (Path(__file__).parents[2] / "examples" / "relaycore.toml").read_text()
    config = read_config(text, "relaycore.toml")
    assert list(config.cameras) == ["front", "garage/door"]
    assert list(config.paths) == ["drone", "entrance"]
    # The commented settings of the relay are its defaults.
    shown = [re.sub("^# (?=[a-z_]+ = )", "", line) for line in text.partition("[cameras")[0].splitlines()[1:]]
    assert read_config("\n".join(shown), "defaults") == Config()
    kinds: tuple[type[msgspec.Struct], ...] = (
        Config,
        CameraSettings,
        MaskSettings,
        MotionSettings,
        PathSettings,
        MulticastSettings,
        TlsSettings,
        User,
        IceServer,
        AccessSettings,
        AccessRule,
        JourneySettings,
        OnvifSettings,
        TokenSettings,
        AlertSettings,
        MailSettings,
        *(type(rule) for rule in rules_of(AlertSettings()).values()),
    )
    for kind in kinds:
        for field in msgspec.structs.fields(kind):
            assert re.search(
                rf"\b{field.encode_name}\b( = |\W*\.|\]\])|^\[{field.encode_name}\]", text, re.M
            ), field


@pytest.mark.parametrize(
    "url",
    [
        "stun:stun.example.org",
        "stuns:stun.example.org:5349",
        "turn:192.0.2.1:3478",
        "turn:[2001:db8::1]:3478?transport=udp",
        "turns:turn.example.org:443?transport=tcp",
    ],
)
def test_servers_of_webrtc_have_addresses_of_stun_or_turn(url: str) -> None:
    login = 'username = "a\\"b"\ncredential = "open sesame"' if url.startswith("turn") else ""
    (server,) = read_config(f'[[ice_servers]]\nurl = "{url}"\n{login}', "r.toml").ice_servers
    assert server.url == url
    assert "sesame" not in repr(server)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "turn:",
            "http://turn.example.org",
            "turn://turn.example.org",
            "turn:host:0",
            "turn:host:70000",
        ),
        *(
            "stun:host?transport=tcp",
            "turn:host?transport=sctp",
            "turn:ho st",
            "turn:host>;x",
            "turn:host\\n",
        ),
    ],
)
def test_servers_of_webrtc_have_no_other_addresses(url: str) -> None:
    text = f'[[ice_servers]]\nurl = "{url}"\nusername = "a"\ncredential = "open sesame"'
    (mistake,) = mistakes_of(text)
    assert "ice_servers" in mistake
    assert "the address of a STUN or TURN server" in mistake
    assert "sesame" not in mistake


def test_servers_of_webrtc_have_passwords_where_they_ask_for_them() -> None:
    (mistake,) = mistakes_of('[[ice_servers]]\nurl = "turn:host"\nusername = "a"')
    assert "needs both username and credential" in mistake
    (mistake,) = mistakes_of('[[ice_servers]]\nurl = "stun:host"\ncredential = "open sesame"')
    assert "knows nobody" in mistake
    assert "sesame" not in mistake
    (mistake,) = mistakes_of('[[ice_servers]]\nurl = "turn:host"\nusername = "a"\ncredential = "sésame"')
    assert "sésame" not in mistake
    text = '[[ice_servers]]\nurl = "turn:host"\nusername = "a"\ncredential = "open sesame"\n'
    (mistake,) = mistakes_of(text * 9)
    assert "at most 8" in mistake
    assert "sesame" not in mistake


def test_rules_that_mean_nothing_or_too_much_are_mistakes() -> None:
    rule = '[[access.rules]]\neffect = "allow"\n'
    for text, key, sentence in [
        ("actions = []", "actions", "the list is empty"),
        ('actions = ["read"]\npaths = []', "paths", "the list is empty"),
        ('actions = ["read", "control"]', "actions", "anyone could control, which takes a user"),
        ('actions = ["read"]\nhours = ["08:00-08:00"]', "hours[1]", '"08:00-08:00" is not right'),
        ('actions = ["read"]\nhours = ["24:00-08:00"]', "hours[1]", '"24:00-08:00" is not right'),
        ('actions = ["read"]\npaths = ["a/b**"]', "paths[1]", '"a/b**" is not right'),
        ('actions = ["read"]\nnetworks = ["10.0.0.300"]', "networks[1]", '"10.0.0.300" is not right'),
    ]:
        (mistake,) = mistakes_of(rule + text)
        assert f"access.rules[1].{key}: {sentence}" in mistake
    for right in ('actions = ["control"]\nroles = ["viewer"]', 'actions = ["read"]\nhours = ["00:00-24:00"]'):
        read_config(rule + right, "right")


def test_all_mistakes_are_listed_in_the_order_of_the_file() -> None:
    mistakes = mistakes_of(
        'port = 80000\nhots = "x"\n[cameras.front]\nsize = "12"\nfps = "fast"\nbitrate = "9z"\n'
        '[limits]\nconnections = "many"'
    )
    assert [mistake.split(": ")[0:2] for mistake in mistakes] == [
        ["r.toml:1", "port"],
        ["r.toml:2", "hots"],
        ["r.toml:4", "cameras.front.size"],
        ["r.toml:5", "cameras.front.fps"],
        ["r.toml:6", "cameras.front.bitrate"],
        ["r.toml:8", "limits.connections"],
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('hots = "x"', "r.toml:1: hots: there is no such setting; did you mean host?"),
        (
            "port = 80000",
            "r.toml:1: port: 80000 is not right; it should be a port from 1 to 65535, or 0 for any free one, "
            "like port = 8554.",
        ),
        ("lan = 1", "r.toml:1: lan: 1 is not right; it should be true or false, like lan = true."),
        (
            '[cameras.a]\nsize = "0x720"',
            'r.toml:2: cameras.a.size: "0x720" is not right; it should be a size in pixels, WIDTHxHEIGHT, '
            'like size = "1280x720".',
        ),
        (
            '[cameras.a]\nrange = "ful"',
            'r.toml:2: cameras.a.range: "ful" is not right; it should be `full` or `limited`, '
            'like range = "limited".',
        ),
        (
            '\n[[users]]\nname = "a"',
            "r.toml:2: users[1].password: it is missing; it should be 1 to 256 characters on one line, "
            'like password = "a long sentence".',
        ),
        (
            "cameras = 3",
            "r.toml:1: cameras: 3 is not right; it should be [cameras.PATH] tables, one for each camera.",
        ),
        ("users = [1]", "r.toml:1: users[1]: 1 is not right; it should be a table."),
        (
            '[[users]]\nname = "a"\npassword = "x"\n[[users]]\nname = "a"\npassword = "y"',
            'r.toml:5: users[2].name: "a" is there twice; each user needs another name.',
        ),
        (
            '[cameras."a"]\n[cameras."/a/"]',
            "r.toml:2: cameras./a/: it is the same path as 'a'; choose another one.",
        ),
        (
            '[cameras."a b"]',
            "r.toml:1: cameras.a b: it is not a path; use letters, digits, '-', '_' and '.', "
            "like [cameras.front].",
        ),
        (
            "[cameras.a]\nmasks = [{ rectangle = [0, 0, 1, 2] }]",
            "r.toml:2: cameras.a.masks[1].rectangle: [0, 0, 1, 2] is not right; it should be a list of left, "
            "top, right and bottom as fractions of the picture, from 0 to 1, like "
            "rectangle = [0.0, 0.0, 0.25, 1.0].",
        ),
        (
            '[cameras.a]\n[[cameras.a.masks]]\nfill = "blur"',
            "r.toml:2: cameras.a.masks[1]: a mask has a rectangle or a polygon, one of the two.",
        ),
        (
            '[cameras.a]\nencoder = "copy"\nmasks = [{ rectangle = [0, 0, 1, 1] }]',
            'r.toml:2: cameras.a.encoder: with "copy", what the camera has encoded itself is sent on, and no '
            "mask can be drawn on it; choose another encoder, or remove the masks.",
        ),
        (
            "[cameras.a]\nmasks = [" + "{ rectangle = [0, 0, 1, 1] }," * 65 + "]",
            "r.toml:2: cameras.a.masks: [{'rectangle': [0, 0, 1, 1]}, {'rectang… is not right; it should be "
            "a list of up to 64 tables, each with a rectangle or a polygon.",
        ),
        (
            "[limits]\nconections = 5",
            "r.toml:2: limits.conections: there is no such limit; did you mean connections?",
        ),
        (
            "[limits]\nconnections = 0",
            "r.toml:2: limits.connections: 0 is not right; it should be 1 to 1000000 connections.",
        ),
        (
            'lan = true\nhost = "10.0.0.1"',
            "r.toml:2: host: lan = true listens on all addresses already; remove one of the two.",
        ),
    ],
)
def test_a_mistake_says_where_what_and_what_would_be_right(text: str, mistake: str) -> None:
    assert mistakes_of(text) == (mistake,)


@pytest.mark.parametrize(
    "network", ["10.0.0.0/8", "192.168.1.9", "192.168.1.9/24", "2001:db8::/32", "fd00::/8", "0.0.0.0/0"]
)
def test_subscribers_of_events_may_be_called_back_in_networks(network: str) -> None:
    onvif = read_config(f'[onvif]\ncallbacks = ["{network}"]', "r.toml").onvif
    assert onvif.callbacks == [network]
    check_onvif(onvif)


@pytest.mark.parametrize(
    "network",
    [
        *("127.0.0.0/8", "127.0.0.1", "::1", "169.254.0.0/16", "169.254.169.254", "fe80::/10"),
        *("224.0.0.0/4", "ff02::/16", "240.0.0.0/4", "0.0.0.0", "::"),
        *("", "nvr.example", "10.0.0.0/33", "10.0.0.1:80"),
    ],
)
def test_subscribers_of_events_are_called_back_in_no_others(network: str) -> None:
    (mistake,) = mistakes_of(f'[onvif]\ncallbacks = ["{network}"]')
    assert mistake == (
        f'r.toml:2: onvif.callbacks[1]: "{network}" is not right; it should be a network or an address of '
        'IPv4 or IPv6, not of this machine, a link or a group, like "192.168.1.0/24".'
    )
    with pytest.raises(ConfigurationError, match=r"is no network|Nobody is called back"):
        Relay(onvif=OnvifSettings(callbacks=[network]))


@pytest.mark.parametrize(
    ("text", "start", "hint"),
    [
        ("host = localhost", "r.toml:1:8: this is not TOML: ", "text needs quotes"),
        ("port = 1\nport = 2", "r.toml:2:", "the key is there twice; keep one of them"),
        ("[limits]\n[limits]", "r.toml:2:", "the table is there twice"),
        ("port 3", "r.toml:1:6: ", "a setting is written key = value"),
        ('a = "x', "r.toml:1:7: ", "the closing quote is missing"),
        ('a = "C:\\video.mp4"', "r.toml:1:", "write Windows paths in single quotes"),
    ],
)
def test_broken_toml_is_named_with_line_and_column(text: str, start: str, hint: str) -> None:
    (mistake,) = mistakes_of(text)
    assert mistake.startswith(start)
    assert hint in mistake


def test_a_wrong_password_setting_does_not_show_the_password() -> None:
    (mistake,) = mistakes_of('[[users]]\nname = "a"\npassword = "line\\nbreak"')
    assert "r.toml:3: users[1].password: " in mistake
    assert "break" not in mistake


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    file = tmp_path / "relaycore.toml"
    file.write_bytes(b"\xef\xbb\xbfport = 9000\r\n")
    assert load_config(file).port == 9000


@pytest.mark.parametrize(
    ("content", "remedy"),
    [(None, "does not exist: check the name"), (b"\xff\xfe", "is not UTF-8 text: save it as UTF-8")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, remedy: str) -> None:
    file = tmp_path / "relaycore.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=remedy) as caught:
        load_config(file)
    assert str(file) in str(caught.value)


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder"):
        load_config(tmp_path)


def test_a_file_too_large_for_settings_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "big.toml"
    file.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(ConfigurationError, match="larger than 1 MiB"):
        load_config(file)


@pytest.mark.parametrize(
    ("text", "bits"), [("2M", 2_000_000), ("800k", 800_000), (64000, 64_000), ("1.5m", 1_500_000)]
)
def test_bit_rates(text: str | int, bits: int) -> None:
    assert parse_bitrate(text) == bits


@pytest.mark.parametrize("text", ["", "fast", "-1", "1G", "15999", "401M", 0])
def test_wrong_bit_rates(text: str | int) -> None:
    with pytest.raises(ConfigurationError, match="like 800k or 2M"):
        parse_bitrate(text)


@pytest.mark.parametrize("text", ["", "x", "1280", "1280x", "0x1", "16385x2", "1280x720x3", "-1x1"])
def test_wrong_sizes(text: str) -> None:
    with pytest.raises(ConfigurationError, match="like 1280x720"):
        parse_size(text)


@pytest.mark.parametrize(("text", "path"), [("cam", "cam"), ("/cam/", "cam"), ("a/b.c-d_e", "a/b.c-d_e")])
def test_paths(text: str, path: str) -> None:
    assert normal_path(text) == path


@pytest.mark.parametrize("text", ["", "/", "a//b", "../a", "a b", "ä", "a/.b", "a?b", "x" * 256])
def test_wrong_paths(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a path"):
        normal_path(text)


def test_passwords_are_not_in_the_representation() -> None:
    config = Config(users=[User(name="anna", password="hunter2")])
    assert "anna" in repr(config)
    assert "hunter2" not in repr(config)


def test_a_mail_server_that_nobody_can_log_in_to_is_a_mistake() -> None:
    mail = '[alerts.mail]\nserver = "x"\nsender = "a@b"\nto = ["c@d"]\nuser = "e"\n'
    (mistake,) = mistakes_of(mail)
    assert "alerts.mail.user: its password is missing" in mistake
    (mistake,) = mistakes_of(mail + 'password_file = "f"\nsecurity = "none"\n')
    assert "a password is not sent without encryption" in mistake
    read_config(mail + 'password_variable = "F"', "right")
    (mistake,) = mistakes_of('[alerts]\nwebhooks = ["ftp://x/SECRET"]\n')
    assert "SECRET" not in mistake
