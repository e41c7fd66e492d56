"""Settings that are written as TOML are read back as they were."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from relaycore.web.api.toml_table import toml_table


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"source": "rtsp://anna:p%40ss@192.0.2.7/x", "takeover": True, "loop": False},
        {"source": ["a", "C:\\clips\\b.mp4", 'a "quoted" one', "\x00\x1f\x7f\u2028é🎥"]},
        {"publisher_timeout": 2.5, "on_demand_close_after": 1e-7, "bitrate": 800_000},
        {"multicast": {"group": "239.0.0.1", "port": 5004}, "forward": []},
    ],
)
def test_what_is_written_is_read_back(settings: dict[str, Any]) -> None:
    for key in ("cam", "house/front", "a.b~c"):
        assert tomllib.loads(toml_table("paths", key, settings)) == {"paths": {key: settings}}


def test_null_leaves_a_key_out() -> None:
    given = {"bitrate": None, "multicast": {"group": "239.0.0.1", "interface": None}}
    expected = {"paths": {"cam": {"multicast": {"group": "239.0.0.1"}}}}
    assert tomllib.loads(toml_table("paths", "cam", given)) == expected
