"""Settings as a table of the configuration file, to be pasted into it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["toml_table"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_table(name: str, key: str, settings: Mapping[str, Any]) -> str:
    """The table ``[NAME.KEY]`` in TOML 1.0; values are those that JSON knows, and null leaves a key out."""
    lines = [f"{_key(item)} = {_value(value)}" for item, value in settings.items() if value is not None]
    return "\n".join([f"[{name}.{_key(key)}]", *lines]) + "\n"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            items = ", ".join(
                f"{_key(key)} = {_value(item)}" for key, item in value.items() if item is not None
            )
            return f"{{ {items} }}" if items else "{}"
    return repr(value)


def _text(text: str) -> str:
    """A basic string: JSON's escapes are all valid in TOML, which wants one more, for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
