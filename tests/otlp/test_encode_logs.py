"""Log records over both encoders; what they share with spans is tested in test_encode.py."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs as official_encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as WireRecord
from opentelemetry.proto.logs.v1.logs_pb2 import ScopeLogs
from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from helpers.rebuild import canonical, rebuild
from tollspan.otlp import _decode, _encode, _encode_py, encoding
from tollspan.otlp.signals import Signal

encoders = pytest.mark.parametrize("encoder", [_encode, _encode_py], ids=["compiled", "python"])

SURROGATE = "broken \ud800 text"
UINT64 = st.integers(0, 2**64 - 1)
text = st.text(max_size=20)
scalars = st.booleans() | text | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.binary(max_size=140)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=8,
)
bad_values = st.just(SURROGATE) | st.integers(2**63, 2**70) | st.builds(object)
span_contexts = st.builds(
    SpanContext,
    trace_id=st.integers(1, 2**128 - 1),
    span_id=st.integers(1, 2**64 - 1),
    is_remote=st.booleans(),
    trace_flags=st.sampled_from([TraceFlags(0), TraceFlags(1)]),
)
contexts = st.none() | st.builds(lambda found: set_span_in_context(NonRecordingSpan(found)), span_contexts)


def records_with(body: st.SearchStrategy[Any], attributes: st.SearchStrategy[Any]) -> Any:
    return st.builds(
        LogRecord,
        timestamp=st.none() | UINT64,
        observed_timestamp=st.none() | UINT64,
        context=contexts,
        severity_text=st.none() | text,
        severity_number=st.none() | st.sampled_from(SeverityNumber),
        body=body,
        attributes=attributes,
        event_name=st.none() | text,
    )


def record(**changes: Any) -> ReadableLogRecord:
    fields = {"timestamp": 1, "observed_timestamp": 2, "body": "hello", "attributes": {}} | changes
    log_record = LogRecord(**fields)
    # Without the SDK's cleaning of values, which other records than its own need not have had.
    log_record.attributes = fields["attributes"]
    return ReadableLogRecord(log_record, Resource.get_empty(), InstrumentationScope("tests"))


def encoded(encoder: ModuleType, *records: ReadableLogRecord) -> list[WireRecord]:
    wire, failed = encoder.encode_logs(records)
    assert failed == []
    return list(ScopeLogs.FromString(wire).log_records)


def readable(log_record: LogRecord) -> ReadableLogRecord:
    return ReadableLogRecord(log_record, Resource({"service.name": "shop"}), InstrumentationScope("tests"))


good_records = records_with(values, st.dictionaries(text, values, max_size=4)).map(readable)
any_records = records_with(
    values | bad_values, st.dictionaries(text | st.just(SURROGATE), values | bad_values, max_size=4)
).map(readable)


@encoders
@given(records=st.lists(good_records, max_size=4))
def test_log_records_are_written_as_the_official_encoder_writes_them(
    encoder: ModuleType, records: list[ReadableLogRecord]
) -> None:
    official: ExportLogsServiceRequest = official_encode_logs(records)
    expected = b"".join(
        ScopeLogs(log_records=scope_logs.log_records).SerializeToString()
        for resource_logs in official.resource_logs
        for scope_logs in resource_logs.scope_logs
    )
    assert encoder.encode_logs(records) == (expected, [])


@given(records=st.lists(any_records, max_size=4))
def test_both_encoders_write_the_same_bytes_whatever_is_logged(records: list[ReadableLogRecord]) -> None:
    assert _encode.encode_logs(records) == _encode_py.encode_logs(records)


@given(records=st.lists(good_records, min_size=1, max_size=4))
def test_what_is_encoded_is_what_the_gateway_decodes(records: list[ReadableLogRecord]) -> None:
    decoded = _decode.decode("logs", encoding.encode_logs(records).body)
    assert (decoded.items, decoded.rejected) == (len(records), 0)
    assert canonical(rebuild(Signal.LOGS, decoded)) == canonical(official_encode_logs(records))


@encoders
@pytest.mark.parametrize(
    "faulty",
    [
        {"body": SURROGATE},
        {"body": object()},
        {"body": {"a": [object()]}},
        {"body": 2**64},
        {"timestamp": -1},
        {"timestamp": 1.5},
        {"observed_timestamp": 2**64},
        {"severity_text": 5},
        {"severity_number": 9},
        {"event_name": SURROGATE},
        {"attributes": 7},
    ],
)
def test_a_record_that_cannot_be_encoded_costs_itself_alone(
    encoder: ModuleType, faulty: dict[str, Any]
) -> None:
    wire, failed = encoder.encode_logs([record(body="before"), record(**faulty), record(body="after")])
    assert failed == [1]
    assert [kept.body.string_value for kept in ScopeLogs.FromString(wire).log_records] == ["before", "after"]


@encoders
def test_a_bad_attribute_costs_itself_alone_and_is_counted_with_those_the_sdk_dropped(
    encoder: ModuleType,
) -> None:
    assert encoded(encoder, record(attributes={"good": 1, "bad": SURROGATE}))[0].dropped_attributes_count == 1
    emitted = ReadWriteLogRecord(
        LogRecord(timestamp=1, observed_timestamp=2, body="b", attributes={"bad": SURROGATE, "good": 1}),
        Resource.get_empty(),
    )
    emitted.log_record.attributes.dropped = 3  # type: ignore[union-attr]  # as after 131 attributes
    kept = encoded(encoder, emitted)[0]  # type: ignore[arg-type]  # what processors are given
    assert ([pair.key for pair in kept.attributes], kept.dropped_attributes_count) == (["good"], 4)


def test_the_reason_says_which_part_of_the_record_is_at_fault() -> None:
    outcome = encoding.encode_logs([record(body=SURROGATE), record(timestamp=1.5), record()])
    assert outcome.items == 1
    assert [position for position, _ in outcome.failures] == [0, 1]
    assert outcome.failures[0][1].startswith("body: 'utf-8' codec can't encode")
    assert outcome.failures[1][1] == "time: must be an int of nanoseconds, not float"
