"""Hypothesis strategies for export requests of every shape that OTLP allows, as official protobuf messages.

They follow the descriptors of the official messages, so fields that OTLP adds are generated as
soon as the package has them. Only where OTLP restricts a value is there a strategy by name.
"""

import functools
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tollspan.otlp.signals import Signal

REQUESTS: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}

SCALARS = {
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_ENUM: st.integers(0, 5),
    FieldDescriptor.TYPE_FIXED32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SINT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_STRING: st.text(max_size=20),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
}


def ids(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size).filter(any)


KEYS = st.sampled_from(["http.method", "http.route", "a", "b", ""]) | st.text(max_size=6)
TIMES = st.integers(1, 2**64 - 1)
RESTRICTED: dict[str, st.SearchStrategy[Any]] = {
    "KeyValue.key": KEYS,
    "Span.trace_id": ids(16),
    "Span.span_id": ids(8),
    "Span.parent_span_id": st.just(b"") | ids(8),
    "Span.Link.trace_id": st.just(b"") | ids(16),
    "Span.Link.span_id": st.just(b"") | ids(8),
    "LogRecord.trace_id": st.just(b"") | ids(16),
    "LogRecord.span_id": st.just(b"") | ids(8),
    "Exemplar.trace_id": st.just(b"") | ids(16),
    "Exemplar.span_id": st.just(b"") | ids(8),
    "NumberDataPoint.time_unix_nano": TIMES,
    "HistogramDataPoint.time_unix_nano": TIMES,
    "ExponentialHistogramDataPoint.time_unix_nano": TIMES,
    "SummaryDataPoint.time_unix_nano": TIMES,
}
REQUIRED = {"trace_id", "span_id", "time_unix_nano", "key"}
# The way down to the items: seldom empty, so that there are items.
STRUCTURE = {
    *("resource_spans", "scope_spans", "spans", "resource_logs", "scope_logs", "log_records"),
    *("resource_metrics", "scope_metrics", "metrics", "data", "data_points"),
}
VALUE_DEPTH = 3


def requests(signal: Signal) -> st.SearchStrategy[Any]:
    """Export requests whose every item keeps OTLP's rules."""
    return messages(REQUESTS[signal].DESCRIPTOR)


def wires(signal: Signal) -> st.SearchStrategy[bytes]:
    """The same, serialised."""
    return requests(signal).map(lambda request: request.SerializeToString())


def signal_requests() -> st.SearchStrategy[tuple[Signal, Any]]:
    """A signal and a request of it."""
    return st.sampled_from(Signal).flatmap(lambda signal: st.tuples(st.just(signal), requests(signal)))


def signal_wires() -> st.SearchStrategy[tuple[Signal, bytes]]:
    """A signal and a serialised request of it."""
    return signal_requests().map(lambda case: (case[0], case[1].SerializeToString()))


@functools.cache
def messages(descriptor: Descriptor, depth: int = VALUE_DEPTH) -> st.SearchStrategy[Any]:
    """Messages of one type, with values nested at most `depth` deep."""
    return _messages(descriptor, depth)


@st.composite
def _messages(draw: Callable[..., Any], descriptor: Descriptor, depth: int) -> Any:
    message = GetMessageClass(descriptor)()
    for field in _chosen_fields(draw, descriptor, depth):
        value = _values(field, depth)
        if field.is_repeated:
            getattr(message, field.name).extend(draw(_some(value, field.name, max_size=3)))
        elif field.message_type:
            getattr(message, field.name).CopyFrom(draw(value))
        else:
            setattr(message, field.name, draw(value))
    if descriptor.name == "HistogramDataPoint":
        _give_each_bound_its_bucket(message)
    return message


def _chosen_fields(draw: Callable[..., Any], descriptor: Descriptor, depth: int) -> list[FieldDescriptor]:
    """Of each oneof at most one field, of the others any."""
    chosen = []
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if oneof is None or len(oneof.fields) == 1:
            if field.name in REQUIRED | STRUCTURE or draw(st.booleans()):
                chosen.append(field)
        elif field is oneof.fields[0]:
            members = [member for member in oneof.fields if depth > 0 or not member.message_type]
            chosen += draw(_some(st.sampled_from(members), oneof.name, max_size=1))
    return chosen


def _some(value: st.SearchStrategy[Any], name: str, max_size: int) -> st.SearchStrategy[list[Any]]:
    some = st.lists(value, min_size=1, max_size=max_size)
    return (
        st.one_of(some, some, some, st.just([])) if name in STRUCTURE else st.lists(value, max_size=max_size)
    )


def _values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type:
        inside_value = field.containing_type.name in {"ArrayValue", "KeyValueList"}
        return messages(field.message_type, depth - inside_value)
    owner = field.containing_type.full_name.split(".v1.")[1]
    return RESTRICTED.get(f"{owner}.{field.name}", SCALARS[field.type])


def _give_each_bound_its_bucket(point: Any) -> None:
    del point.explicit_bounds[max(0, len(point.bucket_counts) - 1) :]
    del point.bucket_counts[len(point.explicit_bounds) + 1 :]
