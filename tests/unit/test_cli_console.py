"""What a person sees: legible in every encoding, and without passwords in what is kept."""

import io
import json
import logging
import sys

import pytest

from relaycore.control.console import StatusLine, legible, make_console, qr_code, say, show_table
from relaycore.control.logs import JsonFormatter, LineFormatter, without_secrets
from relaycore.control.start_page import player_lines, url_for
from relaycore.settings import Config, User

URL = "rtsp://127.0.0.1:8554/cam"


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BytesIO(), encoding=encoding, errors="strict", newline="\n", write_through=True
    )


def written(to: io.TextIOWrapper) -> str:
    assert isinstance(to.buffer, io.BytesIO)
    return to.buffer.getvalue().decode(to.encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp437", "cp1252"])
def test_everything_can_be_shown_in_every_encoding(encoding: str) -> None:
    out = stream(encoding)
    console = make_console(out)
    say(console, "1 reader · café [bold]… \N{SNOWMAN}")
    show_table(console, "Cameras", ("URL", "camera"), [(URL, "Caméra \N{SNOWMAN} [x]")])
    text = written(out)
    assert "[bold]" in text
    assert URL in text
    assert "[x]" in text


def test_what_ascii_cannot_show_keeps_its_meaning() -> None:
    assert legible("2 readers · 1.0 fps → 5 µs…", "ascii") == "2 readers | 1.0 fps -> 5 us..."
    assert legible("2 readers · …", "utf-8") == "2 readers · …"
    assert legible("x", "no such encoding") == "x"


def test_a_line_to_paste_is_not_broken() -> None:
    out = stream("utf-8")
    line = "ffplay " + "x" * 300
    say(make_console(out), line)
    assert written(out) == line + "\n"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_qr_code_has_the_modules_of_the_text(encoding: str) -> None:
    import segno

    modules = [list(row) for row in segno.make(URL, error="m", micro=False).matrix_iter(border=4)]
    lines = qr_code(URL, encoding).plain.split("\n")
    if encoding == "ascii":
        seen = [[int(line[at] == "#") for at in range(0, len(line), 2)] for line in lines]
    else:
        seen = [[int(cell in half) for cell in line] for line in lines for half in ("▀█", "▄█")][
            : len(modules)
        ]
    assert seen == [[int(bool(module)) for module in row] for row in modules]


def test_the_status_line_stays_silent_without_a_terminal() -> None:
    out = stream("utf-8")
    with StatusLine(make_console(out)) as line:
        line.show("1 reader")
        assert not line.visible
    with StatusLine(None) as line:
        assert not line.visible
    assert written(out) == ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("opened rtsp://anna:hunter2@10.0.0.1/cam now", "opened rtsp://***@10.0.0.1/cam now"),
        ("Authorization: Basic aHVudGVyMg==", "Authorization: ***"),
        ("sent Basic aHVudGVyMg==", "sent Basic ***"),
        ('sent Digest username="a", response="hunter2"', "sent Digest ***"),
        ("password=hunter2, next", "password=***, next"),
        ('{"password": "hunter2"}', '{"password": "***"}'),
        ("path=cam", "path=cam"),
        ("r.toml:8: users[1].password: it is missing", "r.toml:8: users[1].password: it is missing"),
    ],
)
def test_secrets_are_taken_out(text: str, kept: str) -> None:
    assert without_secrets(text) == kept


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("relaycore.test", logging.WARNING, __file__, 1, message, None, None)
    vars(made).update(fields)
    return made


def test_a_json_line_has_the_fields_of_the_record() -> None:
    entry = json.loads(
        JsonFormatter().format(
            record(
                "lost é",
                path="cam",
                number=3,
                urls=["rtsp://a:hunter2@b/c"],
                stages={"send": 1.5},
                path_object=io,
            )
        )
    )
    assert entry.pop("time").endswith("+00:00")
    assert entry.pop("path_object").startswith("<module 'io'")
    assert entry == {
        "level": "warning",
        "logger": "relaycore.test",
        "message": "lost é",
        "path": "cam",
        "number": 3,
        "urls": ["rtsp://***@b/c"],
        "stages": {"send": 1.5},
    }


def test_an_exception_is_logged_without_secrets() -> None:
    made = record("failed")
    try:
        raise RuntimeError("rtsp://a:hunter2@b/c")
    except RuntimeError:
        made.exc_info = sys.exc_info()
    for line in (JsonFormatter().format(made), LineFormatter("utf-8").format(made)):
        assert "RuntimeError: rtsp://***@b/c" in line
    assert JsonFormatter().format(made).count("\n") == 0


def test_a_readable_line_has_time_level_and_fields() -> None:
    line = LineFormatter("ascii").format(record("lost · café", path="cam"))
    assert line[2] == line[5] == ":"
    assert line[9:] == "warning: lost | caf? (path=cam)"


def test_the_url_to_paste_has_a_user_where_one_is_needed() -> None:
    anna = User(name="an na", password="x/y")
    assert url_for(URL, Config(), []) == URL
    assert url_for(URL, Config(users=[anna], anonymous=True), []) == URL
    assert url_for(URL, Config(users=[anna]), []) == "rtsp://an%20na:PASSWORD@127.0.0.1:8554/cam"
    assert url_for(URL, Config(users=[anna]), [anna]) == "rtsp://an%20na:x%2Fy@127.0.0.1:8554/cam"
    assert all(f'"{URL}"' in line for line in player_lines(URL))
