"""The configuration file: TOML, read into :class:`relaycore.settings.Config`.

All mistakes of a file are reported together, each as ``file:line: key: what is wrong; what would be right``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from relaycore.control.checking import Mistakes, check_table
from relaycore.control.checking_together import check_together, over_defaults
from relaycore.control.toml_lines import KeyPath, key_lines
from relaycore.errors import ConfigurationError
from relaycore.settings import Config, normal_path

__all__ = ["load_config", "read_config"]

LARGEST_FILE = 1 << 20
"""Bytes; a larger file is not one of settings."""

_SYNTAX_POSITION = re.compile(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)

_SYNTAX_HINTS = {
    "Invalid value": 'text needs quotes, like camera = "pattern"',
    "Cannot overwrite a value": "the key is there twice; keep one of them",
    "Cannot declare": "the table is there twice; join the two",
    "Cannot mutate": "the table is already complete; write its keys in one place",
    "Expected '='": "a setting is written key = value",
    "Unterminated string": "the closing quote is missing",
    "Illegal character": "the closing quote is missing, or a character is not allowed there",
    "Expected newline": "each setting stands on a line of its own",
    "Unclosed array": "the closing ] is missing",
    "Expected ']'": "the closing ] is missing",
    "Unclosed inline table": "the closing } is missing",
    "Unescaped '\\'": "write Windows paths in single quotes, like 'C:\\video.mp4'",
}


def load_config(path: Path) -> Config:
    """The settings in a file. ConfigurationError with all mistakes, or with why the file cannot be read."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigurationError(f"{path} is larger than 1 MiB: name a file of settings in TOML.")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path} does not exist: check the name of the configuration file."
        ) from None
    except IsADirectoryError:
        raise ConfigurationError(f"{path} is a folder: name the configuration file in it.") from None
    except PermissionError:
        raise ConfigurationError(f"{path} may not be read by this user: change its permissions.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text: save it as UTF-8.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    return read_config(text, str(path))


def read_config(text: str, name: str) -> Config:
    """The settings in a TOML text; ``name`` is how mistakes call the file."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_syntax_mistake(text, name, error)) from None
    mistakes: Mistakes = []
    config = check_table(Config, document, (), mistakes)
    check_together(document, mistakes)
    if config is None or mistakes:
        raise ConfigurationError(*_located(mistakes, key_lines(text), name))
    return _with_defaults(config, document)


def _with_defaults(config: Config, document: Mapping[str, Any]) -> Config:
    """The settings with normal paths, where what a path leaves out is as in ``path_defaults``."""
    paths = {}
    for key, settings in config.paths.items():
        paths[normal_path(key)] = over_defaults(config.path_defaults, settings, document["paths"][key])
    cameras = {normal_path(key): settings for key, settings in config.cameras.items()}
    return msgspec.structs.replace(config, cameras=cameras, paths=paths)


def _located(mistakes: Mistakes, lines: Mapping[KeyPath, int], name: str) -> list[str]:
    """The mistakes in the order of the file, each with its line."""
    placed = [(_line(mistake.path, lines), mistake) for mistake in mistakes]
    placed.sort(key=lambda item: item[0])
    return [f"{name}:{line}: {_key(mistake.path)}: {mistake.text}" for line, mistake in placed]


def _line(path: KeyPath, lines: Mapping[KeyPath, int]) -> int:
    """The line of a key, or that of the table in which it is missing."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _key(path: KeyPath) -> str:
    """The key as a person would write it: ``cameras.front.size``, ``users[2].name`` (counted from 1)."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _syntax_mistake(text: str, name: str, error: tomllib.TOMLDecodeError) -> str:
    match = _SYNTAX_POSITION.fullmatch(str(error))
    reason = match[1] if match is not None else str(error)
    if match is not None and match[2] is not None:
        line, column = int(match[2]), int(match[3])
    else:
        line, column = text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1
    hint = next((hint for start, hint in _SYNTAX_HINTS.items() if reason.startswith(start)), None)
    sentence = f"{name}:{line}:{column}: this is not TOML: {reason[:1].lower()}{reason[1:]}"
    return f"{sentence}; {hint}." if hint else f"{sentence}."
