import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tollspan.otlp import _columns, _decode
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.schema import ValueType


def decoded(*records: LogRecord) -> _decode.Decoded:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.extend(records)
    return _decode.decode("logs", request.SerializeToString())


def records(*sent: LogRecord) -> _columns.Table:
    found = decoded(*sent)
    assert found.items == len(sent)
    return found.tables["log_records"]


@pytest.mark.parametrize("trace_id", [b"", b"t", bytes(16), b"t" * 24])
@pytest.mark.parametrize("span_id", [b"", b"s", bytes(8), b"s" * 16])
def test_a_malformed_id_means_not_linked_to_a_span(trace_id: bytes, span_id: bytes) -> None:
    columns = records(LogRecord(trace_id=trace_id, span_id=span_id)).columns
    assert (columns["trace_id"][0], columns["span_id"][0]) == (bytes(16), bytes(8))


def test_a_sound_id_is_kept_beside_a_malformed_one() -> None:
    columns = records(LogRecord(trace_id=b"t" * 16, span_id=b"s")).columns
    assert (columns["trace_id"][0], columns["span_id"][0]) == (b"t" * 16, bytes(8))


def test_bodies_of_any_kind_keep_their_rows() -> None:
    sent = [LogRecord() for _ in range(5)]
    sent[0].body.string_value = "text"
    sent[1].body.int_value = 7
    sent[2].body.kvlist_value.values.add(key="k").value.bool_value = True
    sent[3].body.bytes_value = b"\xff"
    columns = records(*sent).columns
    kvlist = sent[2].body.kvlist_value.SerializeToString()
    assert list(columns["body_type"]) == [
        ValueType.STRING, ValueType.INT, ValueType.KVLIST, ValueType.BYTES, ValueType.EMPTY,
    ]  # fmt: skip
    assert list(columns["body_number"]) == [0, 7, 0, 0, 0]
    assert list(columns["body_text"]) == [b"text", b"", kvlist, b"\xff", b""]


def test_the_body_of_a_rejected_record_leaves_no_text_behind() -> None:
    good, bad = (field_bytes(5, field_bytes(1, text)) for text in (b"good", b"lost"))
    wire = b"".join(field_bytes(2, record) for record in (good, bad + field_bytes(3, b"\xff"), good))
    found = _decode.decode("logs", field_bytes(1, field_bytes(2, wire)))
    assert (found.items, found.rejected) == (2, 1)
    assert found.problems[0].startswith("log record 1: severity_text: text is not UTF-8")
    assert list(found.tables["log_records"].columns["body_text"]) == [b"good", b"good"]


@pytest.mark.parametrize(("field", "name"), [(3, "severity_text"), (12, "event_name"), (5, "body_type")])
def test_text_that_is_not_utf8_costs_its_record(field: int, name: str) -> None:
    text = field_bytes(1, b"\xff") if field == 5 else b"\xff"
    found = _decode.decode("logs", field_bytes(1, field_bytes(2, field_bytes(2, field_bytes(field, text)))))
    assert found.problems[0].startswith(f"log record 0: {name}: text is not UTF-8")


def test_words_that_repeat_are_kept_once() -> None:
    columns = records(*(LogRecord(severity_text=text) for text in ("INFO", "WARN", "INFO"))).columns
    assert list(columns["severity_text"].values) == [b"INFO", b"WARN"]
