"""`tollspan storage`: a gateway's data folder into a file, back, and checked; a cluster's schema."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from tollspan.errors import StoreError
from tollspan.gateway.storage import integrity
from tollspan.gateway.storage.backup import backup, restore
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.statements import cluster_schema
from tollspan.gateway.storage.store import TELEMETRY


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `tollspan storage`."""
    actions = parser.add_subparsers(dest="action", required=True)
    for name, (summary, _) in _ACTIONS.items():
        action = actions.add_parser(name, help=summary, description=summary)
        if name == "cluster-schema":
            action.add_argument(
                "cluster", type=_cluster, metavar="CLUSTER", help="as in the server's settings"
            )
            continue
        action.add_argument("--data-dir", type=Path, default=Path("./tollspan-data"), metavar="DIR")
        if name == "check":
            action.add_argument("--set-aside", action="store_true", help="take damaged parts out of use")
        else:
            action.add_argument("file", type=Path, metavar="FILE", help="a tar archive; it holds secrets")


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action; 0 when it is done and nothing is damaged."""
    _, action = _ACTIONS[arguments.action]
    return action(arguments)


def _run_backup(arguments: argparse.Namespace) -> int:
    backup(arguments.data_dir, arguments.file)
    return 0


def _run_restore(arguments: argparse.Namespace) -> int:
    restore(arguments.data_dir, arguments.file)
    return 0


def _run_check(arguments: argparse.Namespace) -> int:
    engine = Engine(_telemetry(arguments.data_dir))
    try:
        damaged = integrity.find_damaged(engine)
        if arguments.set_aside:
            integrity.set_aside(engine, damaged)
        for part in [*damaged, *integrity.find_set_aside(engine)]:
            print(f"{part.table} {part.name}: {part.items or 'an unknown number of'} rows: {part.problem}")
    finally:
        engine.close()
    return 1 if damaged else 0


def _run_cluster_schema(arguments: argparse.Namespace) -> int:
    print(cluster_schema(arguments.cluster), end="")
    return 0


def _cluster(text: str) -> str:
    if not re.fullmatch(r"[\w{}.-]+", text, re.ASCII):
        raise argparse.ArgumentTypeError("not the name of a cluster")
    return text


_ACTIONS: dict[str, tuple[str, Callable[[argparse.Namespace], int]]] = {
    "backup": ("write everything in the data folder to FILE; the gateway may run", _run_backup),
    "restore": ("make a data folder from FILE; it must not exist yet, or be empty", _run_restore),
    "cluster-schema": ("print the statements that make replicated tables", _run_cluster_schema),
    "check": ("read all telemetry of a stopped gateway and name what is damaged", _run_check),
}


def _telemetry(data_dir: Path) -> Path:
    """The folder of the store; StoreError when there is none."""
    if not (data_dir / TELEMETRY).is_dir():
        raise StoreError(f"{data_dir} is not the data folder of a gateway", retryable=False)
    return data_dir / TELEMETRY
