"""Pages, refusals and texts of scripts in the language of whoever asks."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relaycore import Relay
from relaycore.language import PSEUDO, languages
from relaycore.language.pseudo import CLOSE, OPEN, pseudo
from relaycore.web import texts
from relaycore.web.texts import script_texts

TEXTS_JS = Path(texts.__file__).parent / "static" / "texts.js"


class Browser:
    """Asks a relay, and keeps no cookies."""

    def __init__(self, base: str, http: aiohttp.ClientSession) -> None:
        self._base, self._http = base, http

    async def get(self, address: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._http.get(self._base + address, headers=named) as response:
            return response, await response.text()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with (
        Relay(port=0, language="de") as relay,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        host, port = relay.address
        yield Browser(f"http://{host}:{port}", http)


async def test_a_page_is_in_the_language_of_the_browser(browser: Browser) -> None:
    response, page = await browser.get("/", Accept_Language="fr-CA, en;q=0.5")
    assert '<html lang="fr" dir="ltr">' in page
    assert response.headers["Content-Language"] == "fr"
    assert response.headers["Vary"] == "Accept-Language, Cookie"


async def test_a_page_in_arabic_runs_from_right_to_left(browser: Browser) -> None:
    _, page = await browser.get("/", Accept_Language="ar-EG")
    assert '<html lang="ar" dir="rtl">' in page


async def test_the_setting_is_for_browsers_that_ask_for_nothing_that_is_there(browser: Browser) -> None:
    _, page = await browser.get("/", Accept_Language="tlh")
    assert '<html lang="de" dir="ltr">' in page
    _, page = await browser.get("/")
    assert '<html lang="de" dir="ltr">' in page


async def test_a_choice_is_kept_and_wins(browser: Browser) -> None:
    response, page = await browser.get("/?language=es", Accept_Language="fr")
    assert '<html lang="es" dir="ltr">' in page
    cookie = response.cookies["language"]
    assert (cookie.value, cookie["samesite"], cookie["path"]) == ("es", "Lax", "/")
    _, page = await browser.get("/", Accept_Language="fr", Cookie="language=es")
    assert '<html lang="es" dir="ltr">' in page
    response, page = await browser.get("/?language=%22%3Cscript%3E", Accept_Language="fr")
    assert '<html lang="fr" dir="ltr">' in page
    assert "language" not in response.cookies


async def test_a_page_links_to_itself_in_every_language(browser: Browser) -> None:
    _, page = await browser.get("/")
    for tag in languages():
        assert f'href="?language={tag}" lang="{tag}"' in page
    assert ">Français<" in page
    assert PSEUDO not in page


async def test_a_refusal_is_in_the_language_of_who_asks(browser: Browser) -> None:
    address = "/api/v1/nothing"
    english = "There is nothing at {path}: GET {list} lists all that there is."
    response, _ = await browser.get(address, Accept_Language=PSEUDO)
    found: Any = await response.json()
    said = pseudo(english).replace("{path}", address).replace("{list}", "/api/v1/openapi.json")
    assert (response.status, found["error"]) == (404, said)
    response, _ = await browser.get(address, Accept_Language="en")
    assert (await response.json())["error"].startswith("There is nothing at /api/v1/nothing: ")


async def test_the_texts_of_scripts_are_kept_until_they_change(browser: Browser) -> None:
    response, _ = await browser.get("/static/texts.ar.json")
    found: Any = await response.json()
    assert (found["language"], found["direction"]) == ("ar", "rtl")
    etag = response.headers["ETag"]
    response, body = await browser.get("/static/texts.ar.json", If_None_Match=etag)
    assert (response.status, body) == (304, "")
    response, _ = await browser.get("/static/texts.tlh.json")
    assert response.status == 404


def test_texts_of_scripts_have_a_form_for_each_category(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        texts, "texts_of_scripts", lambda: (("Play", None), ("{count} viewer", "{count} viewers"))
    )
    script_texts.cache_clear()
    try:
        assert script_texts("en").texts == {}
        assert str(script_texts(PSEUDO).texts["Play"]).startswith(OPEN)
        assert set(script_texts(PSEUDO).texts["{count} viewer"]) == {"one", "other"}
        assert set(script_texts("ar").texts["{count} viewer"]) == {
            "zero",
            "one",
            "two",
            "few",
            "many",
            "other",
        }
        assert set(script_texts("zh-Hans").texts["{count} viewer"]) == {"other"}
    finally:
        script_texts.cache_clear()


SCRIPT = """
import { t, tn, number, useTexts, speaking } from "%s";
const out = [t("Play {path}", { path: "cam" }), tn("{count} viewer", "{count} viewers", 1),
  tn("{count} viewer", "{count} viewers", 1234)];
useTexts({ language: "ar", direction: "rtl", texts: { "Play {path}": "شغّل {path}",
  "{count} viewer": { zero: "z", one: "o", two: "t", few: "f {count}", many: "m {count}",
    other: "x {count}" } } });
for (const n of [0, 1, 2, 3, 11, 100]) out.push(tn("{count} viewer", "{count} viewers", n));
out.push(t("Play {path}", { path: "cam" }), t("{unknown} is left", {}), number(1234.5), speaking().direction);
console.log(JSON.stringify(out));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node, which make test installs")
def test_scripts_speak_by_the_rules_of_the_language(tmp_path: Path) -> None:
    script = tmp_path / "try.mjs"
    module = tmp_path / "texts.mjs"
    module.write_text(TEXTS_JS.read_text(encoding="utf-8"), encoding="utf-8")
    script.write_text(SCRIPT % module.as_uri(), encoding="utf-8")
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, timeout=30, encoding="utf-8")
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert said[:3] == ["Play cam", "1 viewer", "1,234 viewers"]
    assert said[3:9] == ["z", "o", "t", "f 3", "m 11", "x 100"]
    assert said[9:] == ["شغّل \u2068cam\u2069", "{unknown} is left", "1,234.5", "rtl"]
    assert CLOSE not in done.stdout
