"""`tollspan collector`: runs, checks or shows a Collector configuration."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import yaml

from tollspan.collector import graph
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.component import Kind, Registry
from tollspan.collector.config.decode import plain_value
from tollspan.collector.config.json_schema import build_schema
from tollspan.collector.config.load import Source, load, loaded, parse_setting
from tollspan.collector.config.redact import redact
from tollspan.collector.config.validate import validate
from tollspan.collector.log_output import configure_logging
from tollspan.collector.registry import build_registry, installed_factories
from tollspan.collector.service import Service, run_in_event_loop
from tollspan.errors import ConfigError

METRICS_ENDPOINT = "localhost:8888"
"""Where the collector's own metrics are, where the configuration says nothing else."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `tollspan collector`."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=_ACTIONS,
        default="run",
        help="run it; or validate: check the configuration and exit; components: list what it may name; "
        "print-config: show it merged; schema: its JSON Schema, for editors (default %(default)s)",
    )
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="URI",
        help="Collector YAML: a file, env:NAME or yaml:TEXT; repeatable, later ones are merged over",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="KEY=VALUE",
        help="one setting, such as exporters.debug.verbosity=normal, over all --config; repeatable",
    )
    parser.add_argument(
        "--mode",
        choices=("redacted", "unredacted"),
        default="redacted",
        help="print-config: with secrets or without (default %(default)s)",
    )
    parser.add_argument(
        "--format", choices=("yaml", "json"), default="yaml", help="print-config: (default %(default)s)"
    )
    parser.add_argument(
        "--validate",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="print-config: show only what is valid",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT, or do what `action` says; 0 when all went well.

    Raises an ExceptionGroup of ConfigErrors when the configuration is wrong, and the
    error of a component that could not go on.
    """
    configure_logging()
    _ACTIONS[arguments.action](arguments, build_registry([*FACTORIES, *installed_factories()]))
    return 0


def _run(arguments: argparse.Namespace, registry: Registry) -> None:
    sources = _sources(arguments)
    with loaded(sources) as config:
        service = Service(config, registry, metrics_endpoint=METRICS_ENDPOINT)
    run_in_event_loop(service.run(reread=lambda: loaded(sources)))


def _validate(arguments: argparse.Namespace, registry: Registry) -> None:
    with loaded(_sources(arguments)) as config:
        graph.build(validate(config, registry))


def _print_config(arguments: argparse.Namespace, registry: Registry) -> None:
    if arguments.validate:
        _validate(arguments, registry)
    config = load(_sources(arguments))
    shown = redact(config, registry) if arguments.mode == "redacted" else plain_value(config)
    if arguments.format == "json":
        print(json.dumps(shown, indent=2))
    else:
        print(_to_yaml(shown), end="")


def _print_components(arguments: argparse.Namespace, registry: Registry) -> None:
    listed: dict[str, Any] = {"buildinfo": {"command": "tollspan collector", "version": version("tollspan")}}
    for kind in Kind:
        factories = {factory.type: factory for factory in registry[kind].values()}
        listed[kind.value] = [
            {
                "name": name,
                **({"old_names": list(factory.old_names)} if factory.old_names else {}),
                **({} if kind is Kind.EXTENSION else {"signals": sorted(s.value for s in factory.signals)}),
            }
            for name, factory in sorted(factories.items())
        ]
    print(_to_yaml(listed), end="")


def _print_schema(arguments: argparse.Namespace, registry: Registry) -> None:
    print(json.dumps(build_schema(registry), indent=2))


_ACTIONS: dict[str, Callable[[argparse.Namespace, Registry], None]] = {
    "run": _run,
    "validate": _validate,
    "components": _print_components,
    "print-config": _print_config,
    "schema": _print_schema,
}


def _sources(arguments: argparse.Namespace) -> list[Source]:
    if not arguments.config:
        raise ConfigError("--config", "at least one config flag must be provided")
    return [*arguments.config, *arguments.set]


def _setting(text: str) -> dict[str, Any]:
    try:
        return parse_setting(text)
    except (ValueError, ConfigError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _to_yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
