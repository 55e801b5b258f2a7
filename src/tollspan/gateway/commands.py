"""`tollspan gateway`: the all-in-one process."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from importlib.resources import files
from typing import Any, cast

from tollspan.collector.config.load import load, locating
from tollspan.collector.config.values import parse_endpoint, split_endpoint
from tollspan.collector.log_output import configure_logging
from tollspan.collector.service import Service, run_in_event_loop
from tollspan.errors import ConfigError
from tollspan.gateway.allocator import keep_freed_memory
from tollspan.gateway.authserver.commands import IDENTITY_VARIABLE
from tollspan.gateway.components.web_extension import WebExtension
from tollspan.gateway.distribution import ROLES, build_gateway_registry, keep_roles
from tollspan.oauth2.loopback import is_loopback_host

STORAGE_VARIABLE = "TOLLSPAN_GATEWAY_STORAGE"
_DOORS = {"auth", "web"}
"""The extensions that listen for credentials, beside the receivers."""

DEFAULT_CONFIG = str(files("tollspan.gateway") / "default.yaml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `tollspan gateway`."""
    parser.add_argument(
        "--data-dir", default="./tollspan-data", help="everything that is kept (default %(default)s)"
    )
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="FILE",
        help="Collector YAML, merged over the gateway's own; repeatable",
    )
    parser.add_argument(
        "--http",
        type=_address,
        default="127.0.0.1:8320",
        metavar="HOST:PORT",
        help="OTLP over HTTP, tokens, API and dashboard; port 0 picks a free one (default %(default)s)",
    )
    parser.add_argument(
        "--grpc",
        type=_address,
        default="127.0.0.1:8317",
        metavar="HOST:PORT",
        help="OTLP over gRPC (default %(default)s)",
    )
    parser.add_argument(
        "--identity",
        default=os.environ.get(IDENTITY_VARIABLE, ""),
        metavar="URL",
        help=f"postgresql://…: credentials and people there, not in a file (default ${IDENTITY_VARIABLE})",
    )
    parser.add_argument(
        "--storage",
        default=os.environ.get(STORAGE_VARIABLE, ""),
        metavar="URL",
        help=f"clickhouse://…: telemetry on that server, not in a file (default ${STORAGE_VARIABLE})",
    )
    parser.add_argument(
        "--roles",
        type=_roles,
        default=ROLES,
        metavar="ROLE[,ROLE]",
        help=f"what this process does, any of {','.join(ROLES)} (default all)",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="allow plain HTTP beyond this machine, for a network where something else does TLS",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; 0 when everything that was taken in has been stored.

    Prints one line on stdout, once requests are answered: a JSON object with the URLs of
    `http`, `grpc` and `ui`, and of `create_owner` while nobody has an account.
    """
    os.environ["TOLLSPAN_GATEWAY_HTTP"] = arguments.http
    os.environ["TOLLSPAN_GATEWAY_GRPC"] = arguments.grpc
    os.environ["TOLLSPAN_GATEWAY_DATA_DIR"] = arguments.data_dir
    os.environ[IDENTITY_VARIABLE] = arguments.identity
    os.environ[STORAGE_VARIABLE] = arguments.storage
    configure_logging()
    keep_freed_memory()
    sources = [DEFAULT_CONFIG, *arguments.config]
    config = keep_roles(load(sources), arguments.roles)
    with locating(sources):
        service = Service(config, build_gateway_registry(), pipelines_required="ingest" in arguments.roles)
        if not arguments.insecure:
            _check_exposure(config, {arguments.http: "--http", arguments.grpc: "--grpc"})
    run_in_event_loop(service.run(on_ready=lambda: _announce(service, arguments.roles)))
    return 0


def _announce(service: Service, roles: Collection[str]) -> None:
    http_urls = [server.url for server in service.http_servers.values()]
    grpc_urls = [server.url for server in service.grpc_servers.values()]
    ready = {"http": http_urls[0], "grpc": next(iter(grpc_urls), None), "ui": None}
    if "ui" in roles:
        web = cast(WebExtension, service.extension("web"))
        ready |= {"http": web.url, "ui": web.sign_in_url}
        if web.create_owner_url is not None:
            ready["create_owner"] = web.create_owner_url
    # What is there now stays. To look through it again and again took a good part of the loop's time.
    gc.collect()
    gc.freeze()
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _address(text: str) -> str:
    try:
        return parse_endpoint(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _roles(text: str) -> tuple[str, ...]:
    wanted = {role.strip() for role in text.split(",")}
    if not wanted <= set(ROLES):
        raise argparse.ArgumentTypeError(f"{text!r}: choose from {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in wanted)


def _check_exposure(config: Mapping[str, Any], options: Mapping[str, str]) -> None:
    """ConfigErrors when other machines could reach without TLS what asks for secrets."""
    doors = {name: own for name, own in config["extensions"].items() if name.partition("/")[0] in _DOORS}
    endpoints = list(_find_endpoints({"receivers": config.get("receivers"), "extensions": doors}))
    with_tls = {endpoint for _, endpoint, has_tls in endpoints if has_tls}
    open_to_all = {
        options.get(endpoint, path): endpoint
        for path, endpoint, _ in endpoints
        if endpoint not in with_tls and not is_loopback_host(split_endpoint(endpoint)[0])
    }
    problem = "{} can be reached from other machines, without TLS"
    hint = "set tls in the receiver there, or allow it with --insecure, where something else does TLS"
    if open_to_all:
        errors = [ConfigError(path, problem.format(at), hint) for path, at in open_to_all.items()]
        raise ExceptionGroup("secrets would travel in the clear", errors)


def _find_endpoints(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Path, value and whether there is `tls` beside it, of every `endpoint` in a part of a configuration."""
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _find_endpoints(value, f"{path}{key}::")
        elif key == "endpoint" and value:
            yield f"{path}{key}", value, bool(section.get("tls"))
