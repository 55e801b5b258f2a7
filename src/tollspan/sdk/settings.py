"""What can be set, from where, and what was found.

An argument of `init` wins over TOLLSPAN_*, that over the variables of the destination's own
documentation, that over OTEL_*, and that over the destination's defaults.

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
from tollspan.oauth2.client_credentials import AuthMethod
from tollspan.oauth2.secret import Secret
from tollspan.otlp.signals import Signal
from tollspan.sdk.destinations import DESTINATIONS, Destination
from tollspan.sdk.setting_faults import (
    Found,
    choose_credential,
    find_faults,
    find_unusable_paths,
    leave_out_dataset,
    variable,
)
from tollspan.sdk.setting_values import (
    AUTH_METHOD,
    COMPRESSION,
    COUNT,
    CREDENTIAL,
    DATASETS,
    DESTINATION,
    FLAG,
    FOLDER,
    HEADER_NAME,
    HEADERS,
    HISTOGRAMS,
    LEVEL,
    NUMBER,
    PAIRS,
    PROTOCOL,
    RATE,
    SAMPLER,
    SIGNALS,
    TEMPORALITY,
    TEXT,
    UNIT_SOURCE,
    URL,
    WORDS,
    Credential,
    Kind,
    UnitSource,
    read_credential,
)


class Row(NamedTuple):
    """How one setting is read.

    `otel` is its standard variable: `{}` stands for `TRACES_` and then for nothing, and the
    batch span processor's `BSP` for the log record processor's `BLRP` where logs are meant. Those
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
    metric_units: Annotated[bool, Row(FLAG, "a metric for each unit, which costs as many time series")] = (
        False
    )
    propagate_unit_to: Annotated[
        tuple[str, ...], Row(WORDS, "hosts, as *.example.com, that are told the unit, as W3C baggage")
    ] = ()
    unit_from_callers: Annotated[bool, Row(FLAG, "whether callers may name the unit that they call for")] = (
        False
    )
    sampler: Annotated[Sampler | None, Row(SAMPLER, "which spans to record, else OTEL_TRACES_SAMPLER")] = None

    sample_rate: Annotated[float | None, Row(RATE, "the part of the traces to record, from 0 to 1")] = None
    scrub: Annotated[bool, Row(FLAG, "whether to take secrets out of attributes and log records")] = True
    scrub_names: Annotated[
        tuple[str, ...], Row(WORDS, "parts of names of attributes that are secret, beside the usual ones")
    ] = ()
    console: Annotated[bool, Row(FLAG, "whether to print traces on stderr, for development")] = False

    signals: Annotated[
        tuple[str, ...], Row(SIGNALS, "what to record; OTEL_TRACES_EXPORTER=none and its like take one out")
    ] = tuple(signal.value for signal in Signal)
    log_level: Annotated[
        int | None, Row(LEVEL, "lowers the root logger to it; else the levels that are set decide")
    ] = None
    instrument: Annotated[bool, Row(FLAG, "whether to use the instrumentations that are installed")] = True
    disable: Annotated[
        tuple[str, ...], Row(WORDS, "those not to use, or *", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")
    ] = ()

    destination: Annotated[str, Row(DESTINATION, "what kind of backend: " + ", ".join(DESTINATIONS))] = (
        "tollspan"
    )
    dataset: Annotated[
        Mapping[str, str], Row(DATASETS, "where in it: its dataset or experiment, also one for each signal")
    ] = field(default_factory=dict)
    endpoint: Annotated[
        str | None, Row(URL, "where to send; the signal's path is added", "OTEL_EXPORTER_OTLP_{}ENDPOINT")
    ] = None
    client_id: Annotated[Credential | None, Row(CREDENTIAL, "the OAuth2 client")] = None
    client_secret: Annotated[Credential | None, Row(CREDENTIAL, "its secret")] = None
    private_key_file: Annotated[
        str | None, Row(TEXT, "its private key, in PEM or as a JWK, instead of a secret")
    ] = None
    private_key_id: Annotated[str | None, Row(TEXT, "what the token endpoint calls that key")] = None
    assertion_audience: Annotated[str | None, Row(TEXT, "whom it signs for, else the token URL")] = None
    auth_method: Annotated[
        AuthMethod, Row(AUTH_METHOD, "how it proves who it is; with a private key private_key_jwt")
    ] = "client_secret_basic"
    token_url: Annotated[str | None, Row(URL, "who issues access tokens, else the endpoint is asked")] = None
    audience: Annotated[str | None, Row(TEXT, "whom access tokens shall be for")] = None
    scopes: Annotated[tuple[str, ...], Row(WORDS, "the OAuth2 scopes to ask for")] = ()
    token_parameters: Annotated[
        Mapping[str, str], Row(PAIRS, "more parameters of token requests, as resource")
    ] = field(default_factory=dict)
    api_key: Annotated[Credential | None, Row(CREDENTIAL, "a fixed key instead of OAuth2")] = None
    api_key_header: Annotated[
        str | None, Row(HEADER_NAME, "the header that carries it, else Authorization: Bearer")
    ] = None
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
    protocol: Annotated[
        str,
        Row(PROTOCOL, "http/protobuf, or grpc with the extra of that name", "OTEL_EXPORTER_OTLP_{}PROTOCOL"),
    ] = "http/protobuf"
    compression: Annotated[str, Row(COMPRESSION, "of requests", "OTEL_EXPORTER_OTLP_{}COMPRESSION")] = "gzip"

    batch_items_max: Annotated[
        int, Row(COUNT, "spans or log records in a request", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE")
    ] = 512
    queue_items_max: Annotated[int, Row(COUNT, "items of a signal that wait", "OTEL_BSP_MAX_QUEUE_SIZE")] = (
        500_000
    )
    queue_bytes_max: Annotated[int, Row(COUNT, "memory of what waits, estimated")] = 64 << 20
    spool: Annotated[
        str | None, Row(FOLDER, "a folder for what cannot be sent, from where it is sent later")
    ] = None
    spool_bytes_max: Annotated[int, Row(COUNT, "what that folder may hold")] = 256 << 20
    metric_interval_s: Annotated[
        float, Row(NUMBER, "how often metrics are collected", "OTEL_METRIC_EXPORT_INTERVAL")
    ] = 60.0
    metric_temporality: Annotated[
        str,
        Row(
            TEMPORALITY,
            "totals, or what changed: cumulative, delta, lowmemory",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        ),
    ] = "cumulative"
    metric_histograms: Annotated[
        str,
        Row(
            HISTOGRAMS,
            "what histograms become, unless a view says otherwise",
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        ),
    ] = "explicit_bucket_histogram"
    export_interval_s: Annotated[
        float, Row(NUMBER, "how long a batch may fill", "OTEL_BSP_SCHEDULE_DELAY")
    ] = 1.0
    export_timeout_s: Annotated[
        float, Row(NUMBER, "one attempt, all in all", "OTEL_EXPORTER_OTLP_{}TIMEOUT")
    ] = 10.0
    flush_on_signal: Annotated[
        bool | None,
        Row(FLAG, "flush on SIGTERM: true also before a handler of the application, false never"),
    ] = None
    shutdown_timeout_s: Annotated[float, Row(NUMBER, "the last attempt at exit, all in all")] = 2.0

    url: str | None = None
    """Where the signal's requests go; None when nothing can be sent."""


DEFAULT = "the destination's default"
"""Where a setting comes from that nobody gave."""

ROWS: Mapping[str, Row] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Settings, include_extras=True).items()
    if name != "url"
}


def read_settings(
    arguments: Mapping[str, Any], environ: Mapping[str, str], signal: Signal = Signal.TRACES
) -> tuple[Settings, list[ConfigError]]:
    """The settings for `signal`, and what is wrong with what was given; no problem quotes a value.

    A value that cannot be read counts as not given. `url` is None when nothing can be
    sent, or not safely, and the problems say why; or the destination does not take the signal.
    """
    destination = _find_destination(arguments, environ)
    places = {name: _find(name, arguments, environ, signal, destination) for name in ROWS}
    found = {name: place for name, place in places.items() if place is not None}
    found.setdefault("signals", _find_signals(environ))
    problems = [*choose_credential(found, arguments, destination), *leave_out_dataset(found, destination)]
    # The stock distribution sets the standard protocol to gRPC; it is that of the standard endpoint alone.
    if _standard("protocol", found) and not _standard("endpoint", found):
        del found["protocol"]
    origins = {name: place.origin for name, place in found.items()}
    values, unreadable = _read(found)
    problems += [*unreadable, *_misspelt(environ)]
    if "private_key_file" in values and origins.get("auth_method", DEFAULT) == DEFAULT:
        values["auth_method"] = "private_key_jwt"
    settings = _with_resource(Settings(**values), destination, environ)
    if signal not in destination.paths or signal.value not in settings.signals:
        return settings, problems
    problems += find_unusable_paths(settings, origins)
    faults = list(find_faults(settings, origins, signal))
    if settings.endpoint is not None and not faults:
        settings = _with_address(settings, destination, signal, origins["endpoint"])
    return settings, problems + faults


def find_origins(arguments: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Where settings come from: arguments of `init`, variables, or the destination's defaults."""
    destination = _find_destination(arguments, environ)
    places = {name: _find(name, arguments, environ, Signal.TRACES, destination) for name in ROWS}
    return {name: place.origin for name, place in places.items() if place is not None}


def _standard(name: str, found: Mapping[str, Found]) -> bool:
    return name in found and found[name].origin.startswith("OTEL_")


def _find_destination(arguments: Mapping[str, Any], environ: Mapping[str, str]) -> Destination:
    name = arguments.get("destination") or environ.get(variable("destination"))
    return DESTINATIONS.get(str(name).strip(), DESTINATIONS["tollspan"])


def _find_signals(environ: Mapping[str, str]) -> Found:
    """Those for which the standard selection of an exporter does not say `none`."""
    exporters = {signal.value: f"OTEL_{signal.value.upper()}_EXPORTER" for signal in Signal}
    chosen = [signal for signal, name in exporters.items() if environ.get(name, "").strip() != "none"]
    return Found(chosen, "OTEL_*_EXPORTER")


def _with_resource(settings: Settings, destination: Destination, environ: Mapping[str, str]) -> Settings:
    names = destination.resource_variables.items()
    resource = {key: environ[name] for key, name in names if environ.get(name)}
    return replace(settings, resource_attributes={**resource, **settings.resource_attributes})


def _with_address(settings: Settings, destination: Destination, signal: Signal, origin: str) -> Settings:
    """With the URL, and the header that names the dataset there."""
    endpoint = settings.endpoint
    assert endpoint is not None
    if settings.protocol == "grpc" and origin == DEFAULT:
        endpoint = destination.grpc_endpoint or endpoint
    path = destination.paths[signal]
    base = endpoint.removesuffix(path)
    whole = origin == _otel_names(ROWS["endpoint"], signal)[0] or settings.protocol == "grpc"
    headers = dict(settings.headers)
    if signal in destination.dataset_headers and signal.value in settings.dataset:
        headers.setdefault(destination.dataset_headers[signal], Secret(settings.dataset[signal.value]))
    return replace(settings, endpoint=base, url=endpoint if whole else base + path, headers=headers)


def _find(
    name: str,
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
    signal: Signal,
    destination: Destination,
) -> Found | None:
    if arguments.get(name) is not None:
        return Found(arguments[name], f"init({name}=...)")
    row, own = ROWS[name], variable(name)
    if environ.get(own):
        return Found(environ[own], own)
    if row.kind is CREDENTIAL and environ.get(f"{own}_FILE"):
        return Found(Path(environ[f"{own}_FILE"]), f"{own}_FILE")
    for key in (*destination.variables.get(name, ()), *_otel_names(row, signal)):
        if environ.get(key):
            return Found(environ[key], key)
    default = destination.defaults.get(name)
    return None if default is None else Found(default, DEFAULT)


def _otel_names(row: Row, signal: Signal) -> tuple[str, ...]:
    """The standard variables of a setting, the one for this signal alone first (OTLP exporter rules)."""
    if "{}" not in row.otel:
        return (row.otel.replace("OTEL_BSP_", "OTEL_BLRP_") if signal is Signal.LOGS else row.otel,)
    return row.otel.format(f"{signal.value.upper()}_"), row.otel.format("")


def _read(found: Mapping[str, Found]) -> tuple[dict[str, Any], list[ConfigError]]:
    values: dict[str, Any] = {}
    problems = []
    for name, place in found.items():
        row = ROWS[name]
        try:
            ms = name.endswith("_s") and place.origin.startswith("OTEL_")
            values[name] = row.kind.read(float(place.value) / 1000 if ms else place.value)
            if row.kind is CREDENTIAL and isinstance(place.value, Path):
                read_credential(place.value)
            if ms and name == "export_timeout_s" and values[name] < 0.1:
                problems.append(ConfigError(place.origin, "is less than 100 ms", "it is not in seconds"))
        except ConfigError as error:
            problems.append(ConfigError(place.origin, "its file " + error.problem, "it will be tried again"))
        except (ValueError, TypeError, AttributeError):
            problems.append(ConfigError(place.origin, "cannot be read", f"write {row.kind.expected}"))
    return values, problems


def _misspelt(environ: Mapping[str, str]) -> Iterator[ConfigError]:
    known = {variable(name) for name in ROWS} | {
        f"{variable(name)}_FILE" for name, row in ROWS.items() if row.kind is CREDENTIAL
    }
    for name in sorted(environ.keys() - known):
        if name.startswith("TOLLSPAN_"):
            for meant in difflib.get_close_matches(name, known, 1, 0.9):
                yield ConfigError(name, "is no setting", f"did you mean {meant}?")
