"""Keeps the catalogues of the program: ``make messages``, ``make language LANG=it``, ``make lint``.

Without arguments, all catalogues get the messages that the source has now: new ones without a translation,
those that are gone without a trace. ``--add it`` begins the catalogue of a language. ``--check`` changes
nothing and tells what is missing or wrong in each.

Messages are the texts of ``_``, ``_n``, ``Message`` and ``message_n`` in Python and of ``t`` and ``tn`` in
JavaScript, and what the command line and the settings say of themselves: ``help`` and ``description`` of
arguments and commands, ``HELP`` and ``DESCRIPTION`` of a module, and ``description`` of ``Meta``.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from relaycore.language.catalogues import FOLDER, file_of, tags
from relaycore.language.message import PLACE

Text: TypeAlias = str | tuple[str, str]
"""A message as the catalogues know it, with its plural where it has one."""

PACKAGE: Final = FOLDER.parent

SINGULAR: Final = frozenset({"_", "Message"})
PLURAL: Final = frozenset({"_n", "message_n"})
SCRIPTS: Final[dict[str, Any]] = {"t": None, "tn": (1, 2)}
DESCRIBED: Final = {
    "Meta": ("description",),
    "add_argument": ("help",),
    "add_argument_group": ("title", "description"),
    "add_parser": ("help", "description", "epilog"),
    "Profile": ("about",),
    "Figure": ("name",),
}
"""Keywords of calls whose text a person is shown."""

POSITIONS: Final = {"add_argument_group": 0, "_act": 2}
"""Calls one of whose first arguments is such a text, and its place."""

CONSTANTS: Final = frozenset({"HELP", "DESCRIPTION"})

WIDTH: Final = 110


def main() -> int:
    """Does what the arguments ask for; 1 when a check finds something."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--add", metavar="LANG", help="begin the catalogue of a language, like it or pt-BR")
    parser.add_argument("--check", action="store_true", help="change nothing, and tell what is wrong")
    wanted = parser.parse_args()
    messages = found_in(PACKAGE)
    if wanted.check:
        faults = [fault for tag in tags() for fault in faults_of(tag, read(file_of(tag), tag), messages)]
        sys.stderr.write("".join(f"{fault}\n" for fault in faults))
        return 1 if faults else 0
    for tag in [wanted.add] if wanted.add else tags():
        file = file_of(tag)
        if wanted.add and file.exists():
            sys.exit(f"{file} is there already.")
        known = read(file, tag) if file.exists() else None
        made = catalogue_of(tag, messages, known)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            write(out, made)
        missing = sum(not _is_complete(message) for message in read(file, tag) if message.id)
        sys.stdout.write(f"{file}: {len(messages)} messages, {missing} to translate\n")
    return 0


def found_in(package: Path) -> dict[Text, list[str]]:
    """All messages of the package, in the order of the alphabet, with the files that each is in."""
    found: dict[Text, set[str]] = {}
    for file in sorted(package.rglob("*.py")):
        for text in of_python(file.read_text(encoding="utf-8")):
            found.setdefault(text, set()).add(file.relative_to(package).as_posix())
    for file in sorted(package.rglob("*.js")):
        for text in of_script(file):
            found.setdefault(text, set()).add(file.relative_to(package).as_posix())
    merged = _with_plurals(found)
    return {text: sorted(merged[text]) for text in sorted(merged, key=lambda text: (_first(text), str(text)))}


def of_python(source: str) -> Iterator[Text]:
    """The messages of a Python module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in SINGULAR and node.args and (text := _constant(node.args[0])):
                yield text
            elif name in PLURAL and len(node.args) > 1:
                one, many = _constant(node.args[0]), _constant(node.args[1])
                if one and many:
                    yield one, many
            for keyword in node.keywords:
                if keyword.arg in DESCRIBED.get(name, ()) and (text := _constant(keyword.value)):
                    yield text
            place = POSITIONS.get(name)
            if place is not None and len(node.args) > place and (text := _constant(node.args[place])):
                yield text
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id in CONSTANTS
            and (text := _constant(node.value))
        ):
            yield text


def of_script(file: Path) -> Iterator[Text]:
    """The messages of a JavaScript module."""
    options: Any = {"parse_template_string": True}
    with file.open("rb") as source:
        for _line, text, _comments, _context in extract("javascript", source, SCRIPTS, (), options):
            if isinstance(text, tuple):
                yield text[0], text[1]
            elif text:
                yield text


def catalogue_of(tag: str, messages: dict[Text, list[str]], known: Catalog | None) -> Catalog:
    """A catalogue with these messages, translated as far as ``known`` is."""
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        sys.exit(f"There is no language {tag}: name it by its tag, like it or pt-BR.")
    made = Catalog(
        locale=locale, domain="relaycore", project="relaycore", version="", fuzzy=False, header_comment=HEADER
    )
    for text, files in messages.items():
        old = known.get(_first(text)) if known is not None else None
        string = old.string if old is not None and old.pluralizable == isinstance(text, tuple) else None
        made.add(text, string, [(file, 0) for file in files])
    return made


HEADER: Final = """\
# Texts of relaycore in one more language. How to change them: docs/languages.md."""


def read(file: Path, tag: str) -> Catalog:
    """A catalogue as it is."""
    with file.open("rb") as source:
        return read_po(source, locale=tag.replace("-", "_"), domain="relaycore", abort_invalid=True)


def write(out: Any, catalogue: Catalog) -> None:
    """Writes a catalogue so that two who change it differ only where they changed something."""
    written = _Head(out)
    write_po(written, catalogue, width=WIDTH, include_lineno=False, ignore_obsolete=True)


UNSTABLE: Final = tuple(
    f'"{name}:'
    for name in (
        "Project-Id-Version",
        "Report-Msgid-Bugs-To",
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
    )
)


class _Head:
    """Leaves out the lines of a catalogue's head that are different each time."""

    def __init__(self, out: Any) -> None:
        self._out = out

    def write(self, data: bytes) -> None:
        lines = data.decode().splitlines(keepends=True)
        self._out.write("".join(line for line in lines if not line.startswith(UNSTABLE)).encode())


def faults_of(tag: str, catalogue: Catalog, messages: dict[Text, list[str]]) -> Iterator[str]:
    """What is missing or wrong in a catalogue, a line each."""
    there: dict[Text, Message] = {
        (message.id if isinstance(message.id, str) else (message.id[0], message.id[1])): message
        for message in catalogue
        if message.id
    }
    for text in messages.keys() - there.keys():
        yield f"{tag}: {_first(text)!r} is not in the catalogue: make messages"
    for text in there.keys() - messages.keys():
        yield f"{tag}: {_first(text)!r} is not in the source any more: make messages"
    for text in messages.keys() & there.keys():
        message = there[text]
        if message.fuzzy:
            yield f"{tag}: {_first(text)!r} is fuzzy: look whether it is right, and take the mark away"
        if not _is_complete(message):
            yield f"{tag}: {_first(text)!r} is not translated"
            continue
        strings = _strings(message)
        if isinstance(text, tuple) and len(strings) != catalogue.num_plurals:
            yield f"{tag}: {_first(text)!r} has {len(strings)} forms of {catalogue.num_plurals}"
        yield from (f"{tag}: {fault}" for fault in _wrong_values(text, strings))


def _wrong_values(text: Text, strings: Iterable[str]) -> Iterator[str]:
    """Values that a translation lacks, or has in addition. A plural may leave out ``{count}``."""
    wanted = set(PLACE.findall(text if isinstance(text, str) else text[1]))
    for string in strings:
        found = set(PLACE.findall(string))
        free = {"count"} if isinstance(text, tuple) else set()
        if (wanted ^ found) - free or found - wanted:
            names = ", ".join(f"{{{name}}}" for name in sorted(wanted)) or "none"
            yield f"{string!r} should have these values: {names}"


def _is_complete(message: Message) -> bool:
    strings = _strings(message)
    return bool(strings) and all(strings)


def _strings(message: Message) -> tuple[str, ...]:
    found = message.string
    return (found or "",) if isinstance(found, str) or found is None else tuple(text or "" for text in found)


def _with_plurals(found: dict[Text, set[str]]) -> dict[Text, set[str]]:
    """A text that is there by itself and with a plural is one message of a catalogue."""
    plurals = {text[0]: text for text in found if isinstance(text, tuple)}
    merged: dict[Text, set[str]] = {}
    for text, files in found.items():
        merged.setdefault(plurals.get(text, text) if isinstance(text, str) else text, set()).update(files)
    return merged


def _first(text: Text) -> str:
    return text if isinstance(text, str) else text[0]


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


if __name__ == "__main__":
    sys.exit(main())
