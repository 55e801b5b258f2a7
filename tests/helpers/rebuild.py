"""Official protobuf messages from decoded tables, and what decoding leaves of an official message."""

import struct
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from helpers.otlp_strategies import REQUESTS
from tollspan.otlp._decode import Decoded
from tollspan.otlp.schema import TABLES, Column, Kind, MetricType, ValueType
from tollspan.otlp.signals import Signal

ENTRIES = {
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
}
POINTS = {
    MetricType.GAUGE: ("gauge", "number_points"),
    MetricType.SUM: ("sum", "number_points"),
    MetricType.HISTOGRAM: ("histogram", "histogram_points"),
    MetricType.EXPONENTIAL_HISTOGRAM: ("exponential_histogram", "exponential_histogram_points"),
    MetricType.SUMMARY: ("summary", "summary_points"),
}
COLUMNS = {table.name: table.columns for tables in TABLES.values() for table in tables}
EXEMPLARS = {name for name in COLUMNS if name.endswith("_exemplars")}
ATTRIBUTES = {"attributes", "filtered_attributes", "metadata"}
# Sub-messages whose absence decoding does not tell from their being empty.
ALWAYS_THERE = {"resource", "scope", "status", "body", "value", "positive", "negative"}


def rebuild(signal: Signal, decoded: Decoded) -> Any:
    """The request whose tables these are."""
    return _Rebuilding(decoded).request(signal)


def items(signal: Signal, request: Any) -> list[Any]:
    """Its spans, data points or log records, in order."""
    resource_entries, scope_entries, name = ENTRIES[signal]
    found = [
        item
        for entry in getattr(request, resource_entries)
        for scope_entry in getattr(entry, scope_entries)
        for item in getattr(scope_entry, name)
    ]
    return (
        found if signal is not Signal.METRICS else [point for metric in found for point in points_of(metric)]
    )


def points_of(metric: Any) -> Any:
    data = metric.WhichOneof("data")
    return getattr(metric, data).data_points if data else ()


def remove_unsound(signal: Signal, request: Any) -> int:
    """Take out the items that OTLP forbids; return how many there were."""
    resource_entries, scope_entries, _ = ENTRIES[signal]
    before = len(items(signal, request))
    for entry in getattr(request, resource_entries):
        for scope_entry in getattr(entry, scope_entries):
            if signal is Signal.TRACES:
                _keep(scope_entry.spans, _sound_span)
            for metric in scope_entry.metrics if signal is Signal.METRICS else ():
                if metric.WhichOneof("data"):
                    _keep(points_of(metric), _sound_point)
    return before - len(items(signal, request))


def canonical(message: Message) -> bytes:
    """The bytes of the message, less what decoding does not keep."""
    copy = type(message)()
    copy.CopyFrom(message)
    copy.DiscardUnknownFields()
    _normalise(copy)
    return copy.SerializeToString(deterministic=True)


def last_keys_win(message: Message) -> None:
    """Drop the attributes that a later one with the same key replaces, everywhere but within values."""
    for field, value in message.ListFields():
        if field.name in ATTRIBUTES:
            last = {attribute.key: number for number, attribute in enumerate(value)}
            kept = [attribute for number, attribute in enumerate(value) if last[attribute.key] == number]
            del value[:]
            value.extend(kept)
        elif field.message_type:
            for child in value if field.is_repeated else [value]:
                last_keys_win(child)


def _keep(repeated: Any, sound: Any) -> None:
    kept = [item for item in repeated if sound(item)]
    del repeated[:]
    repeated.extend(kept)


def _sound_span(span: Any) -> bool:
    return (
        _is_id(span.trace_id, 16)
        and _is_id(span.span_id, 8)
        and len(span.parent_span_id) in {0, 8}
        and all(len(link.trace_id) in {0, 16} and len(link.span_id) in {0, 8} for link in span.links)
    )


def _sound_point(point: Any) -> bool:
    if point.DESCRIPTOR.name == "HistogramDataPoint":
        buckets, bounds = len(point.bucket_counts), len(point.explicit_bounds)
        if buckets != bounds + 1 and (buckets or bounds):
            return False
    return point.time_unix_nano != 0


def _is_id(value: bytes, size: int) -> bool:
    return len(value) == size and any(value)


def _normalise(message: Any) -> None:
    if message.DESCRIPTOR.name in {"ArrayValue", "KeyValueList"}:
        return  # kept as bytes, so nothing in it is lost
    for field in message.DESCRIPTOR.fields:
        if field.name in {"entity_refs", "key_strindex", "string_value_strindex"}:
            message.ClearField(field.name)
        elif field.name in {"trace_id", "span_id", "parent_span_id"}:
            if not _is_id(getattr(message, field.name), 16 if field.name == "trace_id" else 8):
                message.ClearField(field.name)
        elif field.name in ALWAYS_THERE and field.message_type:
            getattr(message, field.name).SetInParent()
    for field, value in message.ListFields():
        if field.message_type:
            for child in value if field.is_repeated else [value]:
                _normalise(child)


class _Rebuilding:
    def __init__(self, decoded: Decoded) -> None:
        self.rows = {
            name: [
                dict(zip(table.columns, cells, strict=True))
                for cells in zip(*table.columns.values(), strict=True)
            ]
            for name, table in decoded.tables.items()
        }

    def request(self, signal: Signal) -> Any:
        resource_entries, scope_entries, items_name = ENTRIES[signal]
        request = REQUESTS[signal]()
        entries: list[Any] = []
        for row in self.rows["resources"]:
            entries.append(getattr(request, resource_entries).add(schema_url=row["schema_url"]))
            self.fill(entries[-1].resource, "resources", row)
        scopes: list[Any] = []
        for row in self.rows["scopes"]:
            scopes.append(getattr(entries[row["resource"]], scope_entries).add(schema_url=row["schema_url"]))
            self.fill(scopes[-1].scope, "scopes", row)
        for number, row in enumerate(self.rows[items_name]):
            assert self.rows["scopes"][row["scope"]]["resource"] == row["resource"]
            item = getattr(scopes[row["scope"]], items_name).add()
            self.fill(item, items_name, row)
            if signal is Signal.METRICS:
                self.add_data(item, number, row)
        return request

    def add_data(self, metric: Any, number: int, row: dict[str, Any]) -> None:
        if row["type"] == MetricType.EMPTY:
            return
        member, table = POINTS[MetricType(row["type"])]
        data = getattr(metric, member)
        data.SetInParent()
        if "aggregation_temporality" in data.DESCRIPTOR.fields_by_name:
            data.aggregation_temporality = row["temporality"]
        if member == "sum":
            data.is_monotonic = row["monotonic"]
        for point in self.rows[table]:
            if point["metric"] == number:
                self.fill(data.data_points.add(), table, point)

    def fill(self, message: Any, table: str, row: dict[str, Any]) -> None:
        """Set the fields of `message` from the columns of its row."""
        for column in COLUMNS[table]:
            if column.field is None or (f"has_{column.name}" in row and not row[f"has_{column.name}"]):
                continue
            field = message.DESCRIPTOR.fields_by_number[column.field]
            if field.message_type and not field.is_repeated and field.name != "body":
                name = column.name.removeprefix(f"{field.name}_")  # of `status`, `positive`, `negative`
                self.set_field(getattr(message, field.name), name, column, row[column.name])
            elif field.name != "body" and not column.name.startswith("has_"):
                self.set_field(message, field.name, column, row[column.name])
        if table in {"number_points", *EXEMPLARS}:
            _set_number(message, row["type"], row["number"])
        if table == "log_records":
            _set_value(message.body, row["body_type"], row["body_number"], row["body_text"])

    def set_field(self, message: Any, name: str, column: Column, cell: Any) -> None:
        if column.kind is Kind.OFFSETS:
            self.add_children(getattr(message, name), column.child, cell)
        elif message.DESCRIPTOR.fields_by_name[name].type == FieldDescriptor.TYPE_STRING:
            setattr(message, name, cell.decode())
        else:
            setattr(message, name, cell)

    def add_children(self, repeated: Any, table: str, numbers: range) -> None:
        for row in self.rows[table][numbers.start : numbers.stop]:
            if "key" in row:
                attribute = repeated.add(key=row["key"].decode())
                _set_value(attribute.value, row["type"], row["number"], row["text"])
            elif len(row) == 1:
                repeated.extend(row.values())
            else:
                self.fill(repeated.add(), table, row)


def _set_value(value: Any, kind: int, number: int, text: bytes) -> None:
    if kind == ValueType.STRING:
        value.string_value = text.decode()
    elif kind == ValueType.BOOL:
        value.bool_value = number
    elif kind == ValueType.INT:
        value.int_value = _signed(number)
    elif kind == ValueType.DOUBLE:
        value.double_value = _double(number)
    elif kind == ValueType.ARRAY:
        value.array_value.ParseFromString(text)
        value.array_value.SetInParent()
    elif kind == ValueType.KVLIST:
        value.kvlist_value.ParseFromString(text)
        value.kvlist_value.SetInParent()
    elif kind == ValueType.BYTES:
        value.bytes_value = text


def _set_number(message: Any, kind: int, number: int) -> None:
    if kind == ValueType.INT:
        message.as_int = _signed(number)
    elif kind == ValueType.DOUBLE:
        message.as_double = _double(number)


def _signed(number: int) -> int:
    return number - (number >> 63 << 64)


def _double(number: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", number))[0]
