"""Paths in the configuration file: what is read, what holds where nothing is said, and every mistake."""

import pytest

from relaycore.control.config import read_config
from relaycore.errors import ConfigurationError
from relaycore.settings import Config, MulticastSettings, PathSettings, User, masked


def mistakes_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        read_config(text, "r.toml")
    return caught.value.mistakes


def test_all_settings_of_a_path_are_read() -> None:
    config = read_config(
        """
        publish = "configured"
        [[users]]
        name = "anna"
        password = "x"
        role = "viewer"
        [paths."/house/door/"]
        source = ["rtsp://a:b@camera/1", 'C:\\video\\away.mp4']
        source_on_demand = true
        on_demand_close_after = 3
        source_transport = "udp"
        loop = false
        publish = false
        read = ["anna"]
        takeover = true
        publisher_timeout = 0
        join = "wait"
        transcode = "h264"
        encoder = "libx264"
        bitrate = "1M"
        gop_seconds = 2
        forward = ["rtmp://server/app/key"]
        on_ready = [["notify", "{path}"], "https://example.org/{path}"]
        [paths."/house/door/".multicast]
        group = "ff15::1"
        port = 6000
        ttl = 4
        interface = "eth0"
        """,
        "r.toml",
    )
    assert config.publish == "configured"
    assert config.users == [User(name="anna", password="x", role="viewer")]
    door = config.path_settings("house/door")
    assert door.sources == ["rtsp://a:b@camera/1", "C:\\video\\away.mp4"]
    assert (door.source_on_demand, door.on_demand_close_after, door.loop) == (True, 3.0, False)
    assert (door.publish, door.read, door.takeover, door.publisher_timeout) == (False, ["anna"], True, 0.0)
    assert (door.transcode, door.bits_per_second, door.gop_seconds) == ("h264", 1_000_000, 2.0)
    assert door.forward == ["rtmp://server/app/key"]
    assert door.multicast == MulticastSettings(group="ff15::1", port=6000, ttl=4, interface="eth0")
    assert door.on_ready == [["notify", "{path}"], "https://example.org/{path}"]


def test_what_a_path_leaves_out_is_as_in_the_defaults() -> None:
    config = read_config(
        "[path_defaults]\ntakeover = true\njoin = 'wait'\n"
        "[paths.a]\njoin = 'raw'\n[paths.b]\ntakeover = false",
        "r.toml",
    )
    assert config.path_settings("a") == PathSettings(takeover=True, join="raw")
    assert config.path_settings("b") == PathSettings(takeover=False, join="wait")
    assert config.path_settings("any other") == PathSettings(takeover=True, join="wait")


def test_the_defaults_of_the_program_hold_without_any() -> None:
    assert Config().path_settings("any") == PathSettings()
    assert PathSettings().sources == []


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            '[paths.a]\nsource = "ftp://a/b"',
            'r.toml:2: paths.a.source: "ftp://a/b" is not right; it should be a media file, or the URL of a '
            "stream (rtsp, rtsps, rtmp, rtmps, srt, http, https, udp, rtp), "
            'like source = "rtsp://user:password@camera/stream".',
        ),
        (
            '[paths.a]\nsource = [\n"x.mp4",\n"rtsp:///b",\n]',
            'r.toml:4: paths.a.source[2]: "rtsp:///b" is not right; it should be a media file, or the URL of '
            "a stream (rtsp, rtsps, rtmp, rtmps, srt, http, https, udp, rtp), "
            'like "rtsp://user:password@camera/stream".',
        ),
        (
            "[paths.a]\nsource = []",
            "r.toml:2: paths.a.source: [] is not right; it should be a media file, the URL of a stream, or a "
            'list of them that are tried in order, like source = "rtsp://user:password@camera/stream".',
        ),
        (
            '[paths.a]\nforward = ["http://a/b"]',
            'r.toml:2: paths.a.forward[1]: "http://a/b" is not right; it should be a URL to publish to '
            '(rtsp, rtsps, rtmp, rtmps, srt, udp, rtp), like "rtmp://server/app/key".',
        ),
        (
            "[paths.a]\nread = 3",
            "r.toml:2: paths.a.read: 3 is not right; it should be true, false or a list of users, "
            'like read = ["anna"].',
        ),
        (
            '[paths.a]\ntranscode = "vp8"',
            'r.toml:2: paths.a.transcode: "vp8" is not right; it should be `none`, `auto` or `h264`, '
            'like transcode = "auto".',
        ),
        (
            "[paths.a]\npublisher_timeout = -1",
            "r.toml:2: paths.a.publisher_timeout: -1 is not right; it should be seconds, up to a day, "
            "like publisher_timeout = 30.0.",
        ),
        (
            '[paths.a]\non_ready = [["notify", "{pth}"]]',
            'r.toml:2: paths.a.on_ready[1]: ["notify", "{pth}"] is not right; it should be a command as a '
            "list of words, or the URL of a webhook (http, https), with {path}, {session}, {user}, {peer}, "
            '{reason} where they are wanted, like ["notify", "{path}"].',
        ),
        (
            '[paths.a.multicast]\ngroup = "10.0.0.1"',
            'r.toml:2: paths.a.multicast.group: "10.0.0.1" is not right; it should be a multicast address of '
            'IPv4 or IPv6, like group = "239.255.0.1".',
        ),
        (
            '[paths.a]\nmulticast = { group = "239.255.0.1", port = 5005 }',
            "r.toml:2: paths.a.multicast.port: 5005 is not right; it should be an even port from 1024 to "
            "65504, like port = 5004.",
        ),
        (
            "[paths.a]\nmulticast = { port = 5004 }",
            "r.toml:2: paths.a.multicast.group: it is missing; it should be a multicast address of IPv4 or "
            'IPv6, like group = "239.255.0.1".',
        ),
        (
            '[cameras.a]\n[paths.a]\nsource = "rtsp://camera/1"',
            "r.toml:3: paths.a.source: [cameras.a] is at this path already; choose another path, or "
            "remove one.",
        ),
        (
            '[path_defaults]\nsource = "rtsp://camera/1"',
            "r.toml:2: path_defaults.source: all paths would have the same; write it into the table of one "
            "path, like [paths.front].",
        ),
        (
            "[paths.a]\nloop = true",
            "r.toml:2: paths.a.loop: it does nothing without source; set source for a, or remove this.",
        ),
        (
            "[paths.a]\ngop_seconds = 1",
            "r.toml:2: paths.a.gop_seconds: it does nothing without transcode; set transcode for a, or "
            "remove this.",
        ),
        (
            '[paths.a]\ntranscode = "auto"\n[paths."a/h264"]',
            "r.toml:3: paths.a/h264: transcode of a serves its stream at this path; choose another path.",
        ),
        (
            '[paths.a.multicast]\ngroup = "239.255.0.1"\n[paths.b.multicast]\n'
            'group = "239.255.0.1"\nport = 5030',
            "r.toml:4: paths.b.multicast.group: a sends to this group, too; choose another group, or a port "
            "that is at least 32 away from 5004.",
        ),
        (
            '[[users]]\nname = "anna"\npassword = "x"\n[paths.a]\nread = ["ana"]',
            'r.toml:5: paths.a.read[1]: there is no user "ana"; did you mean anna?',
        ),
        (
            '[paths.a]\nforward = ["rtsp://localhost:8554/a"]',
            "r.toml:2: paths.a.forward[1]: it is this path itself; name another server or path.",
        ),
        (
            'port = 554\nhost = "10.0.0.1"\n[paths.a]\nsource = "rtsp://10.0.0.1/a/"',
            "r.toml:4: paths.a.source: it is this path itself; name another server or path.",
        ),
        (
            '[paths."a b"]',
            "r.toml:1: paths.a b: it is not a path; use letters, digits, '-', '_' and '.', "
            "like [paths.front].",
        ),
    ],
)
def test_a_mistake_says_where_what_and_what_would_be_right(text: str, mistake: str) -> None:
    assert mistakes_of(text) == (mistake,)


def test_paths_that_feed_each_other_are_found_at_both_ends() -> None:
    mistakes = mistakes_of(
        '[paths.a]\nforward = ["rtsp://127.0.0.1:8554/b"]\n[paths.b]\n[paths.c]\n'
        'source = "rtsp://localhost:8554/b"\nforward = ["rtsp://[::1]:8554/a"]'
    )
    assert [mistake.split(": ", 2)[:2] for mistake in mistakes] == [
        ["r.toml:2", "paths.a.forward[1]"],
        ["r.toml:5", "paths.c.source"],
        ["r.toml:6", "paths.c.forward[1]"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        '[paths.a]\nforward = ["rtsp://127.0.0.1:8554/b"]',
        '[paths.a]\nforward = ["rtsp://127.0.0.1:9000/a"]',
        '[paths.a]\nsource = "rtsp://other/a"\nforward = ["rtsp://other/b"]',
        '[cameras.a]\n[paths.a]\nread = false\nforward = ["rtmp://server/a"]',
        '[path_defaults]\ntranscode = "auto"\n[paths.a]\nbitrate = "1M"',
        '[path_defaults]\ntranscode = "auto"\n[paths.a]\ntranscode = "none"\n[paths."a/h264"]\n',
        '[paths.a]\nread = ["who comes from the command line"]',
    ],
)
def test_what_only_looks_like_a_mistake_is_none(text: str) -> None:
    read_config(text, "r.toml")


@pytest.mark.parametrize(
    "text",
    [
        '[paths.a]\nsource = "gopher://anna:hunter2@camera/1"',
        '[paths.a]\nsource = "rtsp://anna:hun/ter@hunter2@"',
        '[paths.a]\nforward = ["http://anna:hunter2@camera/1"]',
        '[paths.a]\non_ready = [["notify", "http://anna:hunter2@host", "{pth}"]]',
    ],
)
def test_mistakes_do_not_show_passwords(text: str) -> None:
    (mistake,) = mistakes_of(text)
    assert "***@" in mistake
    assert "hun" not in mistake


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://anna:hunter2@camera/1", "rtsp://***@camera/1"),
        ("rtsp://anna@camera/1", "rtsp://***@camera/1"),
        ("rtsp://anna:hun@ter/2@camera/1", "rtsp://***@camera/1"),
        ("http://camera/1?user=a&password=hunter2&x=1", "http://camera/1?user=a&password=***&x=1"),
        ("srt://server:9000?streamid=a&passphrase=hunter2", "srt://server:9000?streamid=a&passphrase=***"),
        ("rtsp://camera/1", "rtsp://camera/1"),
        ("a@b.mp4", "a@b.mp4"),
        ("from rtsp://a:b@c/d to rtmp://e/f", "from rtsp://***@c/d to rtmp://e/f"),
    ],
)
def test_urls_are_shown_without_secrets(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_settings_are_represented_without_secrets() -> None:
    url = "rtsp://anna:hunter2@camera/1"
    settings = PathSettings(source=[url], forward=[url], on_ready=[url, ["notify", url]])
    config = Config(paths={"a": settings}, path_defaults=PathSettings(on_not_ready=[url]))
    assert repr(settings).startswith("PathSettings(source=['rtsp://***@camera/1'], forward=")
    assert "hunter2" not in repr(config) + str(settings.__rich_repr__())
    assert repr(PathSettings()) == "PathSettings()"
