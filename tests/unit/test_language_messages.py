"""What keeps the catalogues: finding messages, and finding faults in a catalogue."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from scripts import messages
from scripts.messages import Text, catalogue_of, faults_of, found_in, of_python, of_script, read, write

SOURCE = """
HELP = "help of a module"
DESCRIPTION = (
    "a "
    "description"
)
other = "not this"
_("one {value}", value=1)
_n("{count} viewer", "{count} viewers", 3)
raise PathError(Message("an error"))
message_n("{count} path", "{count} paths", 3)
parser.add_argument("--x", help="of an option", metavar="NAME")
parser.add_argument_group("a group")
kind = Annotated[str, Meta(description="of a setting")]
_(variable)
t("in Python this is nothing")
"""

SCRIPT = """
import { t, tn } from "./texts.js";
const a = `${t("in a template")}`;
b.textContent = tn("{count} frame", "{count} frames", count, { x });
t(variable);
"""


def test_messages_are_found_in_python() -> None:
    assert set(of_python(SOURCE)) == {
        "help of a module",
        "a description",
        "one {value}",
        ("{count} viewer", "{count} viewers"),
        "an error",
        ("{count} path", "{count} paths"),
        "of an option",
        "a group",
        "of a setting",
    }


def test_messages_are_found_in_scripts(tmp_path: Path) -> None:
    file = tmp_path / "x.js"
    file.write_text(SCRIPT, encoding="utf-8")
    assert set(of_script(file)) == {"in a template", ("{count} frame", "{count} frames")}
    (tmp_path / "y.py").write_text('_("in a template")', encoding="utf-8")
    assert found_in(tmp_path)["in a template"] == ["x.js", "y.py"]


MESSAGES: dict[Text, list[str]] = {"Play {path}": ["x.py"], ("{count} viewer", "{count} viewers"): ["x.js"]}

HEAD = """msgid ""
msgstr ""
"Language: fr\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""

PLAY = 'msgid "Play {path}"\nmsgstr "Lire {path}"\n\n'
VIEWERS = """msgid "{count} viewer"
msgid_plural "{count} viewers"
msgstr[0] "un"
msgstr[1] "{count} spectateurs"

"""


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        (PLAY + VIEWERS, None),
        (VIEWERS, "not in the catalogue"),
        (PLAY + VIEWERS + 'msgid "x"\nmsgstr "y"\n', "not in the source"),
        (VIEWERS + PLAY.replace("Lire {path}", ""), "not translated"),
        (VIEWERS + "#, fuzzy\n" + PLAY, "fuzzy"),
        (VIEWERS + PLAY.replace("Lire {path}", "Lire {chemin}"), "should have these values: {path}"),
        (VIEWERS + PLAY.replace("Lire {path}", "Lire"), "should have these values: {path}"),
        (PLAY + VIEWERS.replace("{count} spectateurs", ""), "not translated"),
    ],
)
def test_a_fault_of_a_catalogue_is_found(tmp_path: Path, entries: str, fault: str | None) -> None:
    file = tmp_path / "relaycore.po"
    file.write_text(HEAD + entries, encoding="utf-8")
    found = list(faults_of("fr", read(file, "fr"), MESSAGES))
    assert len(found) == (fault is not None)
    assert fault is None or fault in found[0]


def test_a_catalogue_keeps_its_translations_and_has_one_form_for_each_plural(tmp_path: Path) -> None:
    file = tmp_path / "relaycore.po"
    file.write_text(HEAD + PLAY, encoding="utf-8")
    written = io.BytesIO()
    write(written, catalogue_of("ar", MESSAGES, read(file, "ar")))
    text = written.getvalue().decode()
    assert 'msgstr "Lire {path}"' in text
    assert 'msgstr[5] ""' in text
    assert "Creation-Date" not in text


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> Path:
    """Runs it on another folder. The file of Italian in it."""
    monkeypatch.setattr(messages, "file_of", lambda tag: folder / f"{tag}.po")
    monkeypatch.setattr(messages, "tags", lambda: ("it",) if (folder / "it.po").exists() else ())
    monkeypatch.setattr(messages, "found_in", lambda package: MESSAGES)
    monkeypatch.setattr(sys, "argv", ["messages", *arguments])
    assert messages.main() == 0
    return folder / "it.po"


def test_a_language_is_begun_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = run(monkeypatch, tmp_path, "--add", "it")
    text = file.read_text(encoding="utf-8")
    assert 'msgid "Play {path}"\nmsgstr ""' in text
    file.write_text(
        text.replace('{path}"\nmsgstr ""', '{path}"\nmsgstr "Riproduci {path}"'), encoding="utf-8"
    )
    kept = file.read_bytes()
    assert run(monkeypatch, tmp_path).read_bytes() == kept
    with pytest.raises(SystemExit, match="is there already"):
        run(monkeypatch, tmp_path, "--add", "it")


def test_of_a_language_that_nobody_knows_nothing_is_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match="no language xx"):
        run(monkeypatch, tmp_path, "--add", "xx")
    assert list(tmp_path.iterdir()) == []
