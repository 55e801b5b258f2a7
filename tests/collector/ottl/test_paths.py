"""Every path reads what the official classes wrote, and what it writes they read back."""

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tollspan.collector.ottl.paths import ABOVE, FIELDS, LEVELS, ancestor
from tollspan.collector.ottl.values import EvaluationError, Time
from tollspan.otlp._message import Message
from tollspan.otlp.request_walk import metric_data

OFFICIAL = {
    "resource": ResourceSpans,
    "scope": ScopeSpans,
    "span": Span,
    "spanevent": Span.Event,
    "log": LogRecord,
    "metric": Metric,
}

WRITTEN = {
    "attributes": {"a": 1, "b": ["x", {"y": None}]},
    "metadata": {"a": "b"},
    "trace_id": b"t" * 16,
    "span_id": b"s" * 8,
    "parent_span_id": b"p" * 8,
    "trace_id.string": "74" * 16,
    "span_id.string": "73" * 8,
    "parent_span_id.string": "70" * 8,
    "body": {"a": [1]},
    "body.string": "text",
    "is_monotonic": True,
}
READ_ONLY = {"kind.string", "type"}
CASES = [(context, path) for context in OFFICIAL for path in FIELDS[context] if path not in READ_ONLY]


def sample(path):
    if path in WRITTEN:
        return WRITTEN[path]
    if path in ("time", "observed_time", "start_time", "end_time"):
        return Time(5)
    texts = (
        "name",
        "version",
        "schema_url",
        "description",
        "unit",
        "text",
        "message",
        "event_name",
        "trace_state",
    )
    return "text" if path.endswith(texts) else 2


@pytest.mark.parametrize(("context", "path"), CASES)
def test_what_a_path_sets_it_gets_and_protobuf_can_read(context, path):
    start = b"" if context != "metric" else Metric(sum={}).SerializeToString()
    message, accessor = Message(start), FIELDS[context][path]
    accessor.set(message, sample(path))
    assert accessor.get(Message(message.wire)) == sample(path)
    official = OFFICIAL[context].FromString(message.wire)
    assert accessor.get(Message(official.SerializeToString())) == sample(path)


def test_fields_stand_where_the_specification_has_them():
    span = Span(name="n", kind=3, flags=1, dropped_links_count=4, trace_state="a=1", end_time_unix_nano=9)
    span.status.code, span.status.message = 2, "late"
    message = Message(span.SerializeToString())
    found = {path: FIELDS["span"][path].get(message) for path in FIELDS["span"]}
    assert (found["name"], found["kind"], found["kind.string"], found["flags"]) == ("n", 3, "Client", 1)
    assert (found["status.code"], found["status.message"]) == (2, "late")
    assert (found["dropped_links_count"], found["end_time"]) == (4, Time(9))


@pytest.mark.parametrize("value", [3, None, {"a": 1}])
def test_a_text_takes_nothing_but_text(value):
    with pytest.raises(EvaluationError):
        FIELDS["span"]["name"].set(Message(b""), value)


@pytest.mark.parametrize(("path", "value"), [("trace_id", b"short"), ("trace_id.string", "zz"), ("kind", -1)])
def test_values_that_do_not_fit_are_refused(path, value):
    span = Message(b"")
    with pytest.raises(EvaluationError):
        FIELDS["span"][path].set(span, value)
    assert not span.edited


def points(metric):
    """What every path of a data point says of each point of an official metric."""
    found = []

    def visit(point):
        found.append({path: FIELDS["datapoint"][path].get(point) for path in FIELDS["datapoint"]})
        return True

    metric_data(Message(metric.SerializeToString())).each(1 << 3 | 2, visit)
    return found


def test_data_points_of_every_type_show_what_they_have():
    gauge = Metric(
        gauge={"data_points": [{"as_int": -3, "flags": 1}, {"as_double": 1.5, "time_unix_nano": 7}]}
    )
    first, second = points(gauge)
    assert (first["value_int"], first["value_double"], first["flags"], first["count"]) == (-3, None, 1, None)
    assert (second["value_int"], second["value_double"], second["time"]) == (None, 1.5, Time(7))
    (histogram,) = points(Metric(histogram={"data_points": [{"count": 4, "sum": 2.5, "flags": 1}]}))
    assert (histogram["count"], histogram["sum"], histogram["flags"]) == (4, 2.5, 1)
    assert histogram["value_double"] is None
    (exponential,) = points(Metric(exponential_histogram={"data_points": [{"count": 4, "zero_count": 2}]}))
    assert (exponential["count"], exponential["zero_count"], exponential["sum"]) == (4, 2, None)
    (summary,) = points(Metric(summary={"data_points": [{"count": 4, "sum": 2.5}]}))
    assert (summary["count"], summary["sum"]) == (4, 2.5)


def edited_point(path, value, **metric):
    def visit(point):
        FIELDS["datapoint"][path].set(point, value)
        return True

    message = Message(Metric(**metric).SerializeToString())
    metric_data(message).each(1 << 3 | 2, visit)
    return Metric.FromString(message.wire)


def test_setting_one_kind_of_value_clears_the_other():
    metric = edited_point("value_double", 2.5, sum={"data_points": [{"as_int": 1}]})
    assert metric.sum.data_points[0].WhichOneof("value") == "as_double"
    metric = edited_point("value_int", -2, gauge={"data_points": [{"as_double": 1.0}]})
    assert metric.gauge.data_points[0].as_int == -2


@pytest.mark.parametrize("data", ["gauge", "sum", "histogram", "exponential_histogram", "summary"])
def test_attributes_of_data_points_stand_where_their_type_has_them(data):
    metric = edited_point("attributes", {"a": 1}, **{data: {"data_points": [{}]}})
    (point,) = getattr(metric, data).data_points
    assert [(a.key, a.value.int_value) for a in point.attributes] == [("a", 1)]


def test_a_field_that_a_data_point_does_not_have_cannot_be_set():
    with pytest.raises(EvaluationError):
        edited_point("value_int", 1, histogram={"data_points": [{}]})


def test_a_metric_without_data_has_no_temporality():
    assert FIELDS["metric"]["type"].get(Message(b"")) == 0
    with pytest.raises(EvaluationError):
        FIELDS["metric"]["aggregation_temporality"].get(Message(b""))


def test_members_of_the_tracestate_are_set_in_front():
    span = Message(Span(trace_state="a=1,b=2").SerializeToString())
    item = FIELDS["span"]["trace_state"].item("b")
    item.set(span, "3")
    assert Span.FromString(span.wire).trace_state == "b=3,a=1"
    assert item.get(span) == "3"


def test_every_context_has_paths_a_level_and_ancestors_with_paths():
    assert FIELDS.keys() == ABOVE.keys() == LEVELS.keys()
    assert all(above.keys() <= FIELDS.keys() for above in ABOVE.values())


def test_ancestors_are_found_by_climbing():
    outer = Message(b"\x12\x04\x12\x02\x12\x00")
    seen = []

    def innermost(message):
        seen.append(ancestor(3)(message) is outer and ancestor(0)(message) is message)
        return True

    outer.each(18, lambda a: not a.each(18, lambda b: not b.each(18, innermost)))
    assert seen == [True]
