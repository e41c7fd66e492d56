"""The lines of TOML keys, for every way in which TOML can write one."""

import tomllib

import pytest

from relaycore.control.toml_lines import KeyPath, key_lines


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("# comment\n\n[t]\n  k = true # [x]\n", ("t", "k"), 4),
        ("[a.b]\nc = 1", ("a", "b", "c"), 2),
        ("a.b.c = 1\na.d = 2", ("a", "d"), 2),
        ('[cameras."house/front"]\nfps = 3', ("cameras", "house/front", "fps"), 2),
        ("'quoted key' = 1", ("quoted key",), 1),
        ('"\\u0061\\tb" = 1', ("a\tb",), 1),
        ('a = """\n[not]\nb = 1\n"""\nb = 2', ("b",), 5),
        ("a = '''\nb = 1'''''\nb = 2", ("b",), 3),
        ('a = "x\\"]#"\nb = 2', ("b",), 2),
        ("a = [\n  1,\n  [2, 3], # c\n]\nb = 2", ("a", 1), 3),
        ("a = [\n  1,\n  [2, 3], # c\n]\nb = 2", ("b",), 5),
        ("[[u]]\nn = 1\n[[u]]\nn = 2", ("u", 1, "n"), 4),
        ("[[u]]\n[u.x]\nn = 1\n[[u]]\n[u.x]\nn = 2", ("u", 1, "x", "n"), 6),
        ("[[a]]\n[[a.b]]\n[[a.b]]\nc = 1", ("a", 0, "b", 1, "c"), 4),
        ("u = [{n = 1}, \n {n = 2, m.o = 3}]", ("u", 1, "m", "o"), 2),
        ("a = {}\nb = []\nd = 1979-05-27T07:32:00Z\nc = 3", ("c",), 4),
        ("a = 1\r\n\r\nb = 2\r\n", ("b",), 3),
    ],
)
def test_line_of_a_key(text: str, path: KeyPath, line: int) -> None:
    assert key_lines(text)[path] == line


def test_every_value_of_a_document_has_a_line() -> None:
    text = """
        title = "all kinds"
        [[users]]
        name = "a"
        tags = ["x", { y = [1, 2] }]
        [[users]]
        name = 'b'
        [cameras.front]
        size = "1x1"
        [cameras.front.more]
        deep."er" = 1.5
    """

    def walk(value: object, path: KeyPath) -> set[KeyPath]:
        found = {path} if path else set()
        if isinstance(value, dict):
            for key, item in value.items():
                found |= walk(item, (*path, key))
        if isinstance(value, list):
            for index, item in enumerate(value):
                found |= walk(item, (*path, index))
        return found

    lines = key_lines(text)
    assert walk(tomllib.loads(text), ()) <= lines.keys()


def test_a_document_without_keys_has_no_lines() -> None:
    assert key_lines("\n # nothing\n") == {}
