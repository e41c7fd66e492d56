"""The configuration: a TOML file and environment variables, read into :class:`relaycore.settings.Config`.

All mistakes are reported together, those of a file each as ``file:line: key: what is wrong; what would be
right``, those of the environment with the name of the variable.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from relaycore.control.checking import Mistakes, check_table, placed
from relaycore.control.checking_together import check_together, over_defaults
from relaycore.control.environment import overlay
from relaycore.control.toml_lines import KeyPath, key_lines
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import Config

__all__ = ["load_config", "read_config"]

_NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})

LARGEST_FILE = 1 << 20
"""Bytes; a larger file is not one of settings."""

_SYNTAX_POSITION = re.compile(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)

_SYNTAX_HINTS = {
    "Invalid value": Message('text needs quotes, like camera = "pattern"'),
    "Cannot overwrite a value": Message("the key is there twice; keep one of them"),
    "Cannot declare": Message("the table is there twice; join the two"),
    "Cannot mutate": Message("the table is already complete; write its keys in one place"),
    "Expected '='": Message("a setting is written key = value"),
    "Unterminated string": Message("the closing quote is missing"),
    "Illegal character": Message("the closing quote is missing, or a character is not allowed there"),
    "Expected newline": Message("each setting stands on a line of its own"),
    "Unclosed array": Message("the closing ] is missing"),
    "Expected ']'": Message("the closing ] is missing"),
    "Unclosed inline table": Message("the closing } is missing"),
    "Unescaped '\\'": Message("write Windows paths in single quotes, like 'C:\\video.mp4'"),
}


def load_config(path: Path, environment: Mapping[str, str] = _NO_ENVIRONMENT) -> Config:
    """The settings in a file, and over them those of the environment.

    ConfigurationError with all mistakes, or with why the file cannot be read.
    """
    return read_config(_read(path), str(path), environment)


def read_config(text: str, name: str, environment: Mapping[str, str] = _NO_ENVIRONMENT) -> Config:
    """The settings in a TOML text, and over them those of the environment.

    ``name`` is how mistakes call the file. ConfigurationError with all mistakes.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_syntax_mistake(text, name, error)) from None
    mistakes: Mistakes = []
    variables = overlay(document, environment, mistakes)
    config = check_table(Config, document, (), mistakes)
    check_together(document, mistakes)
    if config is None or mistakes:
        raise ConfigurationError(*_located(mistakes, key_lines(text), name, variables))
    return _with_defaults(config, document)


def _read(path: Path) -> str:
    try:
        if path.is_dir():  # reading it fails on every system, but only on some because it is a folder
            raise ConfigurationError(
                Message("{path} is a folder: name the configuration file in it.", path=path)
            )
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigurationError(
                Message("{path} is larger than 1 MiB: name a file of settings in TOML.", path=path)
            )
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(
            Message("{path} does not exist: check the name of the configuration file.", path=path)
        ) from None
    except PermissionError:
        raise ConfigurationError(
            Message("{path} may not be read by this user: change its permissions.", path=path)
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(Message("{path} is not UTF-8 text: save it as UTF-8.", path=path)) from None
    except OSError as error:
        raise ConfigurationError(
            Message("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror)
        ) from None


def _with_defaults(config: Config, document: Mapping[str, Any]) -> Config:
    """The settings with normal paths, where what a path leaves out is as in ``path_defaults``."""
    paths = {
        key: over_defaults(config.path_defaults, settings, document["paths"][key])
        for key, settings in config.paths.items()
    }
    return msgspec.structs.replace(config, paths=paths).with_normal_paths()


def _located(
    mistakes: Mistakes, lines: Mapping[KeyPath, int], name: str, variables: Mapping[KeyPath, str]
) -> list[str]:
    """The mistakes of the file in its order, each with its line, and then those of the environment."""
    in_file: list[tuple[int, str]] = []
    of_variables: list[str] = []
    for mistake in mistakes:
        variable = _variable(mistake.path, variables, lines)
        if variable is not None:
            of_variables.append(placed(variable, mistake.of_variable(variable)))
        else:
            line = _line(mistake.path, lines)
            in_file.append((line, placed(f"{name}:{line}: {_key(mistake.path)}", mistake.in_file())))
    return [text for _, text in sorted(in_file, key=lambda item: item[0])] + of_variables


def _variable(path: KeyPath, variables: Mapping[KeyPath, str], lines: Mapping[KeyPath, int]) -> str | None:
    """The variable that a mistake is in: the one of its key, or of a table that only variables make."""
    for length in range(len(path), 0, -1):
        above = path[:length]
        if above in variables:
            return variables[above]
        if above in lines:
            return None
        for key, name in variables.items():
            if key[:length] == above:
                parts = [*name.split("__")[:length], *(str(part).upper() for part in path[length:])]
                return "__".join(parts)
    return None


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
    place, reason = f"{name}:{line}:{column}", f"{reason[:1].lower()}{reason[1:]}"
    if hint is None:
        return Message("{place}: this is not TOML: {reason}.", place=place, reason=reason)
    return Message("{place}: this is not TOML: {reason}; {hint}.", place=place, reason=reason, hint=hint)
