"""The documentation names every setting and every limit, with the values that the program has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from relaycore._relaycore import limits
from relaycore.alerts.watch import rules_of
from relaycore.control.config import read_config
from relaycore.settings import (
    AccessRule,
    AccessSettings,
    AlertSettings,
    CameraSettings,
    Config,
    IceServer,
    JourneySettings,
    LedgerSettings,
    MailSettings,
    MaskSettings,
    MotionSettings,
    MulticastSettings,
    OnvifSettings,
    PathSettings,
    ProtocolSettings,
    RetentionSettings,
    TlsSettings,
    TokenSettings,
    User,
)

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
Settings = type[msgspec.Struct]
SECTIONS: list[tuple[str, Settings]] = [
    ("The server", Config),
    ("Cameras", CameraSettings),
    ("Masks", MaskSettings),
    ("Motion", MotionSettings),
    ("Paths", PathSettings),
    ("Data protocol", ProtocolSettings),
    ("Multicast", MulticastSettings),
    ("Users", User),
    ("ICE servers", IceServer),
    ("Access", AccessSettings),
    ("Tokens", TokenSettings),
    ("Rules", AccessRule),
    ("Journeys", JourneySettings),
    ("ONVIF", OnvifSettings),
    ("Ledger", LedgerSettings),
    ("Alerts", AlertSettings),
    ("Mail", MailSettings),
    ("Retention", RetentionSettings),
    ("Encryption", TlsSettings),
]

HEADERS: dict[Settings, str] = {
    Config: "",
    CameraSettings: "[cameras.front]\n",
    MaskSettings: "[[cameras.front.masks]]\n",
    MotionSettings: "[cameras.front.motion]\n",
    PathSettings: "[paths.front]\n",
    ProtocolSettings: "[paths.front.protocol]\n",
    MulticastSettings: "[paths.front.multicast]\n",
    User: "[[users]]\n",
    IceServer: "[[ice_servers]]\n",
    AccessSettings: "[access]\n",
    AccessRule: "[[access.rules]]\n",
    JourneySettings: "[journeys]\n",
    OnvifSettings: "[onvif]\n",
    TokenSettings: "[access.tokens]\n",
    LedgerSettings: "[ledger]\n",
    AlertSettings: "[alerts]\n",
    MailSettings: "[alerts.mail]\n",
    RetentionSettings: "[ledger.retention]\n",
    TlsSettings: "[tls]\n",
}

WITH: dict[str, str] = {
    **dict.fromkeys(
        ("source_on_demand", "on_demand_close_after", "source_transport", "loop"), 'source = "a.mp4"'
    ),
    **dict.fromkeys(("encoder", "bitrate", "gop_seconds"), 'transcode = "auto"'),
    **dict.fromkeys(("fill", "name"), "rectangle = [0, 0, 1, 1]"),
    **dict.fromkeys(("key_file", "jwks_file"), 'algorithms = ["EdDSA"]'),
    **dict.fromkeys(("issuer", "audience"), 'key_file = "a.pem"\nalgorithms = ["EdDSA"]'),
    "algorithms": 'key_file = "a.pem"',
}
"""What has to stand beside an example of a setting of a path, a mask or tokens."""


def section(title: str) -> str:
    """What stands under a heading."""
    return TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_defaults_of_the_rules_of_alerts_are_those_of_the_program() -> None:
    """What differs from the text below their table, and all keys that a rule has of its own."""
    written = {
        key: tomllib.loads(f"key = {default.strip('`')}")["key"]
        for key, default in re.findall(
            r"^\| `(\w+\.\w+)` \| (`[^`]+`) ", section("Alerts"), flags=re.MULTILINE
        )
    }
    common = {"enabled": True, "severity": "warning", "repeat_minutes": 60}
    defaults = {
        f"{rule}.{field.name}": field.default
        for rule, settings in rules_of(AlertSettings()).items()
        for field in msgspec.structs.fields(settings)
        if field.name not in common or field.default != common[field.name]
    }
    assert written == defaults


def rows(title: str) -> dict[str, list[str]]:
    """The table of a section: the other cells by the key in the first one."""
    found = {}
    for line in section(title).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and "." not in cells[0]:
            found[cells[0].strip("`")] = cells[1:]
    return found


@pytest.mark.parametrize(("title", "settings"), SECTIONS)
def test_every_key_is_there_and_no_other(title: str, settings: Settings) -> None:
    """A key that is new, renamed or gone."""
    assert sorted(rows(title)) == sorted(field.encode_name for field in msgspec.structs.fields(settings))


@pytest.mark.parametrize(("title", "settings"), SECTIONS)
def test_defaults_are_those_of_the_program(title: str, settings: Settings) -> None:
    """A default in a code span is a value in TOML; one in words stands for what has no value."""
    table = rows(title)
    for field in msgspec.structs.fields(settings):
        written = re.fullmatch("`(.+)`", table[field.encode_name][0])
        has_value = field.default not in (msgspec.NODEFAULT, None)
        assert (written is not None) == has_value, field.encode_name
        if written is not None:
            assert tomllib.loads(f"key = {written[1]}")["key"] == field.default


@pytest.mark.parametrize(("title", "settings"), SECTIONS)
def test_examples_of_keys_are_right(title: str, settings: Settings) -> None:
    """Each example is a line of a file that is read without a mistake."""
    examples = {key: cells[1].strip("`") for key, cells in rows(title).items()}
    if settings in (User, IceServer, MulticastSettings, MailSettings, TlsSettings, AccessRule):
        texts = ["\n".join(examples.values())]
    elif settings in (PathSettings, MaskSettings, TokenSettings):
        texts = [f"{example}\n{WITH.get(key, '')}" for key, example in examples.items()]
    else:
        texts = [example for example in examples.values() if not example.startswith("[")]
    for text in texts:
        read_config(HEADERS[settings] + text, "example")


def test_limits_are_those_of_the_engine() -> None:
    """Name, default, range and unit of every limit, in the order in which the engine lists them."""
    written = [(key, *cells[:3]) for key, cells in rows("Limits").items()]
    assert written == [
        (name, str(default), f"{lowest} to {highest}", unit)
        for name, unit, default, lowest, highest in limits()
    ]


def test_blocks_of_toml_are_right() -> None:
    """The files that are shown can be used."""
    blocks = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        read_config(block, "example")


def test_links_of_the_pages_lead_somewhere() -> None:
    """Links to files of the repository, in every page."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/**/*.md")]
    assert pages
    missing = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert missing == []
