import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tollspan.otlp import _decode
from tollspan.otlp.protobuf import field_bytes, field_varint


def decoded(*spans: Span | bytes) -> _decode.Decoded:
    wires = [span if isinstance(span, bytes) else span.SerializeToString() for span in spans]
    return _decode.decode(
        "traces", field_bytes(1, field_bytes(2, b"".join(field_bytes(2, wire) for wire in wires)))
    )


def sound_span(**fields: object) -> Span:
    return Span(**{"trace_id": b"t" * 16, "span_id": b"s" * 8, **fields})  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trace_id", b""),
        ("trace_id", bytes(16)),
        ("trace_id", b"t" * 15),
        ("trace_id", b"t" * 17),
        ("trace_id", b"t" * 24),  # what a hexadecimal id becomes when it is read as base64
        ("span_id", b""),
        ("span_id", bytes(8)),
        ("span_id", b"s" * 7),
        ("span_id", b"s" * 9),
        ("parent_span_id", b"p"),
        ("parent_span_id", b"p" * 9),
    ],
)
def test_a_span_with_a_malformed_id_is_rejected(field: str, value: bytes) -> None:
    found = decoded(sound_span(), sound_span(**{field: value}))
    assert (found.items, found.rejected) == (1, 1)
    assert found.problems[0].startswith(f"span 1: {field}: must be ")


@pytest.mark.parametrize("parent", [b"", bytes(8)])
def test_a_root_span_has_a_parent_of_zeros(parent: bytes) -> None:
    found = decoded(sound_span(parent_span_id=parent))
    assert list(found.tables["spans"].columns["parent_span_id"]) == [bytes(8)]


@pytest.mark.parametrize("link", [{}, {"trace_id": bytes(16), "span_id": bytes(8)}, {"trace_id": b"t" * 16}])
def test_a_link_may_come_without_ids(link: dict[str, bytes]) -> None:
    found = decoded(sound_span(links=[Span.Link(**link)]))
    assert list(found.tables["span_links"].columns["span_id"]) == [bytes(8)]


@pytest.mark.parametrize("link", [{"trace_id": b"t"}, {"span_id": b"s" * 16}])
def test_a_link_with_malformed_ids_costs_its_span(link: dict[str, bytes]) -> None:
    found = decoded(sound_span(links=[Span.Link(**link)]))
    assert found.rejected == 1
    assert "links: the ids of a link" in found.problems[0]


def test_flags_and_enumerations_of_later_versions_survive() -> None:
    span = sound_span(flags=0xFFFFFFFF)
    wire = span.SerializeToString() + field_varint(6, 77) + field_bytes(15, field_varint(3, -1))
    columns = decoded(wire).tables["spans"].columns
    assert (columns["flags"][0], columns["kind"][0], columns["status_code"][0]) == (0xFFFFFFFF, 77, -1)


def test_times_are_kept_as_sent_even_when_the_end_lies_before_the_start() -> None:
    columns = (
        decoded(sound_span(start_time_unix_nano=2**64 - 1, end_time_unix_nano=1)).tables["spans"].columns
    )
    assert (columns["start_unix_nano"][0], columns["end_unix_nano"][0]) == (2**64 - 1, 1)


def test_statuses_that_come_twice_are_merged() -> None:
    message, code = field_bytes(15, field_bytes(2, b"why")), field_bytes(15, field_varint(3, 2))
    for parts in (message + code, code + message):
        columns = decoded(sound_span().SerializeToString() + parts).tables["spans"].columns
        assert (columns["status_code"][0], columns["status_message"][0]) == (2, b"why")


@pytest.mark.parametrize(
    ("field", "name"), [(3, "trace_state"), (5, "name"), (15, "status_code"), (11, "events"), (13, "links")]
)
def test_text_that_is_not_utf8_costs_its_span(field: int, name: str) -> None:
    text = {
        3: b"\xff",
        5: b"\xff",
        15: field_bytes(2, b"\xff"),
        11: field_bytes(2, b"\xff"),
        13: field_bytes(3, b"\xff"),
    }
    found = decoded(sound_span().SerializeToString() + field_bytes(field, text[field]))
    assert f": {name}: text is not UTF-8" in found.problems[0]


def test_spans_name_the_rows_of_their_resource_and_scope() -> None:
    request = ExportTraceServiceRequest()
    for resource in range(2):
        entry = request.resource_spans.add(schema_url=f"r{resource}")
        for scope in range(2):
            entry.scope_spans.add(schema_url=f"s{scope}").spans.append(sound_span(name=f"{resource}{scope}"))
    tables = _decode.decode("traces", request.SerializeToString()).tables
    assert list(tables["spans"].columns["resource"]) == [0, 0, 1, 1]
    assert list(tables["spans"].columns["scope"]) == [0, 1, 2, 3]
    assert list(tables["scopes"].columns["resource"]) == [0, 0, 1, 1]
    assert list(tables["resources"].columns["schema_url"]) == [b"r0", b"r1"]
    assert list(tables["scopes"].columns["schema_url"]) == [b"s0", b"s1", b"s0", b"s1"]


def test_a_resource_that_comes_behind_its_spans_is_still_theirs() -> None:
    spans = field_bytes(2, field_bytes(2, sound_span().SerializeToString()))
    resource = field_bytes(1, field_bytes(1, field_bytes(1, b"late")))
    tables = _decode.decode("traces", field_bytes(1, b"") + field_bytes(1, spans + resource)).tables
    assert list(tables["resources"].columns["attributes"]) == [range(0), range(1)]
    assert list(tables["spans"].columns["resource"]) == [1]
