"""Pushes logs to Loki.

    exporters:
      loki:
        endpoint: http://loki:3100/loki/api/v1/push

The Collector has dropped this exporter, since Loki takes OTLP itself: `otlp_http` with
`endpoint: http://loki:3100/otlp` keeps more of each record. It stays here for configurations
that name it. Streams are labelled with `exporter`, `job`, `instance` and `level`; the
attributes that `loki.attribute.labels` and `loki.resource.labels` list become labels too. A
line is the record as JSON, or with `loki.format: raw` its body alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
import structlog

from tollspan.collector.component import Factory, Host, Kind, Receipt
from tollspan.collector.compression import compress, content_encoding
from tollspan.collector.config.values import Parsed
from tollspan.collector.http_client import parse_url
from tollspan.collector.http_destination import (
    HTTPDestination,
    HTTPDestinationConfig,
    require_success,
    user_agent,
)
from tollspan.collector.sender import Sender
from tollspan.otlp import _decode
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal
from tollspan.otlp.values import read_attributes, read_value, to_json, to_text

_log = structlog.get_logger()

_LEVELS = ("UNSPECIFIED", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_HINTS = ("loki.attribute.labels", "loki.resource.labels", "loki.format")


class DefaultLabelsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`default_labels_enabled`."""

    exporter: bool = True
    job: bool = True
    instance: bool = True
    level: bool = True


class LokiConfig(HTTPDestinationConfig, frozen=True, kw_only=True):
    """`exporters::loki`."""

    endpoint: Annotated[str, Parsed(parse_url)]
    default_labels_enabled: DefaultLabelsConfig = DefaultLabelsConfig()


class LokiDestination:
    """Posts push requests."""

    def __init__(self, config: LokiConfig) -> None:
        self._config = config
        self._destination = HTTPDestination(config)
        self._compression = content_encoding(config.compression)
        self._labels = msgspec.structs.asdict(config.default_labels_enabled)

    async def start(self, host: Host) -> None:
        """Requests can be made."""
        _log.warning("exporter_outdated", exporter=host.component_id, instead="otlp_http to Loki's /otlp")
        self._destination.open(host, self._config.endpoint)

    async def shutdown(self) -> None:
        """No connection is left."""
        await self._destination.close()

    async def send(self, batch: Batch) -> Receipt:
        """As Destination.send."""
        text, rejected = await asyncio.to_thread(build_push, batch.wire, self._labels)
        headers = {"Content-Type": "application/json", "User-Agent": user_agent()}
        if self._compression != "identity":
            headers["Content-Encoding"] = self._compression
        body = await compress(text.encode(), self._compression)
        require_success(await self._destination.post(self._config.endpoint, headers, body))
        return Receipt(rejected, f"{rejected} log records are malformed" if rejected else "")


def build_push(wire: bytes, default_labels: Mapping[str, bool]) -> tuple[str, int]:
    """The logs request as a push request in JSON, and how many records could not be read."""
    decoded = _decode.decode("logs", wire)
    streams: dict[tuple[tuple[str, str], ...], list[tuple[str, str]]] = {}
    for record in _records(decoded.tables):
        labels = _labels(record, default_labels)
        streams.setdefault(tuple(sorted(labels.items())), []).append((str(record["time"]), _line(record)))
    listed = [{"stream": dict(labels), "values": values} for labels, values in streams.items()]
    return to_json({"streams": listed}), decoded.rejected


def _records(tables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each log record with what belongs to it, in the order of the request."""
    logs, scopes = tables["log_records"].columns, tables["scopes"].columns
    resources = [
        read_attributes(tables["resource_attributes"], rows)
        for rows in tables["resources"].columns["attributes"]
    ]
    for row in range(tables["log_records"].rows):
        yield {
            "time": logs["time_unix_nano"][row] or logs["observed_time_unix_nano"][row],
            "body": read_value(logs["body_type"][row], logs["body_number"][row], logs["body_text"][row]),
            "severity": logs["severity_text"][row].decode("utf-8", "replace"),
            "level": _LEVELS[min(max(logs["severity_number"][row] + 3, 0) // 4, 6)],
            "traceid": logs["trace_id"][row].hex(),
            "spanid": logs["span_id"][row].hex(),
            "attributes": read_attributes(tables["log_record_attributes"], logs["attributes"][row]),
            "resources": resources[logs["resource"][row]],
            "scope": scopes["name"][logs["scope"][row]].decode("utf-8", "replace"),
        }


def _labels(record: Mapping[str, Any], default_labels: Mapping[str, bool]) -> dict[str, str]:
    resource = record["resources"]
    name, namespace = resource.get("service.name"), resource.get("service.namespace")
    found = {
        "exporter": "OTLP",
        "job": f"{namespace}/{name}" if namespace else name,
        "instance": resource.get("service.instance.id"),
        "level": record["level"] if record["level"] != "UNSPECIFIED" else None,
    }
    labels = {label: to_text(text) for label, text in found.items() if text and default_labels[label]}
    for kind, hint in (("attributes", "loki.attribute.labels"), ("resources", "loki.resource.labels")):
        for key in _listed(record, hint):
            if key in record[kind]:
                labels[re.sub("^(?=[0-9])|[^a-zA-Z0-9_]", "_", key)] = to_text(record[kind][key])
    return labels


def _line(record: Mapping[str, Any]) -> str:
    if _hint(record, "loki.format") == "raw":
        return to_text(record["body"])
    promoted = {*_listed(record, "loki.attribute.labels"), *_listed(record, "loki.resource.labels"), *_HINTS}
    shown = {key: record[key] for key in ("body", "severity") if record[key]}
    shown |= {key: record[key] for key in ("traceid", "spanid") if record[key].strip("0")}
    for kind in ("attributes", "resources"):
        rest = {key: value for key, value in record[kind].items() if key not in promoted}
        shown |= {kind: rest} if rest else {}
    return to_json(shown | ({"instrumentation_scope": {"name": record["scope"]}} if record["scope"] else {}))


def _listed(record: Mapping[str, Any], hint: str) -> list[str]:
    """The names in a hint: a list, or a text with commas."""
    names = _hint(record, hint)
    return [part.strip() for part in names.split(",")] if isinstance(names, str) else list(names or ())


def _hint(record: Mapping[str, Any], name: str) -> Any:
    return record["attributes"].get(name, record["resources"].get(name))


FACTORY = Factory(
    kind=Kind.EXPORTER,
    type="loki",
    config=LokiConfig,
    build=lambda config: Sender(config, LokiDestination(config)),
    signals=frozenset({Signal.LOGS}),
)
