"""``relaycore share``: makes, lists and revokes links to one path, which a running relay knows at once."""

from __future__ import annotations

import argparse
import re
import time
from contextlib import closing
from datetime import datetime
from typing import Final

from relaycore.access.share_file import ShareFile
from relaycore.access.share_links import ShareLink, ShareLinks
from relaycore.access.sharing import checked_link
from relaycore.addresses import reachable_addresses, url_host
from relaycore.control.console import make_console, say, show_table
from relaycore.control.on_record import put_on_record
from relaycore.control.state_folder import folder_of
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import DEFAULT_PORT

NAME = "share"
HELP = "make, list and revoke links by which anyone may watch one path"
DESCRIPTION = (
    "Whoever has a link may watch its path until it ends, without an account. Links are kept in the state "
    "folder, signed, and known to a running relay at once. The purpose stands in the record of each session."
)

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN: Final = re.compile(r"([0-9]{1,6})\s*([smhdw])")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("path", metavar="PATH", nargs="?", help="path that is shared, such as cam")
    parser.add_argument(
        "--for", dest="lasts", metavar="TIME", help="how long the link lasts: 30m, 2h, 7d (it has to be said)"
    )
    parser.add_argument("--purpose", metavar="TEXT", help="what it is for (it has to be said)")
    parser.add_argument(
        "--sessions",
        metavar="N",
        type=int,
        default=0,
        help="how many may use it at a time (0: any number)",
    )
    parser.add_argument(
        "--at",
        metavar="HOST:PORT",
        help="where the relay is reached, for the URLs; this machine and port 8554 if not given",
    )
    parser.add_argument("--list", action="store_true", help="list the links, without their secrets")
    parser.add_argument("--revoke", metavar="ID", help="revoke a link, and end what is open by it")
    parser.add_argument(
        "--state-folder", metavar="FOLDER", help="folder of the relay, if it is not that of the platform"
    )


def run(arguments: argparse.Namespace) -> int:
    """Does what is asked for. ConfigurationError or StateError when it cannot be done."""
    wanted = [arguments.path is not None, arguments.list, arguments.revoke is not None]
    if sum(wanted) != 1:
        raise ConfigurationError(Message("Name a path that is to be shared, or say --list or --revoke ID."))
    if arguments.list:
        _list(arguments)
    elif arguments.revoke is not None:
        _revoke(arguments)
    else:
        _share(arguments)
    return 0


def _share(arguments: argparse.Namespace) -> None:
    if not arguments.lasts or not arguments.purpose:
        raise ConfigurationError(
            Message(
                'Say how long the link lasts and what it is for, like --for 2h --purpose "visit of '
                'the builder".'
            )
        )
    link = checked_link(
        arguments.path, arguments.purpose, seconds=_seconds(arguments.lasts), sessions=arguments.sessions
    )
    folder = folder_of(arguments)
    with closing(ShareFile(folder)) as file:
        key = file.make_key()
        put_on_record(folder, "share", link.path)
        file.add(link)
    links = ShareLinks(key)
    console = make_console()
    where = arguments.at or f"{url_host(reachable_addresses('0.0.0.0')[0])}:{DEFAULT_PORT}"  # noqa: S104
    say(
        console,
        Message(
            "{path} is shared until {when} (link {id}). Shown only now:",
            path=link.path,
            when=_when(link.ends),
            id=link.id,
        ),
    )
    say(
        console,
        Message(
            "For players: {url}",
            url=f"rtsp://{where}/{link.path}?share={links.token(link)}",
        ),
    )
    say(
        console,
        Message(
            "For browsers: {url}",
            url=f"http://{where}/{link.path}?share={links.token(link)}",
        ),
    )
    say(
        console,
        Message(
            "For recorders: user {login}, password {signature}",
            login=link.login,
            signature=links.signature(link),
        ),
    )


def _list(arguments: argparse.Namespace) -> None:
    console = make_console()
    with closing(ShareFile(folder_of(arguments))) as file:
        rows = [
            (
                link.id,
                link.path,
                _state(link),
                str(link.sessions) if link.sessions else Message("any"),
                link.made_by or "",
                link.purpose,
            )
            for link in file.all()
        ]
    if rows:
        show_table(
            console,
            Message("Share links"),
            (
                Message("id"),
                Message("path"),
                Message("ends"),
                Message("at a time"),
                Message("made by"),
                Message("purpose"),
            ),
            rows,
        )
    else:
        say(console, Message("There are no share links: make one with relaycore share PATH."))


def _revoke(arguments: argparse.Namespace) -> None:
    folder = folder_of(arguments)
    with closing(ShareFile(folder)) as file:
        if not any(link.id == arguments.revoke and link.revoked is None for link in file.all()):
            raise ConfigurationError(
                Message(
                    "There is no share link {revoke} that lets anybody in; see --list.",
                    revoke=repr(arguments.revoke),
                )
            )
        put_on_record(folder, "revoke share", arguments.revoke)
        file.revoke(arguments.revoke)
    say(make_console(), Message("The share link {revoke} lets nobody in any more.", revoke=arguments.revoke))


def _state(link: ShareLink) -> str:
    if link.revoked is not None:
        return Message("revoked")
    return Message("ended") if link.ends <= time.time() else _when(link.ends)


def _when(at: int) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


def _seconds(text: str) -> int:
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(
            Message("{text} is no time: write a number and s, m, h, d or w, like 30m or 2h.", text=repr(text))
        )
    return int(match[1]) * _UNITS[match[2]]
