"""`tollspan credentials`: make, list, rotate and revoke credentials, also while the gateway runs."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tollspan.errors import ConfigError
from tollspan.gateway.authserver import audit
from tollspan.gateway.authserver.credential import (
    KINDS,
    OAUTH2,
    STATES,
    Credential,
    CredentialDraft,
    IssuedSecret,
    LiveSecret,
)
from tollspan.gateway.authserver.database import FILE_NAME
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.permissions import PERMISSIONS
from tollspan.gateway.authserver.public_key import read_public_key
from tollspan.gateway.authserver.signing_keys import PUBLISHED_AHEAD_S, SigningKeys
from tollspan.gateway.authserver.terminal import lay_out, read_duration_s, show_time
from tollspan.oauth2.secret import Secret

DATA_DIR = Path("tollspan-data")
IDENTITY_VARIABLE = "TOLLSPAN_GATEWAY_IDENTITY"
PASSPHRASE_VARIABLE = "TOLLSPAN_GATEWAY_KEY_PASSPHRASE"  # noqa: S105 - a name, no password


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the actions and their options."""
    shared = shared_arguments()
    actions = parser.add_subparsers(dest="action", required=True)

    create = actions.add_parser("create", parents=[shared], help="make a credential and show its secret once")
    create.add_argument("--name", required=True, help="for people: which program will use it")
    create.add_argument("--permissions", required=True, type=_words, help=f"any of {','.join(PERMISSIONS)}")
    create.add_argument("--tenant", default="default", help="whose data (default %(default)s)")
    create.add_argument(
        "--dataset", type=_words, action="extend", default=[], help="only this one; repeatable (default all)"
    )
    create.add_argument("--kind", choices=KINDS, default=OAUTH2, help="(default %(default)s)")
    create.add_argument("--expires-in", type=read_duration_s, metavar="DURATION", help="such as 12h or 90d")
    create.add_argument("--refresh", action="store_true", help="give refresh tokens with access tokens")
    create.add_argument("--public-key", type=_public_key, metavar="FILE", help=_PUBLIC_KEY_HELP)

    shown = actions.add_parser("list", parents=[shared], help="show credentials")
    shown.add_argument("--tenant", help="only of this one")
    shown.add_argument("--state", choices=STATES, help="only those")
    shown.add_argument(
        "--unused-for",
        type=read_duration_s,
        default=0.0,
        metavar="DURATION",
        help="only those neither made nor used within it, such as 90d",
    )

    rotate = actions.add_parser("rotate", parents=[shared], help="add a secret; the one before stays good")
    rotate.add_argument("id")
    rotate.add_argument(
        "--overlap",
        type=read_duration_s,
        metavar="DURATION",
        help="how long the one before stays good, such as 24h or 0 (default: until the next rotation)",
    )
    rotate.add_argument("--public-key", type=_public_key, metavar="FILE", help=_PUBLIC_KEY_HELP)

    revoke = actions.add_parser("revoke", parents=[shared], help="make a credential worthless, for good")
    revoke.add_argument("id")

    keys = actions.add_parser("rotate-keys", parents=[shared], help="sign access tokens with a new key")
    keys.add_argument("--now", action="store_true", help="at once; every token in use becomes worthless")

    log = actions.add_parser("audit", parents=[shared], help="show who changed what")
    log.add_argument("--tenant", help="only what concerns this one")
    log.add_argument("--limit", type=int, default=100, help="so many entries (default %(default)s)")


def shared_arguments() -> argparse.ArgumentParser:
    """A parent parser: which gateway, and how to print."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-dir", type=Path, default=DATA_DIR, help="the gateway's (default %(default)s)")
    shared.add_argument(
        "--identity",
        default=os.environ.get(IDENTITY_VARIABLE, ""),
        metavar="URL",
        help=f"the gateway's identity database, if it is a server's (default ${IDENTITY_VARIABLE})",
    )
    shared.add_argument("--json", action="store_true", help="print JSON instead of text")
    return shared


def open_identity(arguments: argparse.Namespace) -> Identity:
    """The gateway's identity database.

    A gateway that has not started yet has none: `create` makes it and says so, for the folder may be
    another than was meant; ConfigError for every other action.
    """
    where: str | Path = arguments.identity or arguments.data_dir
    if isinstance(where, Path) and not (where / FILE_NAME).exists():
        if arguments.action != "create":
            raise ConfigError("--data-dir", f"{where} is not the data folder of a gateway")
        print(f"{where} is a new data folder: no gateway uses it yet", file=sys.stderr)
    return Identity.open(where)


def run(arguments: argparse.Namespace) -> int:
    """Do what `arguments` say and print the outcome. Raises ConfigError and StoreError."""
    with closing(open_identity(arguments)) as identity:
        shown, text = _ACTIONS[arguments.action](identity, arguments)
    sys.stdout.write((json.dumps(shown, indent=2) if arguments.json else text) + "\n")
    return 0


def local_actor() -> str:
    """Whom the audit log names for a command: the account that ran it."""
    return f"local:{getpass.getuser()}"


def _create(identity: Identity, arguments: argparse.Namespace) -> tuple[Any, str]:
    draft = CredentialDraft(
        name=arguments.name,
        permissions=tuple(arguments.permissions),
        kind=arguments.kind,
        tenant=arguments.tenant,
        datasets=tuple(arguments.dataset),
        expires_in_s=arguments.expires_in,
        refreshable=arguments.refresh,
        public_key=arguments.public_key and read_public_key(arguments.public_key),
    )
    return _show_issued(identity.credentials.create(draft, actor=local_actor()))


def _list(identity: Identity, arguments: argparse.Namespace) -> tuple[Any, str]:
    found = identity.credentials.find_all(
        arguments.tenant, state=arguments.state, unused_for_s=arguments.unused_for
    )
    secrets = identity.credentials.find_secrets(arguments.tenant)
    shown = [
        _show(credential) | {"secrets": [_show_times(one) for one in secrets.get(credential.id, ())]}
        for credential in found
    ]
    return shown, lay_out([_HEAD, *map(_row, found)])


def _rotate(identity: Identity, arguments: argparse.Namespace) -> tuple[Any, str]:
    issued = identity.credentials.rotate(
        arguments.id,
        overlap_s=arguments.overlap,
        public_key=arguments.public_key and read_public_key(arguments.public_key),
        actor=local_actor(),
    )
    return _show_issued(issued)


def _revoke(identity: Identity, arguments: argparse.Namespace) -> tuple[Any, str]:
    credential = identity.credentials.revoke(arguments.id, actor=local_actor())
    return _show(credential), f"revoked {credential.id} ({credential.name})"


def _rotate_keys(identity: Identity, arguments: argparse.Namespace) -> tuple[Any, str]:
    passphrase = Secret(os.environ.get(PASSPHRASE_VARIABLE, ""))
    keys = SigningKeys.open(arguments.data_dir, identity.published_keys, passphrase=passphrase)
    kid = keys.rotate(at_once=arguments.now, actor=local_actor())
    signs_from_s = time.time() + (0 if arguments.now else PUBLISHED_AHEAD_S)
    shown = {"kid": kid, "signs_from": show_time(signs_from_s)}
    return shown, f"key {kid} signs from {shown['signs_from']} on"


def _audit(identity: Identity, arguments: argparse.Namespace) -> tuple[Any, str]:
    entries = audit.list_entries(identity.database, tenant=arguments.tenant, limit=arguments.limit)
    rows = [
        (show_time(entry.time_s) or "", entry.actor, entry.action, entry.tenant, entry.subject)
        for entry in entries
    ]
    return [asdict(entry) for entry in entries], lay_out([("TIME", "WHO", "WHAT", "TENANT", "WHOM"), *rows])


_ACTIONS = {
    "create": _create,
    "list": _list,
    "rotate": _rotate,
    "revoke": _revoke,
    "rotate-keys": _rotate_keys,
    "audit": _audit,
}

_PUBLIC_KEY_HELP = "PEM or JWK: the client signs with its private half, and has no secret"


def _show_issued(issued: IssuedSecret) -> tuple[Any, str]:
    """The credential with what its client is to be told."""
    shown = issued.shown()
    lines = [f"{name} {value}" for name, value in shown.items()]
    if issued.secret is not None:
        lines.append("The secret is shown this once.")
    return shown | _show(issued.credential), "\n".join(lines)


def _show(credential: Credential) -> dict[str, Any]:
    columns = asdict(credential)
    return {name: value for name, value in columns.items() if not name.endswith("_s")} | _show_times(
        credential
    )


def _show_times(timed: Credential | LiveSecret) -> dict[str, str | None]:
    times = {name: value for name, value in asdict(timed).items() if name.endswith("_s")}
    return {f"{name.removesuffix('_s')}_at": show_time(value) for name, value in times.items()}


def _row(credential: Credential) -> tuple[str, ...]:
    return (
        credential.id,
        credential.name,
        credential.kind,
        credential.tenant,
        ",".join(credential.datasets) or "all",
        ",".join(credential.permissions),
        show_time(credential.expires_s) or "never",
        show_time(credential.last_used_s) or "never",
        str(credential.live_secrets),
        credential.created_by,
        credential.state(time.time()),
    )


_HEAD = (
    "ID",
    "NAME",
    "KIND",
    "TENANT",
    "DATASETS",
    "PERMISSIONS",
    "EXPIRES",
    "LAST USED",
    "SECRETS",
    "MADE BY",
    "STATE",
)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _public_key(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, ValueError):
        raise argparse.ArgumentTypeError(f"{path} cannot be read") from None
