"""`tollspan users`: who may sign in to the dashboard, also while the gateway runs."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from contextlib import closing
from dataclasses import asdict
from typing import Any

from tollspan.gateway.authserver.commands import local_actor, open_identity, shared_arguments
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.permissions import ROLES
from tollspan.gateway.authserver.terminal import lay_out
from tollspan.gateway.authserver.users import User, UserDraft
from tollspan.oauth2.secret import Secret


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the actions and their options."""
    shared = shared_arguments()
    membership = argparse.ArgumentParser(add_help=False)
    membership.add_argument("email")
    membership.add_argument("--tenant", default="default", help="in which tenant (default %(default)s)")
    membership.add_argument("--role", choices=ROLES, default="viewer", help="(default %(default)s)")
    actions = parser.add_subparsers(dest="action", required=True)
    asked = "; the password is asked for, or read from standard input"
    actions.add_parser("create", parents=[shared, membership], help="make an account" + asked)
    actions.add_parser("grant", parents=[shared, membership], help="give an account a role in a tenant")
    password = actions.add_parser("set-password", parents=[shared], help="give an account a new one" + asked)
    password.add_argument("email")
    remove = actions.add_parser("remove", parents=[shared], help="end an account and its sessions")
    remove.add_argument("email")
    actions.add_parser("list", parents=[shared], help="show all accounts")


def run(arguments: argparse.Namespace) -> int:
    """Do what `arguments` say and print the outcome. Raises ConfigError and StoreError."""
    with closing(open_identity(arguments)) as identity:
        people = _ACTIONS[arguments.action](identity, arguments)
    rows = [
        (user.email, ", ".join(f"{role} of {tenant}" for tenant, role in user.roles.items()))
        for user in people
    ]
    text = (
        json.dumps([_show(user) for user in people], indent=2)
        if arguments.json
        else lay_out([("E-MAIL", "ROLES"), *rows])
    )
    sys.stdout.write(text + "\n")
    return 0


def _create(identity: Identity, arguments: argparse.Namespace) -> list[User]:
    draft = UserDraft(arguments.email, _ask_password(), arguments.tenant, arguments.role)
    return [identity.users.create(draft, actor=local_actor())]


def _grant(identity: Identity, arguments: argparse.Namespace) -> list[User]:
    return [identity.users.grant(arguments.email, arguments.tenant, arguments.role, actor=local_actor())]


def _set_password(identity: Identity, arguments: argparse.Namespace) -> list[User]:
    return [identity.users.set_password(arguments.email, _ask_password(), actor=local_actor())]


def _remove(identity: Identity, arguments: argparse.Namespace) -> list[User]:
    return [identity.users.remove(arguments.email, actor=local_actor())]


def _list(identity: Identity, _arguments: argparse.Namespace) -> list[User]:
    return identity.users.list()


_ACTIONS = {
    "create": _create,
    "grant": _grant,
    "set-password": _set_password,
    "remove": _remove,
    "list": _list,
}


def _ask_password() -> Secret:
    if sys.stdin.isatty():
        return Secret(getpass.getpass())
    return Secret(sys.stdin.readline().rstrip("\n"))


def _show(user: User) -> dict[str, Any]:
    return {name: value for name, value in asdict(user).items() if name != "id"}
