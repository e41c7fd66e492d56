"""What a session description says (RFC 4566), read as leniently as players do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

__all__ = ["Description", "Media"]

MOST_MEDIA: Final = 16
"""Media sections of a description that are looked at."""


@dataclass(frozen=True, slots=True)
class Media:
    """One media section: its ``m=`` value, all of its lines, and the URL that it is set up by."""

    line: str
    lines: tuple[str, ...]
    control: str

    @property
    def is_sent(self) -> bool:
        """Whether the server sends it; a back channel is ``sendonly``, seen from the client."""
        return "a=sendonly" not in self.lines


@dataclass(frozen=True, slots=True)
class Description:
    """A description and the URLs in it, resolved against ``base`` (RFC 2326 section C.1.1)."""

    text: str
    lines: tuple[str, ...]
    media: tuple[Media, ...]
    control: str

    @classmethod
    def parse(cls, text: str, base: str) -> Description:
        """The sections of a text. A text that is no description has none."""
        own: list[str] = []
        sections: list[list[str]] = []
        for line in text.replace("\r\n", "\n").split("\n"):
            if line.startswith("m="):
                sections.append([line])
            elif line:
                (sections[-1] if sections else own).append(line)
        media = tuple(
            Media(lines[0][2:], tuple(lines), resolve(base, _control(lines)))
            for lines in sections[:MOST_MEDIA]
        )
        return cls(text, tuple(own), media, resolve(base, _control(own)))


def resolve(base: str, control: str) -> str:
    """The URL that an ``a=control`` means. A base without slash gets one, as all clients do."""
    if control in ("", "*"):
        return base
    if "://" in control:
        return control
    if control.startswith("/"):
        return urljoin(base.replace("rtsp", "http", 1), control).replace("http", "rtsp", 1)
    return f"{base}{'' if base.endswith('/') else '/'}{control}"


def _control(lines: list[str]) -> str:
    return next((line[10:].strip() for line in lines if line.startswith("a=control:")), "")
