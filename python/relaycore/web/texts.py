"""The texts of the scripts in one language, for ``texts.js``: ``/static/texts.LANGUAGE.json``.

They are those of the catalogues that stand in a script, under their English text. A text with a plural has a
form for each category that ``Intl.PluralRules`` knows for the language (CLDR).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final

import msgspec
from aiohttp import hdrs, web

from relaycore.language import PSEUDO, SOURCE, Message, direction, known
from relaycore.language.catalogues import tags
from relaycore.language.message import translation
from relaycore.language.scripts import plural_samples, texts_of_scripts
from relaycore.web.answers import Problem, Refused
from relaycore.web.routes import Answered, Route

__all__ = ["ROUTES", "ScriptTexts", "script_texts", "texts_answer"]

_HEADERS: Final = {
    "Cache-Control": "no-cache",  # asks each time whether it is still the same, which costs no body
    "X-Content-Type-Options": "nosniff",
}


class ScriptTexts(msgspec.Struct, frozen=True, kw_only=True):
    """What ``texts.js`` needs to speak a language."""

    language: str
    """Its tag (BCP 47)."""

    direction: str
    """`ltr` or `rtl`."""

    texts: dict[str, str | dict[str, str]]
    """Each English text in this language. With a plural: its form for each category of CLDR."""


@cache
def script_texts(tag: str) -> ScriptTexts:
    """The texts of a language."""
    texts: dict[str, str | dict[str, str]] = {}
    if tag != SOURCE:
        samples = plural_samples(SOURCE if tag == PSEUDO else tag)
        for text, many in texts_of_scripts() if tags() else ():
            texts[text] = (
                translation(text, None, 0, tag)
                if many is None
                else {category: translation(text, many, sample, tag) for category, sample in samples.items()}
            )
    return ScriptTexts(language=tag, direction=direction(tag), texts=texts)


@cache
def _encoded(tag: str) -> tuple[bytes, str]:
    body = msgspec.json.encode(script_texts(tag))
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'


async def get_texts(request: web.Request) -> web.Response:
    """Answers with the texts, or that they are still the same (RFC 9110 section 13.1.2)."""
    return texts_answer(request, request.match_info["language"])


def texts_answer(
    request: web.Request, language: str, more_headers: Mapping[str, str] = MappingProxyType({})
) -> web.Response:
    """The answer to a request for the texts in a language. Refused where there is none of that name."""
    tag = known(language)
    if tag is None:
        raise Refused(404, Message("There is no such language here."))
    body, etag = _encoded(tag)
    headers = {**_HEADERS, **more_headers, hdrs.ETAG: etag}
    if etag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", headers=headers)


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/static/texts.{language}.json",
        name="getTexts",
        summary="The texts of the scripts of pages in one language, under their English text.",
        access="open",
        handler=get_texts,
        parameters={"language": "The tag of the language, like `fr` or `zh-Hans`."},
        answers={
            200: Answered("The texts.", ScriptTexts),
            304: Answered("They are as the browser has them.", media_type="text/plain"),
            404: Answered("There is no such language.", Problem),
        },
    ),
)
