"""`tollspan tenants`: whose data a gateway takes, and the end of it, also while the gateway runs."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from dataclasses import asdict
from typing import Any

from tollspan.gateway.authserver.commands import local_actor, open_identity, shared_arguments
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.tenants import Tenant, close_tenant, list_tenants
from tollspan.gateway.authserver.terminal import lay_out, show_time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the actions and their options."""
    shared = shared_arguments()
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", parents=[shared], help="show all tenants, and who may act for them")
    close = actions.add_parser("close", parents=[shared], help="revoke all that a tenant has, for good")
    close.add_argument("tenant")


def run(arguments: argparse.Namespace) -> int:
    """Do what `arguments` say and print the outcome. Raises ConfigError and StoreError."""
    with closing(open_identity(arguments)) as identity:
        shown, text = _ACTIONS[arguments.action](identity, arguments)
    sys.stdout.write((json.dumps(shown, indent=2) if arguments.json else text) + "\n")
    return 0


def _list(identity: Identity, _arguments: argparse.Namespace) -> tuple[Any, str]:
    found = list_tenants(identity)
    head = ("TENANT", "LIVE CREDENTIALS", "PEOPLE", "DATASETS", "LAST USED")
    rows = [
        (
            tenant.name,
            str(tenant.live_credentials),
            str(len(tenant.people)),
            ",".join(tenant.datasets) or "any",
            show_time(tenant.last_used_s) or "never",
        )
        for tenant in found
    ]
    return [_show(tenant) for tenant in found], lay_out([head, *rows])


def _close(identity: Identity, arguments: argparse.Namespace) -> tuple[Any, str]:
    closure = close_tenant(identity, arguments.tenant, actor=local_actor())
    ended = ", ".join(f"{count} {what}" for what, count in asdict(closure).items())
    return asdict(closure), f"closed {arguments.tenant}: {ended}"


_ACTIONS = {"list": _list, "close": _close}


def _show(tenant: Tenant) -> dict[str, Any]:
    columns = asdict(tenant)
    last_used_s = columns.pop("last_used_s")
    return columns | {"last_used_at": show_time(last_used_s)}
