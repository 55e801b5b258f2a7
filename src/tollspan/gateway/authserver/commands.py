"""`tollspan credentials`: make, list, rotate and revoke credentials, also while the gateway runs."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tollspan.gateway.authserver.credential import KINDS, OAUTH2, Credential, CredentialDraft, IssuedSecret
from tollspan.gateway.authserver.credentials import CredentialStore
from tollspan.gateway.authserver.permissions import PERMISSIONS

DATA_DIR = Path("tollspan-data")

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the four actions and their options."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-dir", type=Path, default=DATA_DIR, help="the gateway's (default %(default)s)")
    shared.add_argument("--json", action="store_true", help="print JSON instead of text")
    actions = parser.add_subparsers(dest="action", required=True)

    create = actions.add_parser("create", parents=[shared], help="make a credential and show its secret once")
    create.add_argument("--name", required=True, help="for people: which program will use it")
    create.add_argument("--permissions", required=True, type=_words, help=f"any of {','.join(PERMISSIONS)}")
    create.add_argument("--tenant", default="default", help="whose data (default %(default)s)")
    create.add_argument(
        "--dataset", type=_words, action="extend", default=[], help="only this one; repeatable (default all)"
    )
    create.add_argument("--kind", choices=KINDS, default=OAUTH2, help="(default %(default)s)")
    create.add_argument("--expires-in", type=_seconds, metavar="DURATION", help="such as 12h or 90d")

    actions.add_parser("list", parents=[shared], help="show all credentials")

    rotate = actions.add_parser("rotate", parents=[shared], help="add a secret; the one before stays good")
    rotate.add_argument("id")
    rotate.add_argument("--retire-old", action="store_true", help="make all earlier secrets worthless now")

    revoke = actions.add_parser("revoke", parents=[shared], help="make a credential worthless, for good")
    revoke.add_argument("id")


def run(arguments: argparse.Namespace) -> int:
    """Do what `arguments` say and print the outcome. Raises ConfigError and StoreError."""
    with closing(CredentialStore(arguments.data_dir)) as store:
        shown, text = _ACTIONS[arguments.action](store, arguments)
    sys.stdout.write((json.dumps(shown, indent=2) if arguments.json else text) + "\n")
    return 0


def _create(store: CredentialStore, arguments: argparse.Namespace) -> tuple[Any, str]:
    draft = CredentialDraft(
        name=arguments.name,
        permissions=tuple(arguments.permissions),
        kind=arguments.kind,
        tenant=arguments.tenant,
        datasets=tuple(arguments.dataset),
        expires_in_s=arguments.expires_in,
    )
    return _show_issued(store.create(draft))


def _list(store: CredentialStore, _arguments: argparse.Namespace) -> tuple[Any, str]:
    found = store.list()
    head = ("ID", "NAME", "KIND", "TENANT", "DATASETS", "PERMISSIONS", "EXPIRES", "LAST USED", "STATE")
    return [_show(credential) for credential in found], _table([head, *map(_row, found)])


def _rotate(store: CredentialStore, arguments: argparse.Namespace) -> tuple[Any, str]:
    return _show_issued(store.rotate(arguments.id, retire_old=arguments.retire_old))


def _revoke(store: CredentialStore, arguments: argparse.Namespace) -> tuple[Any, str]:
    credential = store.revoke(arguments.id)
    return _show(credential), f"revoked {credential.id} ({credential.name})"


_ACTIONS = {"create": _create, "list": _list, "rotate": _rotate, "revoke": _revoke}


def _show_issued(issued: IssuedSecret) -> tuple[Any, str]:
    """The credential with its secret, under the names that SDK settings have."""
    credential, secret = issued.credential, issued.secret.reveal()
    if credential.kind == OAUTH2:
        shown = {"client_id": credential.id, "client_secret": secret}
    else:
        shown = {"api_key": secret}
    lines = [f"{name} {value}" for name, value in shown.items()]
    return shown | _show(credential), "\n".join([*lines, "The secret is shown this once."])


def _show(credential: Credential) -> dict[str, Any]:
    times = ("created", "expires", "revoked", "last_used")
    columns = asdict(credential)
    return {
        **{name: value for name, value in columns.items() if not name.endswith("_s")},
        **{f"{name}_at": _date(columns[f"{name}_s"]) for name in times},
    }


def _row(credential: Credential) -> tuple[str, ...]:
    state = "revoked" if credential.revoked_s else "live"
    if state == "live" and not credential.is_live(datetime.now(UTC).timestamp()):
        state = "expired"
    return (
        credential.id,
        credential.name,
        credential.kind,
        credential.tenant,
        ",".join(credential.datasets) or "all",
        ",".join(credential.permissions),
        _date(credential.expires_s) or "never",
        _date(credential.last_used_s) or "never",
        state,
    )


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _date(time_s: float | None) -> str | None:
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _seconds(text: str) -> float:
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 3600, 60m, 12h or 90d")
    return float(match[1]) * _UNITS_S[match[2] or "s"]
