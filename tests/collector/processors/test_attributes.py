from helpers.processors import (
    attributes_of,
    log_request,
    logs_of,
    metric_request,
    metrics_of,
    problems,
    processed,
    spans_of,
    trace_request,
)
from tollspan.collector.processors.attributes import FACTORY

UPSERT = {"actions": [{"key": "team", "value": "shop", "action": "upsert"}]}
SPANS = trace_request({"name": "a", "attributes": {"x": 1}}, {"name": "b"})


async def test_spans_log_records_and_data_points_are_edited():
    spans = spans_of(await processed(FACTORY, UPSERT, SPANS))
    assert [attributes_of(span) for span in spans] == [{"x": 1, "team": "shop"}, {"team": "shop"}]
    (record,) = logs_of(await processed(FACTORY, UPSERT, log_request({"body": "a"})))
    assert attributes_of(record) == {"team": "shop"}
    (metric,) = metrics_of(await processed(FACTORY, UPSERT, metric_request(m=[{"x": 1}, {}])))
    assert [attributes_of(point).get("team") for point in metric.sum.data_points] == ["shop", "shop"]


async def test_only_the_included_and_not_the_excluded_are_edited():
    include = UPSERT | {"include": {"match_type": "strict", "span_names": ["a"]}}
    assert [attributes_of(s).get("team") for s in spans_of(await processed(FACTORY, include, SPANS))] == [
        "shop",
        None,
    ]
    exclude = UPSERT | {"exclude": {"match_type": "strict", "span_names": ["a"]}}
    assert [attributes_of(s).get("team") for s in spans_of(await processed(FACTORY, exclude, SPANS))] == [
        None,
        "shop",
    ]


async def test_data_points_are_chosen_by_their_metric():
    body = UPSERT | {"include": {"match_type": "strict", "metric_names": ["a"]}}
    metrics = metrics_of(await processed(FACTORY, body, metric_request(a=[{}], b=[{}])))
    assert [attributes_of(metric.sum.data_points[0]) for metric in metrics] == [{"team": "shop"}, {}]


def test_actions_are_required_and_checked():
    assert problems(FACTORY, {}) == ['actions: missing required field "actions"']
    assert "at the 0-th actions" in problems(FACTORY, {"actions": [{"action": "insert"}]})[0]
