import pytest

from helpers.processors import (
    attributes_of,
    batch_of,
    log_request,
    logs_of,
    metric_request,
    metrics_of,
    problems,
    processed,
    running_processor,
    spans_of,
    trace_request,
)
from tollspan.collector.processors.filter import FACTORY
from tollspan.errors import PermanentError

SPANS = trace_request(
    {"name": "a", "attributes": {"http__route": "/health"}, "events": [{"name": "noise"}, {"name": "kept"}]},
    {"name": "b", "attributes": {"http__route": "/orders"}},
    {"name": "c"},
)
LOGS = log_request({"body": "debug it", "severity_number": 5}, {"body": "failed", "severity_number": 17})
METRICS = metric_request(requests=[{"route": "/health"}, {"route": "/"}], errors=[{"route": "/health"}])


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"traces": {"span": ['attributes["http.route"] == "/health"', 'name == "c"']}}, "b"),
        ({"trace_conditions": ['span.name == "a"']}, "bc"),
        ({"trace_conditions": [{"context": "span", "conditions": ['name == "b"']}]}, "ac"),
        (
            {"trace_conditions": [{"conditions": ['span.name == "b" and resource.attributes["x"] == nil']}]},
            "ac",
        ),
        ({"traces": {"resource": ['attributes["service.name"] == "orders"']}}, ""),
        ({"trace_conditions": ['scope.name == "shop"']}, ""),
        ({"traces": {"spanevent": ["true"]}}, "abc"),
        ({"spans": {"include": {"match_type": "strict", "span_names": ["a", "b"]}}}, "ab"),
        ({"spans": {"exclude": {"match_type": "regexp", "span_names": ["[ab]"]}}}, "c"),
        ({"logs": {"log_record": ["true"]}}, "abc"),
        (None, "abc"),
    ],
)
async def test_spans_for_which_a_condition_holds_are_dropped(body, left):
    assert [span.name for span in spans_of(await processed(FACTORY, body, SPANS))] == list(left)


async def test_events_are_dropped_from_spans_that_stay():
    (span, *_) = spans_of(await processed(FACTORY, {"traces": {"spanevent": ['name == "noise"']}}, SPANS))
    assert [event.name for event in span.events] == ["kept"]


@pytest.mark.parametrize(
    "body",
    [
        {"logs": {"log_record": ['IsMatch(body, "^debug")']}},
        {"log_conditions": ["log.severity_number < SEVERITY_NUMBER_WARN"]},
        {"logs": {"include": {"match_type": "strict", "severity_number": {"min": 13}}}},
        {"logs": {"exclude": {"match_type": "regexp", "bodies": ["^debug"]}}},
    ],
)
async def test_log_records_are_dropped_in_every_form(body):
    assert [record.body.string_value for record in logs_of(await processed(FACTORY, body, LOGS))] == [
        "failed"
    ]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"metrics": {"metric": ['name == "errors"']}}, {"requests": 2}),
        ({"metrics": {"datapoint": ['attributes["route"] == "/health"']}}, {"requests": 1}),
        ({"metric_conditions": ['metric.name == "requests" and datapoint.attributes["route"] == "/"']},
         {"requests": 1, "errors": 1}),
        ({"metrics": {"metric": ['HasAttrOnDatapoint("route", "/")']}}, {"errors": 1}),
        ({"metrics": {"include": {"match_type": "strict", "metric_names": ["errors"]}}}, {"errors": 1}),
    ],
)  # fmt: skip
async def test_metrics_without_points_go_with_the_last_of_them(body, left):
    found = metrics_of(await processed(FACTORY, body, METRICS))
    assert {metric.name: len(metric.sum.data_points) for metric in found} == left


async def test_an_error_in_a_condition_costs_the_condition_or_the_batch():
    body = {"traces": {"span": ['attributes["http.route"]["x"] == 1', 'name == "c"']}}
    assert len(spans_of(await processed(FACTORY, {"error_mode": "silent", **body}, SPANS))) == 2
    async with running_processor(FACTORY, {"error_mode": "propagate", **body}) as processor:
        with pytest.raises(PermanentError, match="failed to eval condition"):
            await processor.consume(batch_of(SPANS))
        assert processor.recorder.batches == []


async def test_what_stays_is_untouched():
    (span, *_) = spans_of(await processed(FACTORY, {"traces": {"span": ['name == "b"']}}, SPANS))
    assert span == spans_of(SPANS)[0]
    assert attributes_of(span) == {"http.route": "/health"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            {"traces": {"span": ['nmae == "a"']}},
            "traces::span::0: span has no path 'nmae': did you mean name?",
        ),
        ({"traces": {"span_event": ["true"]}}, "did you mean spanevent?"),
        ({"trace_conditions": ['name == "a"']}, "needs the name of its context"),
        ({"trace_conditions": ["true", {"conditions": ["true"]}]}, "multiple configuration styles"),
        ({"trace_conditions": [""]}, "condition cannot be empty"),
        (
            {"trace_conditions": [{"context": "log", "conditions": ["true"]}]},
            "no context of traces is called",
        ),
        ({"trace_conditions": ["true"], "traces": {"span": ["true"]}}, "cannot be combined"),
        ({"error_mode": "sometimes"}, "error_mode"),
    ],
)
def test_mistakes_are_refused_at_the_start(body, problem):
    assert any(problem in found for found in problems(FACTORY, body))
