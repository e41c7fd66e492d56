"""Which messages somebody wants to be told of, by what stands in them (ONVIF Core section 9.5.5).

ONVIF's dialect *ItemFilter* is a small part of XPath 1.0, and what is not of it is refused::

    Expression ::= 'boolean' '(' Path ')' | Expression 'and' Expression | Expression 'or' Expression
                 | '(' Expression ')' | 'not' '(' Expression ')'
    Path       ::= '//' Prefix? ('SimpleItem' | 'ElementItem') '[' Test ']'
    Test       ::= Attribute '=' String | Test 'and' Test | Test 'or' Test | '(' Test ')' | 'not' '(' Test ')'
    Attribute  ::= '@Name' | '@Value'

It is looked at without XPath: what comes of it is functions of the items of a message. Some clients write
words in capitals, or the quotes that a word processor has made of those of the standard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn, TypeAlias, TypeVar

from lxml import etree

from relaycore.onvif.services.events.errors import BadFilter
from relaycore.onvif.services.events.names import ITEM_FILTER
from relaycore.onvif.soap.names import TT

__all__ = ["LONGEST", "Content", "Item", "read_content"]

LONGEST: Final = 2048
"""Characters of an expression."""

MOST_DEPTH: Final = 16
"""Parentheses inside each other."""

Item: TypeAlias = tuple[str, str]
"""Name and value of a simple item."""

Content: TypeAlias = Callable[[Sequence[Item]], bool]
"""Says of all items of a message whether it is wanted."""

Subject = TypeVar("Subject")

_Test: TypeAlias = Callable[[Subject], bool]

_TOKEN: Final = re.compile(
    r"\s*(?:"
    r"(\"[^\"]*\"|'[^']*'|[“”][^“”]*[“”])"  # a text
    r"|//(?:([A-Za-z_][\w.-]*):)?(SimpleItem|ElementItem)(?![\w.-])"  # a step, after its prefix
    r"|(@Name|@Value|[A-Za-z]+)(?![\w.-])"  # an attribute or a word
    r"|([()\[\]=])"
    r")\s*"
)

_Token: TypeAlias = tuple[str | None, str | None, str | None, str | None, str | None]


def read_content(element: etree._Element) -> Content:
    """What a ``MessageContent`` wants. BadFilter where it is not of the dialect."""
    if (element.get("Dialect") or ITEM_FILTER).strip() != ITEM_FILTER:
        _refuse("Contents of messages are filtered in the dialect ItemFilter.")
    text = "".join(element.itertext())
    if len(text) > LONGEST:
        _refuse(f"An expression has at most {LONGEST} characters.")
    return _Reader(text, element.nsmap).whole()


class _Reader:
    """Reads one expression from its begin to its end."""

    def __init__(self, text: str, prefixes: Mapping[str | None, str]) -> None:
        self._tokens = _split(text)
        self._prefixes = prefixes
        self._at = 0
        self._depth = 0

    def whole(self) -> Content:
        """The expression, and nothing behind it."""
        content = self._any(self._boolean)
        if self._at < len(self._tokens):
            _refuse("There is more than an expression.")
        return content

    def _any(self, read: Callable[[], _Test[Subject]]) -> _Test[Subject]:
        parts = [self._all(read)]
        while self._takes("or"):
            parts.append(self._all(read))
        return parts[0] if len(parts) == 1 else lambda subject: any(part(subject) for part in parts)

    def _all(self, read: Callable[[], _Test[Subject]]) -> _Test[Subject]:
        parts = [self._one(read)]
        while self._takes("and"):
            parts.append(self._one(read))
        return parts[0] if len(parts) == 1 else lambda subject: all(part(subject) for part in parts)

    def _one(self, read: Callable[[], _Test[Subject]]) -> _Test[Subject]:
        if self._takes("not"):
            inner = self._inside(read)
            return lambda subject: not inner(subject)
        return self._inside(read) if self._is("(") else read()

    def _inside(self, read: Callable[[], _Test[Subject]]) -> _Test[Subject]:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            _refuse(f"An expression has at most {MOST_DEPTH} parentheses inside each other.")
        self._need("(")
        inner = self._any(read)
        self._need(")")
        self._depth -= 1
        return inner

    def _boolean(self) -> Content:
        """``boolean(//tt:SimpleItem[...])``: whether there is such an item."""
        self._need("boolean")
        self._need("(")
        _, prefix, step, _, _ = self._next()
        if step is None:
            _refuse("An item is written like //tt:SimpleItem[...].")
        known = TT if prefix in (None, "tt") else None
        # Without a prefix it is the name that is meant, whatever else holds in the request.
        if prefix is not None and self._prefixes.get(prefix, known) != TT:
            _refuse(f"The prefix {prefix} does not stand for the schema of ONVIF.")
        self._need("[")
        test = self._any(self._comparison)
        self._need("]")
        self._need(")")
        if step == "ElementItem":
            return lambda items: False  # noqa: ARG005 (no message has one)
        return lambda items: any(map(test, items))

    def _comparison(self) -> _Test[Item]:
        """``@Name="..."``: whether an attribute of an item has a value."""
        attribute = self._next()[3]
        if attribute not in ("@Name", "@Value"):
            _refuse('An item is compared like @Name="..." or @Value="...".')
        self._need("=")
        text = self._next()[0]
        if text is None:
            _refuse("A value stands in quotes.")
        place, wanted = ("@Name", "@Value").index(attribute), text[1:-1]
        return lambda item: item[place] == wanted

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            _refuse("The expression is not complete.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _is(self, word: str) -> bool:
        if self._at >= len(self._tokens):
            return False
        *_, name, sign = self._tokens[self._at]
        return word in (sign, (name or "").lower())

    def _takes(self, word: str) -> bool:
        found = self._is(word)
        self._at += found
        return found

    def _need(self, word: str) -> None:
        if not self._takes(word):
            _refuse(f"There should be {word} in the expression where something else is.")


def _split(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            if not text[place:].strip():
                break
            _refuse("The expression has something that is not of the dialect ItemFilter.")
        text_, prefix, step, name, sign = match.groups()
        tokens.append((text_, prefix, step, name, sign))
        place = match.end()
    return tokens


def _refuse(reason: str) -> NoReturn:
    raise BadFilter(reason, "InvalidMessageContentExpressionFault")
