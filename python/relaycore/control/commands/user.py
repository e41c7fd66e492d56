"""``relaycore user``: adds, lists and removes users, whom a running relay knows at once."""

from __future__ import annotations

import argparse
import getpass
import sys
from contextlib import closing
from typing import Any, cast, get_args

import msgspec

from relaycore.access.accounts import ACCOUNT_FILE, AccountFile, make_account
from relaycore.access.sealed import SEAL_FILE, Seal, seal_file
from relaycore.access.users import Account
from relaycore.control.checking import did_you_mean
from relaycore.control.console import make_console, say, show_table
from relaycore.control.on_record import put_on_record
from relaycore.control.passwords import generate_password
from relaycore.control.state_folder import folder_of
from relaycore.errors import ConfigurationError, StateError
from relaycore.language import Message, _
from relaycore.settings import Role, UserName, UserPassword

NAME = "user"
HELP = "add, list and remove users, and change their passwords and roles"
DESCRIPTION = (
    "Users are kept in the state folder, beside those of the configuration. A running relay knows each "
    "change at once: who is removed or has another password is disconnected. Passwords are asked for, or "
    "read from the first line of standard input, and never given as an argument, which every program can see."
)

_DEFAULT_ROLE: Role = "viewer"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    acts = parser.add_subparsers(metavar="ACT", required=True)
    add = _act(acts, "add", "add a user")
    roles = ", ".join(get_args(Role))
    add.add_argument(
        "--role",
        metavar="ROLE",
        default=_DEFAULT_ROLE,
        help=Message("{roles}; {default_role} by default", roles=roles, default_role=_DEFAULT_ROLE),
    )
    _onvif_option(add)
    add.set_defaults(act=_add)
    _act(acts, "list", "list the users and their roles", named=False).set_defaults(act=_list)
    _act(acts, "remove", "remove a user, and end what the user has open").set_defaults(act=_remove)
    password = _act(acts, "password", "give a user another password, and end what the user has open")
    _onvif_option(password)
    password.set_defaults(act=_change_password)
    role = _act(acts, "role", "give a user another role")
    role.add_argument("role", metavar="ROLE", help=roles)
    role.set_defaults(act=_change_role)


def run(arguments: argparse.Namespace) -> int:
    """Does one of the acts. ConfigurationError or StateError when it cannot be done."""
    arguments.act(arguments)
    return 0


def _act(acts: Any, name: str, help_text: str, *, named: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = acts.add_parser(name, help=help_text, allow_abbrev=False)
    if named:
        parser.add_argument("name", metavar="NAME", help="name of the user")
    parser.add_argument(
        "--state-folder", metavar="FOLDER", help="folder of the relay, if it is not that of the platform"
    )
    return parser


def _onvif_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--onvif",
        action=argparse.BooleanOptionalAction,
        help=(
            "keep the password itself, too, encrypted, for recorders that log in by the digest of ONVIF "
            "(WS-UsernameToken)"
        ),
    )


def _add(arguments: argparse.Namespace) -> None:
    name, role = _name(arguments.name), _role(arguments.role)
    with closing(AccountFile(folder_of(arguments))) as file:
        if any(account.name == name for account in file.all()):
            raise ConfigurationError(
                Message("There is a user {name} already: change the password or the role.", name=repr(name))
            )
        seal = _seal(arguments, file) if arguments.onvif else None
        password, made = _password(name)
        put_on_record(folder_of(arguments), "user add", name)
        if not file.add(make_account(name, password, role, seal)):
            raise ConfigurationError(
                Message("Another program has added a user {name} meanwhile.", name=repr(name))
            )
    _tell(Message("{name} is a user now, as {role}.", name=name, role=role), password if made else None)


def _list(arguments: argparse.Namespace) -> None:
    console = make_console()
    with closing(AccountFile(folder_of(arguments))) as file:
        opens = _opener(arguments)
        rows = [(account.name, account.role, _kept(account, opens)) for account in file.all()]
    if rows:
        titles = (Message("name"), Message("role"), Message("password for ONVIF"))
        show_table(console, Message("Users"), titles, rows)
    else:
        say(console, Message("There are no users: add one with relaycore user add NAME."))


def _kept(account: Account, seal: Seal | None) -> str:
    """What is said of the password that is kept for ONVIF."""
    if account.sealed is None:
        return ""
    opened = None if seal is None else seal.open(account.name, account.sealed)
    return _("kept, but not readable") if opened is None else _("kept")


def _remove(arguments: argparse.Namespace) -> None:
    with closing(AccountFile(folder_of(arguments))) as file:
        name = _known(file, arguments.name).name
        put_on_record(folder_of(arguments), "user remove", name)
        if not file.remove(name):
            raise ConfigurationError(
                Message("Another program has removed {name} meanwhile.", name=repr(arguments.name))
            )
    _tell(Message("{name} is no user any more.", name=arguments.name))


def _change_password(arguments: argparse.Namespace) -> None:
    with closing(AccountFile(folder_of(arguments))) as file:
        account = _known(file, arguments.name)
        keeps = account.sealed is not None if arguments.onvif is None else arguments.onvif
        seal = _seal(arguments, file) if keeps else None
        password, made = _password(account.name)
        put_on_record(folder_of(arguments), "user password", account.name)
        changed = make_account(account.name, password, account.role, seal)
        if not file.set_password(changed, only_if_kept=arguments.onvif is None):
            raise ConfigurationError(
                Message("Another program has removed {name} meanwhile.", name=repr(arguments.name))
            )
    _tell(Message("{name} has another password now.", name=account.name), password if made else None)


def _change_role(arguments: argparse.Namespace) -> None:
    role = _role(arguments.role)
    with closing(AccountFile(folder_of(arguments))) as file:
        name = _known(file, arguments.name).name
        put_on_record(folder_of(arguments), "user role", name)
        if not file.set_role(name, role):
            raise ConfigurationError(
                Message("Another program has removed {name} meanwhile.", name=repr(arguments.name))
            )
    _tell(Message("{name} is {role} now.", name=arguments.name, role=role))


def _seal(arguments: argparse.Namespace, file: AccountFile) -> Seal:
    """What keeps the user's password, which is told. Its key is made where no password is kept with one."""
    folder = folder_of(arguments)
    key_file = seal_file(folder)
    key = key_file.read()
    if key is None:
        others = [account.name for account in file.all() if account.sealed is not None]
        others = [name for name in others if name != arguments.name]
        if others:
            raise StateError(
                Message(
                    "{path} is gone, with which the passwords of {names} are kept: put it back, or have none "
                    "kept, by relaycore user password NAME --no-onvif for each of them.",
                    path=folder / SEAL_FILE,
                    names=", ".join(others),
                )
            )
        key = key_file.make()
    say(
        make_console(),
        Message(
            "The password is kept for ONVIF. Whoever has both {accounts} and {key} of {folder} can read it: "
            "use it nowhere else.",
            accounts=ACCOUNT_FILE,
            key=SEAL_FILE,
            folder=folder,
        ),
    )
    return Seal(key)


def _opener(arguments: argparse.Namespace) -> Seal | None:
    """What opens passwords that are kept, if that can be."""
    try:
        key = seal_file(folder_of(arguments)).read()
    except StateError:
        return None
    return None if key is None else Seal(key)


def _known(file: AccountFile, name: str) -> Account:
    accounts = {account.name: account for account in file.all()}
    if name not in accounts:
        raise ConfigurationError(
            Message("There is no user {name}; {hint}", name=repr(name), hint=did_you_mean(name, accounts))
        )
    return accounts[name]


def _name(text: str) -> str:
    try:
        return msgspec.convert(text, UserName)
    except msgspec.ValidationError:
        raise ConfigurationError(
            Message(
                "{text} cannot be a name: it has 1 to 64 characters without colon, quote and backslash.",
                text=repr(text),
            )
        ) from None


def _role(text: str) -> Role:
    if text not in get_args(Role):
        raise ConfigurationError(
            Message(
                "There is no role {text}; {hint}", text=repr(text), hint=did_you_mean(text, get_args(Role))
            )
        )
    return cast("Role", text)


def _password(name: str) -> tuple[str, bool]:
    """The password that is typed or read, and whether it was made here because nothing was typed."""
    if sys.stdin is not None and sys.stdin.isatty():
        typed = getpass.getpass(_("Password for {name} (empty: make one): ", name=name))
        if not typed:
            return generate_password(), True
        if typed != getpass.getpass(_("Once more: ")):
            raise ConfigurationError(Message("The two passwords differ: try again."))
    else:
        typed = "" if sys.stdin is None else sys.stdin.readline().rstrip("\r\n")
    try:
        return msgspec.convert(typed, UserPassword), False
    except msgspec.ValidationError:
        raise ConfigurationError(
            Message("A password has 1 to 256 characters on one line: type it, or write it to standard input.")
        ) from None


def _tell(sentence: str, password: str | None = None) -> None:
    console = make_console()
    say(console, sentence)
    if password is not None:
        say(console, Message("The password is {password} (shown only now).", password=password))
