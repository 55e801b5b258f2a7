"""Are the settings complete, and where does each come from?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.sdk.resources import Resource

from tollspan.otlp.signals import Signal
from tollspan.sdk.doctor.finding import Finding, ok, problem, warning
from tollspan.sdk.resource import build_resource
from tollspan.sdk.settings import Settings, find_origins, read_settings

IDENTITY = {
    "service.name": "OTEL_SERVICE_NAME",
    "service.version": "TOLLSPAN_SERVICE_VERSION",
    "deployment.environment.name": "TOLLSPAN_ENVIRONMENT",
}
"""What every service has to say about itself, the same at each start, and the variable for it."""


def read_all(arguments: Mapping[str, Any], environ: Mapping[str, str]) -> dict[Signal, Settings]:
    """The settings of each signal."""
    return {signal: read_settings(arguments, environ, signal)[0] for signal in Signal}


def check_settings(arguments: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[Finding]:
    """Each wrong setting, the sources of the others, and who the telemetry says it is from."""
    said: set[str] = set()
    for signal in Signal:
        for error in read_settings(arguments, environ, signal)[1]:
            if str(error) not in said:
                said.add(str(error))
                topic = error.path or "settings"
                yield problem(topic, error.problem, error.hint or "see docs/reference.md")
    origins = find_origins(arguments, environ)
    found = ", ".join(f"{name} from {origin}" for name, origin in sorted(origins.items()))
    yield ok("settings", found or "none in the environment; init(...).diagnose() sees its arguments too")
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield problem("OTEL_SDK_DISABLED", "switches all telemetry off", "unset it")
    yield from _check_identity(build_resource(read_settings(arguments, environ)[0]))


def _check_identity(resource: Resource) -> Iterator[Finding]:
    for name, variable in IDENTITY.items():
        value = str(resource.attributes.get(name, ""))
        if not value or value.startswith("unknown_service"):
            yield warning(name, "is not set", f"pass it to init(), or set {variable}")
        else:
            yield ok(name, value)
