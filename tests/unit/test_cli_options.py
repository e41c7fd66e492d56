"""What the options mean, over a configuration file and without one."""

from pathlib import Path

import msgspec
import pytest

from relaycore.control.cli import main
from relaycore.control.commands import serve
from relaycore.control.passwords import add_users, generate_password
from relaycore.errors import ConfigurationError
from relaycore.settings import CameraSettings, Config, User


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Config, list[User]]]:
    """The settings with which the program would have served."""
    found: list[tuple[Config, list[User]]] = []

    async def remember(config: Config, generated: list[User], *_: object) -> None:
        assert config.state_folder
        found.append((msgspec.structs.replace(config, state_folder=""), generated))

    monkeypatch.setattr(serve, "_serve", remember)
    monkeypatch.setattr(serve, "configure_logs", lambda **_: None)
    monkeypatch.setattr("sys.stdin", None)
    return found


@pytest.fixture
def two_cameras(tmp_path: Path) -> str:
    file = tmp_path / "two.toml"
    file.write_text('port = 9000\n[cameras.front]\nsize = "640x480"\n[cameras.back]\n')
    return str(file)


def test_without_options_the_first_camera_is_at_cam(served: list[tuple[Config, list[User]]]) -> None:
    assert main(["serve"]) == 0
    ((config, generated),) = served
    assert config == Config(cameras={"cam": CameraSettings()})
    assert generated == []


def test_all_options_are_understood(served: list[tuple[Config, list[User]]]) -> None:
    camera_options = (
        "--camera pattern --microphone auto --size 640x480 --fps 15 --encoder libx264 --bitrate 500k"
    )
    other_options = "--path house/a --host ::1 --port 0 --log-json --trace-latency --no-qr --no-api"
    assert main(["serve", *camera_options.split(), *other_options.split()]) == 0
    ((config, _),) = served
    camera = CameraSettings(
        camera="pattern", microphone="auto", size="640x480", fps=15, encoder="libx264", bitrate="500k"
    )
    assert config == Config(
        host="::1",
        port=0,
        log_json=True,
        trace_latency=True,
        qr=False,
        api=False,
        cameras={"house/a": camera},
    )


def test_options_of_a_relay_without_cameras(served: list[tuple[Config, list[User]]]) -> None:
    assert main(["serve", "--no-camera", "--publish", "configured", "--anonymous"]) == 0
    assert served[0][0] == Config(publish="configured", anonymous=True)


def test_a_file_of_paths_opens_no_camera_unless_one_is_asked_for(
    served: list[tuple[Config, list[User]]], tmp_path: Path
) -> None:
    file = tmp_path / "paths.toml"
    file.write_text("[paths.drone]\n")
    assert main(["serve", str(file)]) == 0
    assert main(["serve", str(file), "--camera", "pattern"]) == 0
    assert [config.cameras for config, _ in served] == [{}, {"cam": CameraSettings(camera="pattern")}]


def test_an_option_changes_the_only_camera_of_a_file(
    served: list[tuple[Config, list[User]]], tmp_path: Path
) -> None:
    file = tmp_path / "one.toml"
    file.write_text('port = 9000\n[cameras."/front/"]\nsize = "640x480"\nfps = 5\n')
    assert main(["serve", str(file), "--fps", "10"]) == 0
    ((config, _),) = served
    assert config.port == 9000
    assert config.cameras == {"front": CameraSettings(size="640x480", fps=10)}


def test_a_path_says_which_camera_of_a_file_is_meant(
    served: list[tuple[Config, list[User]]], two_cameras: str
) -> None:
    assert main(["serve", two_cameras, "--path", "back", "--camera", "pattern"]) == 0
    ((config, _),) = served
    assert config.cameras == {
        "front": CameraSettings(size="640x480"),
        "back": CameraSettings(camera="pattern"),
    }


def test_options_win_over_variables_and_these_over_the_file(
    served: list[tuple[Config, list[User]]], two_cameras: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAYCORE_PORT", "9001")
    monkeypatch.setenv("RELAYCORE_SHARDS", "1")
    assert main(["serve", two_cameras]) == 0
    assert main(["serve", two_cameras, "--port", "9002"]) == 0
    assert [(config.port, config.shards) for config, _ in served] == [(9001, 1), (9002, 1)]


def test_several_cameras_and_no_path_are_not_guessed(
    capsys: pytest.CaptureFixture[str], two_cameras: str
) -> None:
    assert main(["serve", two_cameras, "--camera", "pattern"]) == 2
    assert capsys.readouterr().err == (
        "relaycore: --camera: there are several cameras; name one with --path: back, front.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["serve", "--prot", "1"], "There is no option --prot; did you mean --port?"),
        (
            ["serve", "a.toml", "b.toml"],
            "There is one argument too many: 'b.toml'; put names with spaces in quotes.",
        ),
        (["serve", "--port"], "Argument --port: expected one argument; see relaycore serve --help."),
        (
            ["serve", "--port", "x"],
            '--port: "x" is not right; it should be a port from 1 to 65535, or 0 for any ',
        ),
        (
            ["serve", "--size", "big"],
            '--size: "big" is not right; it should be a size in pixels, WIDTHxHEIGHT, ',
        ),
        (
            ["serve", "--fps", "-1"],
            '--fps: "-1" is not right; it should be pictures per second, up to 240, like --fps',
        ),
        (
            ["serve", "--bitrate", "1"],
            '--bitrate: "1" is not right; it should be bits per second from 16k to 400M',
        ),
        (["serve", "--path", "a b"], "'a b' is not a path: use letters, digits"),
        (["serve", "--user", "a\tb"], "--user: write NAME or NAME:PASSWORD;"),
        (
            ["serve", "--lan", "--host", "::1"],
            "--lan listens on all addresses already: leave out --host, or --lan.",
        ),
        (
            ["serve", "--no-camera", "--fps", "5"],
            "--no-camera opens no camera: leave out --fps, or --no-camera.",
        ),
        (
            ["serve", "--publish", "all"],
            '--publish: "all" is not right; it should be `any` or `configured`, ',
        ),
        (["serve", "missing.toml"], "missing.toml does not exist: check the name of the configuration file."),
        ([], "The following arguments are required: COMMAND; see relaycore --help."),
        (["sevre"], "Argument COMMAND: invalid choice: 'sevre' (choose from "),
    ],
)
def test_a_mistake_is_one_clear_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"relaycore: {sentence}")
    assert output.err.count("\n") == 1


def test_all_mistakes_of_the_command_line_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--size", "1", "--fps", "x", "--port", "y"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["--port", "--size", "--fps"]


def test_the_lan_gets_a_user_when_there_is_none() -> None:
    config, generated = add_users(Config(lan=True), [])
    assert [user.name for user in config.users] == ["admin"]
    assert generated == config.users


@pytest.mark.parametrize(
    "config", [Config(), Config(host="::1"), Config(host="localhost"), Config(anonymous=True, lan=True)]
)
def test_nobody_is_made_up_where_nobody_is_needed(config: Config) -> None:
    assert add_users(config, []) == (config, [])


def test_an_address_that_the_network_reaches_is_like_the_lan() -> None:
    config, generated = add_users(Config(host="192.0.2.7"), [])
    assert generated == config.users
    assert config.users[0].name == "admin"


def test_users_of_the_command_line_join_and_replace_those_of_the_file() -> None:
    anna, bo = User(name="anna", password="a"), User(name="bo", password="b")
    config, generated = add_users(Config(users=[anna, bo]), ["bo:new", "cy:with:colon"])
    assert {user.name: user.password for user in config.users} == {
        "anna": "a",
        "bo": "new",
        "cy": "with:colon",
    }
    assert generated == []


def test_who_has_no_password_is_asked_for_one() -> None:
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return "typed" if "anna" in prompt else ""

    config, generated = add_users(Config(), ["anna", "bo"], ask)
    assert config.users[0] == User(name="anna", password="typed")
    assert [user.name for user in generated] == ["bo"]
    assert len(prompts) == 2


def test_who_cannot_be_asked_gets_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    config, generated = add_users(Config(), ["anna"])
    assert generated == config.users


def test_generated_passwords_differ_and_need_no_quoting() -> None:
    passwords = {generate_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(set(password) <= set("abcdefghjkmnpqrstuvwxyz23456789-") for password in passwords)


def test_a_user_name_with_a_colon_is_read_as_a_password() -> None:
    with pytest.raises(ConfigurationError, match="--user"):
        add_users(Config(), [":password only"])
