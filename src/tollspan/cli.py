"""The `tollspan` command: one subcommand per product, each imported when it is asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version

from tollspan.errors import ConfigError, TollspanError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: `module` offers `add_arguments(parser)` and `run(arguments) -> exit code`."""

    name: str
    module: str
    extra: str
    summary: str


COMMANDS = (
    Command("gateway", "tollspan.gateway.commands", "gateway", "take OTLP in, store it and show it"),
    Command("collector", "tollspan.collector.commands", "collector", "run OpenTelemetry Collector YAML"),
    Command(
        "credentials",
        "tollspan.gateway.authserver.commands",
        "gateway",
        "create, list, rotate and revoke what clients sign in with",
    ),
    Command("run", "tollspan.sdk.run.commands", "instrument", "a program under the SDK, unchanged"),
    Command("doctor", "tollspan.sdk.doctor.commands", "instrument", "why does no telemetry arrive?"),
    Command(
        "users",
        "tollspan.gateway.authserver.user_commands",
        "gateway",
        "say who may sign in to the dashboard",
    ),
    Command(
        "tenants",
        "tollspan.gateway.authserver.tenant_commands",
        "gateway",
        "list tenants, and end one",
    ),
    Command("storage", "tollspan.gateway.storage.commands", "gateway", "back up and restore the data folder"),
    Command("demo", "tollspan.demo.commands", "demo", "a gateway and a shop that sends to it"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the process's exit code.

    0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted. Errors are one line
    each on stderr.
    """
    command, rest = _choose(argv)
    try:
        return _run(command, rest)
    except* ConfigError as errors:
        code = _fail(command, errors, EXIT_USAGE)
    except* BrokenPipeError:
        # Whoever read the output has seen enough; the interpreter must not try to flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_FAILED
    except* (TollspanError, OSError) as errors:
        code = _fail(command, errors, EXIT_FAILED)
    except* KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    return code


def _choose(argv: Sequence[str] | None) -> tuple[Command, list[str]]:
    summaries = "\n".join(f"  {command.name:12} {command.summary}" for command in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="tollspan",
        usage="tollspan [-h] [--version] COMMAND ...",
        description=f"OpenTelemetry with a gate and a price tag.\n\ncommands:\n{summaries}",
        epilog="`tollspan COMMAND --help` tells what a command takes.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tollspan {version('tollspan')}")
    names = [command.name for command in COMMANDS]
    parser.add_argument("command", choices=names, metavar="COMMAND", help=argparse.SUPPRESS)
    rest = parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    rest.required = False  # Python 3.11 would say that it is missing
    chosen = parser.parse_args(argv)
    return next(command for command in COMMANDS if command.name == chosen.command), chosen.rest


def _run(command: Command, rest: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=f"tollspan {command.name}", description=command.summary)
    try:
        module = import_module(command.module)
        module.add_arguments(parser)
        code: int = module.run(parser.parse_args(rest))
    except ModuleNotFoundError as error:
        if (error.name or "tollspan").partition(".")[0] == "tollspan":
            raise
        cure = f"pip install 'tollspan[{command.extra}]'"
        raise TollspanError(f"the package {error.name} is not installed: {cure}") from error
    return code


def _fail(command: Command, errors: BaseExceptionGroup[Exception], code: int) -> int:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _fail(command, error, code)
        else:
            print(f"tollspan {command.name}: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
