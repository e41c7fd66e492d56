"""``relaycore bench``: loads any RTSP server, and measures what the machine could do at all."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

from relaycore.bench.compare import compare_results, show_comparison
from relaycore.bench.extras import need
from relaycore.bench.floor import FloorWishes, floor_plan, measure
from relaycore.bench.hosts import check_hosts, hosts_of
from relaycore.bench.options import (
    PASSWORD_VARIABLE,
    password_for,
    profile_from_options,
    settings_from_options,
)
from relaycore.bench.plan import FloorKind
from relaycore.bench.profiles import PROFILES, make_plan
from relaycore.bench.result import Floor, read_result, write_result
from relaycore.bench.server import ServerProcess
from relaycore.bench.session import Test, most_readers, perform
from relaycore.bench.summary import show_floors, show_result
from relaycore.bench.view import Progress
from relaycore.bench.wishes import Measures, Wishes
from relaycore.control.console import make_console, say
from relaycore.errors import ConfigurationError
from relaycore.language import Message, _, message_lines
from relaycore.system.descriptors import raise_descriptor_limit
from relaycore.system.event_loop import loop_factory

NAME = "bench"
HELP = "load any RTSP server with thousands of readers that check what they get"
DESCRIPTION = (
    "Publishes a stream whose pictures are numbered, timed and summed, reads it many times, and tells how "
    "late and how whole it came and what that cost the server. Only servers on this machine are loaded, "
    "unless they are said to be one's own."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    acts = parser.add_subparsers(metavar="ACT", required=True)
    run_act = _act(acts, "run", "load a server", _run)
    _add_run_options(run_act)
    floor = _act(acts, "floor", "measure what a bare loop on this machine needs for the same", _floor)
    _add_floor_options(floor)
    compare = _act(acts, "compare", "show two results beside each other", _compare)
    compare.add_argument("first", metavar="A.json", help="a result of `relaycore bench run --json`")
    compare.add_argument("second", metavar="B.json", help="another one, of the same plan")
    compare.add_argument(
        "--anyway", action="store_true", help="compare them even if their plans or machines differ"
    )


def run(arguments: argparse.Namespace) -> int:
    """Does one of the acts. What it raises is a RelaycoreError."""
    arguments.act(arguments)
    return 0


def _act(acts: Any, name: str, help_text: str, act: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = acts.add_parser(
        name, help=help_text, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(act=act)
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    """None has a default here but the profile: what is not given follows from it."""
    width = max(map(len, PROFILES)) + 2
    profiles = [f"  {name:{width}}{_(profile.about)}" for name, profile in PROFILES.items()]
    # Translated here already, since its lines are of a certain length.
    lines = [textwrap.fill(_(DESCRIPTION), 80), "", _("profiles:"), *profiles]
    parser.description = message_lines(lines)
    parser.add_argument("url", metavar="URL", help="what is read, like rtsp://127.0.0.1:8554/bench")
    parser.add_argument(
        "--i-own-this-server", dest="owned", action="store_true", help="load hosts that are not this machine"
    )
    load = parser.add_argument_group("load")
    load.add_argument("--profile", metavar="NAME", default="steady", help="one of the above; `steady`")
    load.add_argument("--readers", metavar="N", help="how many readers, 100 by default")
    load.add_argument("--transport", metavar="HOW", help="`tcp`, `udp` or `mixed`; `tcp` by default")
    load.add_argument(
        "--bitrate", metavar="N", help="bits per second of the stream, like 800k; 4M by default"
    )
    load.add_argument("--fps", metavar="N", help="pictures per second, 30 by default")
    load.add_argument("--gop", metavar="S", help="seconds between key frames, 2 by default")
    load.add_argument("--duration", metavar="S", help="seconds that are measured, 20 by default")
    load.add_argument(
        "--warm-up", metavar="S", help="seconds before that; by default as long as all readers take to come"
    )
    load.add_argument("--ramp", metavar="N", help="readers that begin in a second, 200 by default")
    load.add_argument("--threads", metavar="N", help="threads that read, by default half of the processors")
    load.add_argument("--cpus", metavar="LIST", help="processors to pin them to, like 1 or 0,2-3")
    load.add_argument("--seed", metavar="N", help="start of all random choices, 0 by default")
    load.add_argument(
        "--user",
        metavar="NAME",
        help=Message(
            "who reads and publishes; the password is in {password_variable}, or asked for",
            password_variable=PASSWORD_VARIABLE,
        ),
    )
    source = parser.add_argument_group("source")
    source.add_argument("--publish", metavar="URL", help="publish to this URL, if it is another one")
    source.add_argument("--publish-transport", metavar="HOW", help="`tcp` or `udp`; `tcp` by default")
    source.add_argument("--no-publish", action="store_true", help="read what is there already")
    source.add_argument(
        "--source-rtp",
        metavar="URL",
        help="send plain RTP to udp://HOST:PORT, for servers that take no publisher",
    )
    search = parser.add_argument_group("search")
    search.add_argument(
        "--find-max", action="store_true", help="search the most readers that the quality is held for"
    )
    search.add_argument("--most", metavar="N", help="most readers to try, 100000 by default")
    search.add_argument("--p99-ms", metavar="MS", help="quality: highest latency p99, 100 by default")
    search.add_argument("--allow-loss", action="store_true", help="quality: things may be lost")
    output = parser.add_argument_group("what is measured, and where it goes")
    output.add_argument("--pid", metavar="PID", help="process of the server, to tell what it uses")
    output.add_argument(
        "--floor",
        action="store_true",
        help="run a bare loop afterwards, and tell how far the server is from it",
    )
    output.add_argument("--json", metavar="FILE", help="write all figures to a file")
    output.add_argument("--html", metavar="FILE", help="write a page with plots to a file")


def _add_floor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sockets", metavar="N", help="how many sockets, 1000 by default")
    parser.add_argument("--bitrate", metavar="N", help="bits per second to each, 4M by default")
    parser.add_argument("--fps", metavar="N", help="bursts per second, 30 by default")
    parser.add_argument("--seconds", metavar="S", help="how long, 5 by default")
    parser.add_argument(
        "--kind",
        metavar="NAME",
        help="`tcp_burst`, `tcp_packet`, `udp_offload`, `udp_sendmmsg` or `udp_packet`; by default the best "
        "of TCP and the best of UDP",
    )
    parser.add_argument("--sender-cpu", metavar="N", help="processor of the thread that sends")
    parser.add_argument("--drain-cpu", metavar="N", help="processor of the threads that read")


def _run(arguments: argparse.Namespace) -> None:
    profile = profile_from_options(arguments)
    wishes = settings_from_options(Wishes, arguments)
    wants = settings_from_options(Measures, arguments)
    page, file = _output(arguments.html), _output(arguments.json)
    if page is not None:
        need("matplotlib", "--html")
    descriptors = raise_descriptor_limit()
    password = password_for(wishes, os.environ)
    check_hosts(hosts_of(make_plan(profile, wishes, password)), owned=arguments.owned)
    test = Test(
        profile=profile,
        wishes=wishes,
        password=password,
        quality=wants.quality,
        command=["relaycore", *sys.argv[1:]],
        server=None if wants.pid is None else ServerProcess(wants.pid),
        with_floor=wants.floor,
        most=most_readers(wishes, wants.most, descriptors) if wants.find_max else None,
    )
    console = make_console()
    with asyncio.Runner(loop_factory=loop_factory()) as runner, Progress(console) as progress:
        result = runner.run(perform(test, progress))
    show_result(console, result, wants.quality)
    if file is not None:
        write_result(result, file)
        say(console, Message("All figures are in {file}.", file=file))
    if page is not None:
        from relaycore.bench.page import write_page

        write_page(result, wants.quality, page)
        say(console, Message("The page is {page}.", page=page))


def _floor(arguments: argparse.Namespace) -> None:
    wishes = settings_from_options(FloorWishes, arguments)
    raise_descriptor_limit()
    kinds: tuple[FloorKind, ...] = ("tcp_burst", "udp_offload") if wishes.kind is None else (wishes.kind,)

    async def measure_all() -> list[Floor]:
        return [await measure(floor_plan(wishes, kind)) for kind in kinds]

    with asyncio.Runner() as runner:
        floors = runner.run(measure_all())
    show_floors(make_console(), floors)


def _compare(arguments: argparse.Namespace) -> None:
    first, second = Path(arguments.first), Path(arguments.second)
    console = make_console()
    comparison = compare_results(read_result(first), read_result(second), anyway=arguments.anyway)
    show_comparison(console, comparison, str(first), str(second))


def _output(name: str | None) -> Path | None:
    """A file that is to be written. ConfigurationError when its folder is missing."""
    if name is None:
        return None
    path = Path(name)
    if not path.parent.is_dir() or path.is_dir():
        raise ConfigurationError(
            Message("{path} cannot be written: there is no folder {parent}.", path=path, parent=path.parent)
        )
    return path
