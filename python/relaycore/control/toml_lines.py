"""Where the keys of a TOML document stand, so that a mistake can be shown with its line.

The parser of the standard library gives values without positions. This scanner goes over the same text and
gives positions without values. It expects a document that the parser has accepted: it looks for structure,
not for errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["KeyPath", "key_lines"]

KeyPath = tuple[str | int, ...]
"""Way to a value from the root of the document: names of keys, and indexes into arrays."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_LITERAL = re.compile(r"'([^'\n]*)'")
_LONG_BASIC = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''.*?'{3,5}", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, of every key, table and array element of a valid TOML document."""
    return _Scanner(text).scan()


class _Scanner:
    """One pass over a document. ``at`` is the position in the text, ``lines`` what was found so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.lengths: dict[KeyPath, int] = {}
        self.counted_to = 0
        self.line = 1

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self.skip(_BLANK) < len(self.text):
            line = self.line_here()
            if self.text.startswith("[[", self.at):
                self.at += 2
                table = self.next_element(tuple(self.dotted_key()))
                self.at += 2
                self.lines[table] = line
            elif self.text[self.at] == "[":
                self.at += 1
                table = self.resolve(tuple(self.dotted_key()))
                self.at += 1
                self.lines[table] = line
            else:
                self.key_and_value(table)
        return self.lines

    def resolve(self, names: tuple[str, ...]) -> KeyPath:
        """A header names an array of tables without an index and means its newest element."""
        path: KeyPath = ()
        for name in names:
            path = (*path, name)
            self.lines.setdefault(path, self.line_here())
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
        return path

    def next_element(self, names: tuple[str, ...]) -> KeyPath:
        array = (*self.resolve(names[:-1]), names[-1])
        self.lines.setdefault(array, self.line_here())
        index = self.lengths.get(array, 0)
        self.lengths[array] = index + 1
        return (*array, index)

    def key_and_value(self, table: KeyPath) -> None:
        line = self.line_here()
        path = table
        for name in self.dotted_key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(path)

    def value(self, path: KeyPath) -> None:
        start = self.text[self.at : self.at + 3]
        if start == '"""':
            self.skip(_LONG_BASIC)
        elif start == "'''":
            self.skip(_LONG_LITERAL)
        elif start[:1] == '"':
            self.skip(_BASIC)
        elif start[:1] == "'":
            self.skip(_LITERAL)
        elif start[:1] == "[":
            for index in self.items("]"):
                element = (*path, index)
                self.lines[element] = self.line_here()
                self.value(element)
        elif start[:1] == "{":
            for _ in self.items("}"):
                self.key_and_value(path)
        else:
            self.skip(_SCALAR)

    def items(self, end: str) -> Iterator[int]:
        """Stops at each element of an array or inline table, and behind its end."""
        self.at += 1
        index = 0
        while self.skip(_BLANK) < len(self.text) and self.text[self.at] != end:
            yield index
            index += 1
            self.skip(_BLANK)
            if self.text.startswith(",", self.at):
                self.at += 1
        self.at += 1

    def dotted_key(self) -> list[str]:
        """The names of a key, which may be several with dots between. Stops at what follows it."""
        names = []
        while True:
            self.skip(_SPACE)
            names.append(self.simple_key())
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return names
            self.at += 1

    def simple_key(self) -> str:
        for pattern in (_BASIC, _LITERAL, _BARE_KEY):
            match = pattern.match(self.text, self.at)
            if match is not None:
                self.at = match.end()
                if pattern is _BASIC:
                    return _ESCAPE.sub(_unescape, match[1])
                return match[match.lastindex or 0]
        raise ValueError(f"no key at position {self.at}: the document is not valid TOML")

    def skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return self.at

    def line_here(self) -> int:
        """The line of the current position; positions only grow, so each line end is counted once."""
        self.line += self.text.count("\n", self.counted_to, self.at)
        self.counted_to = self.at
        return self.line


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if code[0] in "uU" else _ESCAPES[code]
