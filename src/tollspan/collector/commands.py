"""`tollspan collector`: runs, or only checks, a Collector configuration."""

from __future__ import annotations

import argparse

from tollspan.collector.builtins import FACTORIES
from tollspan.collector.config.load import load, locating
from tollspan.collector.log_output import configure_logging
from tollspan.collector.registry import build_registry, installed_factories
from tollspan.collector.service import Service, run_in_event_loop
from tollspan.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `tollspan collector`."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("run", "validate"),
        default="run",
        help="validate: check the configuration and exit (default %(default)s)",
    )
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="FILE",
        help="Collector YAML; repeatable, later files are merged over earlier ones",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT, or check only; 0 when all went well.

    Raises an ExceptionGroup of ConfigErrors when the configuration is wrong, and the
    error of a component that could not go on.
    """
    if not arguments.config:
        raise ConfigError("--config", "at least one config flag must be provided")
    configure_logging()
    config = load(arguments.config)
    registry = build_registry([*FACTORIES, *installed_factories()])
    with locating(arguments.config):
        service = Service(config, registry)
    if arguments.action == "run":
        run_in_event_loop(service.run())
    return 0
