"""What is installed, does it fit together, and what may go wrong when the program runs?"""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, entry_points, version

from tollspan.sdk.doctor.finding import Finding, ok, problem, warning
from tollspan.sdk.events import Events
from tollspan.sdk.instrumentation import DISABLED, ON, Instrumentations
from tollspan.sdk.settings import Settings

PACKAGES = ("tollspan", "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-instrumentation")


def check_program(
    settings: Settings, environ: Mapping[str, str], instrumentations: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """Versions, instrumentations, and hazards of how programs are started.

    Without `instrumentations`, the state of each, they are put to work to find that out.
    """
    yield from _check_versions()
    if settings.instrument:
        states = _activate(settings) if instrumentations is None else instrumentations
        yield from _check_instrumentations(states)
    else:
        yield warning("instrumentations", "are switched off (TOLLSPAN_INSTRUMENT)", "is that meant?")
    yield from _check_environment(settings, environ)
    yield ok("exit", "what waits is flushed at exit and on SIGTERM; before os._exit call flush()")


def _check_versions() -> Iterator[Finding]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    yield ok(
        "versions",
        ", ".join([f"Python {platform.python_version()}", *(f"{k} {v}" for k, v in found.items())]),
    )
    if found["opentelemetry-api"] != found["opentelemetry-sdk"]:
        yield problem(
            "versions",
            "opentelemetry-api and -sdk differ",
            "pip install --upgrade opentelemetry-api opentelemetry-sdk",
        )


def _activate(settings: Settings) -> Mapping[str, str]:
    instrumentations = Instrumentations(Events())
    instrumentations.activate(settings.disable)
    return instrumentations.states


def _check_instrumentations(states: Mapping[str, str]) -> Iterator[Finding]:
    on = sorted(name for name, state in states.items() if state == ON)
    if not on:
        yield warning("instrumentations", "none is on", "pip install 'tollspan[instrument]'")
        return
    yield ok("instrumentations", f"on where they are used: {', '.join(on)}")
    off = sorted(name for name, state in states.items() if state == DISABLED)
    if off:
        yield ok("instrumentations", f"disabled: {', '.join(off)}")
    for name, state in sorted(states.items()):
        if state.startswith(("conflict", "failed")):
            yield warning(name, state, "install versions that fit, or disable it (TOLLSPAN_DISABLE)")


def _check_environment(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    known = {entry.name for entry in entry_points(group="opentelemetry_propagator")}
    for name in filter(None, environ.get("OTEL_PROPAGATORS", "").split(",")):
        if name.strip() not in known | {"none"}:
            cure = f"write some of {', '.join(sorted(known))}"
            yield problem(
                "OTEL_PROPAGATORS", f"{name.strip()} is unknown, which ends the program at import", cure
            )
    if "auto_instrumentation" in environ.get("PYTHONPATH", ""):
        yield warning("PYTHONPATH", "opentelemetry-instrument runs too", "use it or tollspan run, not both")
    if environ.get("FLASK_DEBUG", "0") not in ("0", "false", ""):
        yield warning(
            "FLASK_DEBUG", "its reloader runs the program twice", "flask run --no-reload while tracing"
        )
    if settings.protocol == "grpc" and environ.get("GRPC_ENABLE_FORK_SUPPORT", "0") in ("0", "false"):
        cure = "set GRPC_ENABLE_FORK_SUPPORT=1, or use http/protobuf"
        yield warning("fork", "gRPC does not survive it (gunicorn, celery)", cure)
    if settings.log_level is None and logging.getLogger().level >= logging.WARNING:
        cure = "logging.basicConfig(level=...) in the program, or TOLLSPAN_LOG_LEVEL=INFO"
        yield warning("logging", "the root logger starts at WARNING, so INFO is neither shown nor sent", cure)
