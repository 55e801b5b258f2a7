from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from tollspan.errors import LimitError, WireError
from tollspan.otlp.json_mapping import MappedRequest, any_value_to_json, json_to_wire, wire_to_json
from tollspan.otlp.messages import MESSAGES, REQUESTS
from tollspan.otlp.protobuf import field_bytes, field_varint
from tollspan.otlp.signals import Signal

OFFICIAL = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}
IDS = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
NUMBERS = {
    # JSON knows one NaN, protobuf 2**53 of them.
    FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False) | st.just(math.nan),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_ENUM: st.integers(0, 7),
    FieldDescriptor.TYPE_SINT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_STRING: st.text(max_size=5),
}


def official_fields(message: Descriptor) -> list[FieldDescriptor]:
    return [field for field in message.fields if not field.name.endswith("_strindex")]


def value_of(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type:
        return message_of(field.message_type, depth - 1)
    if field.type == FieldDescriptor.TYPE_BYTES:
        size = IDS.get(field.name)
        return st.binary(min_size=size, max_size=size) if size else st.binary(max_size=5)
    return NUMBERS[field.type]


@st.composite
def message_of(draw: st.DrawFn, descriptor: Descriptor, depth: int = 9) -> Message:
    """Any message of this type: the official classes know what may be in it."""
    message = descriptor._concrete_class()
    for field in official_fields(descriptor):
        if (field.message_type and depth == 0) or not draw(st.booleans()):
            continue
        if field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(value_of(field, depth), max_size=2)))
        elif field.message_type:
            getattr(message, field.name).CopyFrom(draw(value_of(field, depth)))
        else:
            setattr(message, field.name, draw(value_of(field, depth)))
    return message


signals = st.sampled_from(Signal)
requests = signals.flatmap(lambda signal: st.tuples(st.just(signal), message_of(OFFICIAL[signal].DESCRIPTOR)))


def same(signal: Signal, wire: bytes, message: Message) -> bool:
    """Equal even where a NaN is inside."""
    parsed = OFFICIAL[signal].FromString(wire)
    return bool(parsed.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True))


def traces(*spans: Any, **around: Any) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans, **around}]}]}).encode()


def mapped_spans(*spans: Any) -> tuple[list[Any], MappedRequest]:
    mapped = json_to_wire(Signal.TRACES, traces(*spans))
    request = ExportTraceServiceRequest.FromString(mapped.wire)
    return list(request.resource_spans[0].scope_spans[0].spans), mapped


def mapped_span(**fields: Any) -> Any:
    spans, mapped = mapped_spans(fields)
    assert mapped.rejected == 0
    return spans[0]


def attribute(**value: Any) -> dict[str, Any]:
    return {"attributes": [{"key": "k", "value": value}]}


def fault(body: bytes, signal: Signal = Signal.TRACES) -> str:
    with pytest.raises(WireError) as caught:
        json_to_wire(signal, body)
    return str(caught.value)


# The laws


@given(requests)
def test_what_json_says_of_a_request_maps_back_to_it(request_of: tuple[Signal, Message]) -> None:
    signal, message = request_of
    document = wire_to_json(signal, message.SerializeToString())
    mapped = json_to_wire(signal, document)
    assert (mapped.rejected, mapped.problems) == (0, [])
    assert same(signal, mapped.wire, message)


def with_hex_ids(document: Any) -> Any:
    """Turn protobuf's own JSON into OTLP's: the ids are all that differs when enums are numbers."""
    if isinstance(document, list):
        return [with_hex_ids(element) for element in document]
    if not isinstance(document, dict):
        return document
    return {
        key: base64.b64decode(value).hex()
        if key in {"traceId", "spanId", "parentSpanId"}
        else with_hex_ids(value)
        for key, value in document.items()
    }


@given(requests, st.booleans())
def test_protobufs_own_json_with_hex_ids_maps_to_the_same_request(
    request_of: tuple[Signal, Message], upper: bool
) -> None:
    signal, message = request_of
    document = json_format.MessageToDict(message, use_integers_for_enums=True)
    body = json.dumps(with_hex_ids(document))
    body = re.sub('(?<=Id": ")[0-9a-f]+(?=")', lambda found: found[0].upper() if upper else found[0], body)
    assert same(signal, json_to_wire(signal, body.encode()).wire, message)


@given(requests)
def test_our_json_is_protobufs_own_json_with_hex_ids(request_of: tuple[Signal, Message]) -> None:
    signal, message = request_of
    document = json_format.MessageToDict(message, use_integers_for_enums=True)
    ours = json.loads(wire_to_json(signal, message.SerializeToString()))
    assert json.dumps(ours, sort_keys=True) == json.dumps(with_hex_ids(document), sort_keys=True)


@given(
    signal=signals,
    body=st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from([field.name for fields in MESSAGES.values() for field in fields]), inner
            )
        ),
        max_leaves=30,
    ).map(lambda document: json.dumps(document).encode()),
)
def test_any_body_is_mapped_or_is_a_wire_error(signal: Signal, body: bytes) -> None:
    try:
        mapped = json_to_wire(signal, body)
    except WireError:
        return
    OFFICIAL[signal].FromString(mapped.wire)


@given(requests, st.data())
def test_any_damaged_wire_gives_json_or_a_wire_error(
    request_of: tuple[Signal, Message], data: st.DataObject
) -> None:
    signal, message = request_of
    wire = bytearray(message.SerializeToString() or b"\x0a\x00")
    for _ in range(data.draw(st.integers(1, 3))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    try:
        document = wire_to_json(signal, bytes(wire))
    except WireError:
        return
    json.loads(document)


@pytest.mark.parametrize("signal", Signal)
def test_the_table_of_messages_is_that_of_the_official_descriptors(signal: Signal) -> None:
    seen = {}

    def visit(name: str, message: Descriptor) -> None:
        if name in seen:
            return
        seen[name] = message
        ours = {field.number: field for field in MESSAGES[name]}
        assert ours.keys() == {field.number for field in official_fields(message)}
        for field in official_fields(message):
            known = ours[field.number]
            oneof = field.containing_oneof
            real_oneof = oneof.name if oneof and len(oneof.fields) > 1 else ""
            assert (known.name, known.repeated, known.oneof) == (
                field.json_name,
                field.is_repeated,
                real_oneof,
            )
            if field.message_type:
                visit(known.type, field.message_type)
            else:
                protobuf_type = "bytes" if known.type == "hex" else known.type
                assert getattr(FieldDescriptor, f"TYPE_{protobuf_type.upper()}") == field.type
                assert (known.type == "hex") == (field.name in IDS)

    visit(REQUESTS[signal], OFFICIAL[signal].DESCRIPTOR)
    assert len(seen) > 5


# JSON to protobuf: the rules O-80 to O-90


def test_ids_are_hexadecimal_in_any_case_and_an_empty_one_is_absent() -> None:
    span = mapped_span(traceId="0123456789ABCDEF0123456789abcdef", spanId="00000000000000fF", parentSpanId="")
    assert span.trace_id == bytes.fromhex("0123456789abcdef0123456789abcdef")
    assert span.span_id == b"\0\0\0\0\0\0\0\xff"
    assert span.parent_span_id == b""


def test_an_id_of_a_wrong_length_is_left_to_the_decoder() -> None:
    assert mapped_span(traceId="ab").trace_id == b"\xab"


@pytest.mark.parametrize("bad", ["xy", "abc", "ab cd", "0xab", "é1", 5, ["ab"], {}, True])
def test_an_id_that_is_not_hexadecimal_is_a_fault(bad: Any) -> None:
    message = fault(traces({"traceId": bad}))
    assert (
        message
        == "resourceSpans[0].scopeSpans[0].spans[0].traceId: expected a string of hexadecimal digit pairs"
    )


def test_enums_are_integers_and_a_name_is_a_fault_with_its_path() -> None:
    assert mapped_span(kind=3, status={"code": 2}).kind == 3
    assert mapped_span(kind=77).kind == 77
    message = fault(traces({"status": {"code": "STATUS_CODE_ERROR"}}))
    assert message.startswith(
        "resourceSpans[0].scopeSpans[0].spans[0].status.code: expected an integer (enums too"
    )


def test_unknown_names_and_snake_case_are_ignored() -> None:
    assert mapped_span(name="a", trace_id="zz", start_time_unix_nano=1, more={"x": ["\ud800"]}).name == "a"


@pytest.mark.parametrize("given_", [1700000000000000001, "1700000000000000001"])
def test_a_64_bit_integer_is_a_number_or_a_decimal_string(given_: Any) -> None:
    assert mapped_span(startTimeUnixNano=given_).start_time_unix_nano == 1700000000000000001
    assert mapped_span(**attribute(intValue=given_)).attributes[0].value.int_value == 1700000000000000001


@pytest.mark.parametrize(
    "bad",
    [
        2**64,
        "18446744073709551616",
        -1,
        "-1",
        1.5,
        "1.5",
        "0x1",
        " 1",
        "",
        "\u0661",
        "1_0",
        True,
        [],
        "9" * 5000,
    ],
)
def test_an_integer_out_of_range_or_in_another_form_is_a_fault(bad: Any) -> None:
    message = fault(traces({"startTimeUnixNano": bad}))
    assert message.startswith("resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano: ")


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (b"\xfb\xff\x00", b"\xfb\xff\x00"),
        ("-_8A", b"\xfb\xff\x00"),
        ("+/8", b"\xfb\xff"),
        ("-_8=", b"\xfb\xff"),
        ("", b""),
    ],
)
def test_bytes_are_base64_in_either_alphabet_padded_or_not(given_: Any, expected: bytes) -> None:
    text = base64.b64encode(given_).decode() if isinstance(given_, bytes) else given_
    assert mapped_span(**attribute(bytesValue=text)).attributes[0].value.bytes_value == expected


@pytest.mark.parametrize("bad", ["a", "!!!!", "ab cd", "é", 5, "YQ==YQ=="])
def test_what_is_not_base64_is_a_fault(bad: Any) -> None:
    assert fault(traces(attribute(bytesValue=bad))).endswith("bytesValue: expected a string in base64")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('"NaN"', math.nan),
        ('"Infinity"', math.inf),
        ('"-Infinity"', -math.inf),
        ('"1.5e3"', 1500.0),
        ("7", 7.0),
        ("-0.0", -0.0),
    ],
)
def test_a_double_is_a_number_or_a_string_that_names_one(text: str, number: float) -> None:
    body = traces(attribute(doubleValue="HERE")).replace(b'"HERE"', text.encode())
    mapped = ExportTraceServiceRequest.FromString(json_to_wire(Signal.TRACES, body).wire)
    value = mapped.resource_spans[0].scope_spans[0].spans[0].attributes[0].value.double_value
    assert repr(value) == repr(number)


@pytest.mark.parametrize(
    "text", ['"inf"', '"nan"', '"1_0"', '""', "true", "[]", "1e999", '"1e999"', "1" + "0" * 400]
)
def test_a_double_out_of_range_or_in_another_form_is_a_fault(text: str) -> None:
    body = traces(attribute(doubleValue="HERE")).replace(b'"HERE"', text.encode())
    assert "doubleValue: " in fault(body)


def test_null_is_a_field_that_is_not_set() -> None:
    span = mapped_span(name=None, attributes=None, status=None, kind=None)
    assert span.ByteSize() == 0
    assert json_to_wire(Signal.TRACES, b'{"resourceSpans":null}') == MappedRequest(b"", 0, [])


def test_two_members_of_a_oneof_are_a_fault() -> None:
    message = fault(traces(attribute(stringValue="a", intValue=1)))
    assert message.endswith("attributes[0].value.intValue: cannot be set together with stringValue")
    assert mapped_span(**attribute(stringValue="a", intValue=None)).attributes[0].value.string_value == "a"


def test_of_two_equal_names_the_last_counts() -> None:
    body = traces({"HERE": 1}).replace(b'"HERE": 1', b'"name": "first", "name": "second"')
    request = ExportTraceServiceRequest.FromString(json_to_wire(Signal.TRACES, body).wire)
    assert request.resource_spans[0].scope_spans[0].spans[0].name == "second"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"nonsense",
        b"[]",
        b"null",
        b'"text"',
        b"5",
        b"{}{}",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"resourceSpans":"\xff"}',
        '{"resourceSpans":[]}'.encode("utf-16"),
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"resourceSpans":{}}',
        b'{"resourceSpans":[5]}',
        b'{"resourceSpans":[null]}',
        b'{"resourceSpans":[{"resource":[]}]}',
        b'{"resourceSpans":[{"resource":{"attributes":[{"key":5}]},"scopeSpans":[{"spans":[{}]}]}]}',
        b'{"resourceSpans":[{"schemaUrl":"\\ud800","scopeSpans":[{"spans":[{}]}]}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_request_is_a_wire_error(body: bytes) -> None:
    fault(body)


def test_an_empty_object_is_an_empty_request() -> None:
    for signal in Signal:
        assert json_to_wire(signal, b"{}") == MappedRequest(b"", 0, [])


def test_more_values_than_allowed_are_a_limit_error_before_they_are_made() -> None:
    with pytest.raises(LimitError):
        json_to_wire(Signal.TRACES, traces(*[{}] * 100), values_max=100)
    with pytest.raises(LimitError):
        json_to_wire(Signal.TRACES, b'{"resourceSpans":[' + b"{}," * 3_000_000)


def nested(depth: int) -> dict[str, Any]:
    return {"arrayValue": {"values": [nested(depth - 1)] if depth > 1 else []}}


def test_values_nest_as_deep_as_the_limit_and_no_deeper() -> None:
    spans, mapped = mapped_spans({"name": "ok", **attribute(**nested(32))}, attribute(**nested(33)))
    assert [span.name for span in spans] == ["ok"]
    assert mapped.rejected == 1
    assert mapped.problems[0].endswith("values are nested more than 32 deep")


# One bad record costs one record


@pytest.mark.parametrize(
    "bad",
    [
        5,
        None,
        [],
        {"name": 5},
        {"name": "\ud800"},
        {"kind": "X"},
        {"events": [{"timeUnixNano": -1}]},
        {"links": {}},
    ],
)
def test_a_bad_span_costs_itself_alone(bad: Any) -> None:
    spans, mapped = mapped_spans({"name": "before"}, bad, {"name": "after"})
    assert [span.name for span in spans] == ["before", "after"]
    assert mapped.rejected == 1
    assert mapped.problems[0].startswith("resourceSpans[0].scopeSpans[0].spans[1]")


def test_a_request_of_which_nothing_is_left_is_a_wire_error_that_names_the_first_fault() -> None:
    message = fault(traces({"name": "\ud800"}, {"kind": "X"}))
    assert message.startswith("resourceSpans[0].scopeSpans[0].spans[0].name: the string has a lone surrogate")


def test_only_the_first_problems_are_told_and_all_are_counted() -> None:
    _, mapped = mapped_spans(*[{"name": number} for number in range(20)], {})
    assert mapped.rejected == 20
    assert [re.search(r"spans\[(\d+)\]\.name", problem)[1] for problem in mapped.problems] == list("01234")


def test_a_bad_log_record_costs_itself_alone() -> None:
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"INFO"},{"eventName":"ok"}]}]}]}'
    mapped = json_to_wire(Signal.LOGS, body)
    records = ExportLogsServiceRequest.FromString(mapped.wire).resource_logs[0].scope_logs[0].log_records
    assert ([record.event_name for record in records], mapped.rejected) == (["ok"], 1)


def test_a_bad_data_point_costs_itself_and_a_bad_metric_its_points() -> None:
    points = [{"asInt": "1"}, {"asInt": "x"}, {"asDouble": 2.5}]
    metrics = [
        {"name": "good", "sum": {"dataPoints": points, "isMonotonic": True}},
        {"name": 5, "gauge": {"dataPoints": points}},
        {"gauge": {"dataPoints": points}, "unit": 5},
        "not a metric",
    ]
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}).encode()
    mapped = json_to_wire(Signal.METRICS, body)
    written = ExportMetricsServiceRequest.FromString(mapped.wire).resource_metrics[0].scope_metrics[0].metrics
    assert [metric.name for metric in written] == ["good"]
    assert [point.WhichOneof("value") for point in written[0].sum.data_points] == ["as_int", "as_double"]
    assert mapped.rejected == 1 + 3 + 3 + 1
    assert mapped.problems[0].startswith(
        "resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints[1].asInt: "
    )


# Protobuf to JSON


def test_a_value_is_written_as_json_whole_or_by_the_payload_of_its_member() -> None:
    array = ArrayValue(values=[AnyValue(int_value=2**62), AnyValue(string_value="é"), AnyValue()])
    pairs = KeyValueList(values=[KeyValue(key="k", value=AnyValue(double_value=math.inf))])
    assert any_value_to_json(AnyValue(bool_value=False).SerializeToString()) == '{"boolValue":false}'
    assert any_value_to_json(b"") == "{}"
    as_array = '{"arrayValue":{"values":[{"intValue":"4611686018427387904"},{"stringValue":"é"},{}]}}'
    assert any_value_to_json(AnyValue(array_value=array).SerializeToString()) == as_array
    assert any_value_to_json(array.SerializeToString(), 5) == as_array
    as_pairs = '{"kvlistValue":{"values":[{"key":"k","value":{"doubleValue":"Infinity"}}]}}'
    assert any_value_to_json(pairs.SerializeToString(), 6) == as_pairs


@pytest.mark.parametrize("wire", [b"\x0a", b"\x0a\x05ab", b"\x0a\x01\xff", b"\x0f", b"\x80" * 20])
def test_a_broken_value_is_a_wire_error(wire: bytes) -> None:
    with pytest.raises(WireError):
        any_value_to_json(wire)


def test_a_value_nested_too_deep_is_a_wire_error() -> None:
    wire = field_varint(3, 1)
    for _ in range(40):
        wire = field_bytes(5, field_bytes(1, wire))
    with pytest.raises(WireError, match="nested"):
        any_value_to_json(wire)


def test_fields_that_occur_twice_are_merged_as_protobuf_merges_them() -> None:
    first = KeyValue(key="a", value=AnyValue(int_value=1))
    second = KeyValue(key="b", value=AnyValue(string_value="s"))
    wire = first.SerializeToString() + second.SerializeToString()
    pairs = field_bytes(1, wire) + field_bytes(
        1, KeyValue(value=AnyValue(bool_value=True)).SerializeToString()
    )
    assert json.loads(any_value_to_json(pairs, 6))["kvlistValue"]["values"] == [
        {"key": "b", "value": {"stringValue": "s"}},
        {"value": {"boolValue": True}},
    ]


def test_repeated_numbers_are_read_packed_and_one_by_one() -> None:
    metric = {"histogram": {"dataPoints": [{"bucketCounts": ["1", "2"], "explicitBounds": [0.5]}]}}
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}).encode()
    wire = json_to_wire(Signal.METRICS, body).wire
    packed = field_bytes(6, b"\x01" + bytes(7) + b"\x02" + bytes(7))
    assert packed in wire
    single = b"\x31\x01" + bytes(7) + b"\x31\x02" + bytes(7)
    assert wire_to_json(Signal.METRICS, wire.replace(packed, single)) == wire_to_json(Signal.METRICS, wire)
