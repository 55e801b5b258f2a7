"""What can be set, from where, and what was found: an argument of `init`, else TOLLSPAN_*, else OTEL_*.

The fields of `Settings` are the table. A field `audience` is the argument `audience` and
the variable TOLLSPAN_AUDIENCE; its row says which standard variable is read after that,
of what kind the value is, and what it means. Units end the names: `_s` is seconds.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints

from opentelemetry.sdk.trace.sampling import Sampler

from tollspan.errors import ConfigError
from tollspan.oauth2.secret import Secret
from tollspan.otlp.signals import Signal
from tollspan.sdk.setting_values import (
    COMPRESSION,
    COUNT,
    CREDENTIAL,
    FLAG,
    HEADERS,
    NUMBER,
    PAIRS,
    SAMPLER,
    TEXT,
    UNIT_SOURCE,
    URL,
    WORDS,
    Credential,
    Kind,
    UnitSource,
    is_loopback,
    read_credential,
)


class Row(NamedTuple):
    """How one setting is read.

    `otel` is its standard variable: `{}` stands for `TRACES_` and then for nothing. Those
    of times are in milliseconds, ours in seconds. A CREDENTIAL may also be in a file
    that TOLLSPAN_<NAME>_FILE names.
    """

    kind: Kind
    meaning: str
    otel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `init` works with. Its repr shows no secret."""

    service_name: Annotated[str | None, Row(TEXT, "what this program is called", "OTEL_SERVICE_NAME")] = None
    service_version: Annotated[str | None, Row(TEXT, "its version")] = None
    environment: Annotated[str | None, Row(TEXT, "where it runs: production, staging")] = None
    resource_attributes: Annotated[
        Mapping[str, Any], Row(PAIRS, "more about the program, beside OTEL_RESOURCE_ATTRIBUTES")
    ] = field(default_factory=dict)
    unit: Annotated[UnitSource | None, Row(UNIT_SOURCE, "whom a span is for, unless the code says")] = None
    parent_unit: Annotated[UnitSource | None, Row(UNIT_SOURCE, "the unit that this unit belongs to")] = None
    sampler: Annotated[Sampler | None, Row(SAMPLER, "which spans to record, else OTEL_TRACES_SAMPLER")] = None

    endpoint: Annotated[
        str | None, Row(URL, "where to send; the signal's path is added", "OTEL_EXPORTER_OTLP_{}ENDPOINT")
    ] = None
    client_id: Annotated[Credential | None, Row(CREDENTIAL, "the OAuth2 client")] = None
    client_secret: Annotated[Credential | None, Row(CREDENTIAL, "its secret")] = None
    token_url: Annotated[str | None, Row(URL, "who issues access tokens, else the endpoint is asked")] = None
    audience: Annotated[str | None, Row(TEXT, "whom access tokens shall be for")] = None
    scopes: Annotated[tuple[str, ...], Row(WORDS, "the OAuth2 scopes to ask for")] = ()
    api_key: Annotated[Credential | None, Row(CREDENTIAL, "a fixed key instead of OAuth2")] = None
    headers: Annotated[
        Mapping[str, Secret], Row(HEADERS, "sent with every request", "OTEL_EXPORTER_OTLP_{}HEADERS")
    ] = field(default_factory=dict)
    allow_insecure: Annotated[bool, Row(FLAG, "permit credentials over http beyond this machine")] = False
    certificate_file: Annotated[
        str | None, Row(TEXT, "CA certificates to trust", "OTEL_EXPORTER_OTLP_{}CERTIFICATE")
    ] = None
    client_certificate_file: Annotated[
        str | None, Row(TEXT, "our TLS certificate", "OTEL_EXPORTER_OTLP_{}CLIENT_CERTIFICATE")
    ] = None
    client_key_file: Annotated[str | None, Row(TEXT, "its key", "OTEL_EXPORTER_OTLP_{}CLIENT_KEY")] = None
    compression: Annotated[str, Row(COMPRESSION, "of requests", "OTEL_EXPORTER_OTLP_{}COMPRESSION")] = "gzip"

    batch_items_max: Annotated[int, Row(COUNT, "spans in a request", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE")] = 512
    queue_items_max: Annotated[int, Row(COUNT, "spans that wait", "OTEL_BSP_MAX_QUEUE_SIZE")] = 500_000
    queue_bytes_max: Annotated[int, Row(COUNT, "memory of what waits, estimated")] = 64 << 20
    export_interval_s: Annotated[
        float, Row(NUMBER, "how long a batch may fill", "OTEL_BSP_SCHEDULE_DELAY")
    ] = 1.0
    export_timeout_s: Annotated[
        float, Row(NUMBER, "one attempt, all in all", "OTEL_EXPORTER_OTLP_{}TIMEOUT")
    ] = 10.0
    shutdown_timeout_s: Annotated[float, Row(NUMBER, "the last attempt at exit, all in all")] = 2.0

    url: str | None = None
    """Where the signal's requests go; None when nothing can be sent."""


ROWS: Mapping[str, Row] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Settings, include_extras=True).items()
    if name != "url"
}


class _Found(NamedTuple):
    """A value as it was given, and what a user would look for to change it."""

    value: Any
    origin: str


def variable(name: str) -> str:
    """The environment variable of the setting `name`."""
    return f"TOLLSPAN_{name.upper()}"


def read_settings(
    arguments: Mapping[str, Any], environ: Mapping[str, str], signal: Signal = Signal.TRACES
) -> tuple[Settings, list[ConfigError]]:
    """The settings for `signal`, and what is wrong with what was given; no problem quotes a value.

    A value that cannot be read counts as not given. `url` is None when nothing can be
    sent, or not safely; the problems say why.
    """
    found = {name: _find(name, row, arguments, environ, signal) for name, row in ROWS.items()}
    origins = {name: place.origin for name, place in found.items() if place is not None}
    values, problems = _read(found)
    problems += [*_misspelt(environ), *_keep_one_credential(values, arguments)]
    settings = Settings(**values)
    faults = [*_endpoint_faults(settings, origins), *_credential_faults(settings, origins)]
    if settings.endpoint is not None:
        base = settings.endpoint.removesuffix(signal.path)
        whole = origins["endpoint"] == _otel_names(ROWS["endpoint"], signal)[0]
        url = settings.endpoint if whole else base + signal.path
        settings = replace(settings, endpoint=base, url=None if faults else url)
    return settings, problems + faults


def _find(
    name: str, row: Row, arguments: Mapping[str, Any], environ: Mapping[str, str], signal: Signal
) -> _Found | None:
    if arguments.get(name) is not None:
        return _Found(arguments[name], f"init({name}=...)")
    own = variable(name)
    if environ.get(own):
        return _Found(environ[own], own)
    if row.kind is CREDENTIAL and environ.get(f"{own}_FILE"):
        return _Found(Path(environ[f"{own}_FILE"]), f"{own}_FILE")
    standard = next((key for key in _otel_names(row, signal) if environ.get(key)), None)
    return _Found(environ[standard], standard) if standard else None


def _otel_names(row: Row, signal: Signal) -> tuple[str, ...]:
    """The standard variables of a setting, the one for this signal alone first (OTLP exporter rules)."""
    if "{}" not in row.otel:
        return (row.otel,)
    return row.otel.format(f"{signal.value.upper()}_"), row.otel.format("")


def _read(found: Mapping[str, _Found | None]) -> tuple[dict[str, Any], list[ConfigError]]:
    values: dict[str, Any] = {}
    problems = []
    for name, place in found.items():
        if place is None:
            continue
        row = ROWS[name]
        try:
            ms = name.endswith("_s") and place.origin.startswith("OTEL_")
            values[name] = row.kind.read(float(place.value) / 1000 if ms else place.value)
            if isinstance(place.value, Path):
                read_credential(place.value)
            if ms and name == "export_timeout_s" and values[name] < 0.1:
                problems.append(ConfigError(place.origin, "is less than 100 ms", "it is not in seconds"))
        except ConfigError as error:
            problems.append(ConfigError(place.origin, "its file " + error.problem, "it will be tried again"))
        except (ValueError, TypeError, AttributeError):
            problems.append(ConfigError(place.origin, "cannot be read", f"write {row.kind.expected}"))
    return values, problems


def _keep_one_credential(values: dict[str, Any], arguments: Mapping[str, Any]) -> list[ConfigError]:
    """Leave one of API key and OAuth2 client in `values`: the one that was passed, else the client."""
    if "api_key" not in values or "client_id" not in values:
        return []
    if "api_key" in arguments and "client_id" not in arguments:
        del values["client_id"]
        values.pop("client_secret", None)
        return []
    del values["api_key"]
    if "client_id" in arguments and "api_key" not in arguments:
        return []
    return [ConfigError("api_key", "is ignored beside client_id", "set one of them")]


def _endpoint_faults(settings: Settings, origins: Mapping[str, str]) -> Iterator[ConfigError]:
    if "endpoint" not in origins:
        yield ConfigError("endpoint", "is not set, so no telemetry is sent", "set TOLLSPAN_ENDPOINT")
    if settings.allow_insecure or not (settings.client_id or settings.api_key):
        return
    for name in ("endpoint", "token_url"):
        url = getattr(settings, name)
        if url is not None and url.startswith("http:") and not is_loopback(url):
            advice = "use https, or set TOLLSPAN_ALLOW_INSECURE=true"
            yield ConfigError(origins[name], "would send credentials unencrypted", advice)


def _credential_faults(settings: Settings, origins: Mapping[str, str]) -> Iterator[ConfigError]:
    for name, other in (("client_id", "client_secret"), ("client_secret", "client_id")):
        if getattr(settings, name) and not getattr(settings, other):
            yield ConfigError(origins[name], "is of no use alone", f"set {variable(other)} too")
    if "api_key" in origins and not (settings.api_key or settings.client_id):
        yield ConfigError(origins["api_key"], "is needed, so no telemetry is sent")


def _misspelt(environ: Mapping[str, str]) -> Iterator[ConfigError]:
    known = {variable(name) for name in ROWS} | {
        f"{variable(name)}_FILE" for name, row in ROWS.items() if row.kind is CREDENTIAL
    }
    for name in sorted(environ.keys() - known):
        if name.startswith("TOLLSPAN_"):
            for meant in difflib.get_close_matches(name, known, 1, 0.9):
                yield ConfigError(name, "is no setting", f"did you mean {meant}?")
