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
from tollspan.collector.processors.transform import FACTORY
from tollspan.errors import PermanentError

SPANS = trace_request({"name": "a", "attributes": {"secret": "x"}, "events": [{"name": "e"}]}, {"name": "b"})


async def test_statements_run_in_their_order_in_the_context_they_name():
    body = {
        "trace_statements": [
            'set(resource.attributes["env"], "prod")',
            'set(span.attributes["env"], resource.attributes["env"]) where span.name == "a"',
            'delete_key(span.attributes, "secret")',
            "set(spanevent.name, span.name)",
        ]
    }
    request = await processed(FACTORY, body, SPANS)
    assert attributes_of(request.resource_spans[0].resource)["env"] == "prod"
    first, second = spans_of(request)
    assert (attributes_of(first), attributes_of(second)) == ({"env": "prod"}, {})
    assert [event.name for event in first.events] == ["a"]


async def test_a_group_runs_where_one_of_its_conditions_holds():
    group = {"context": "span", "conditions": ['name == "b"', "false"], "statements": ["set(status.code, 1)"]}
    spans = spans_of(await processed(FACTORY, {"trace_statements": [group]}, SPANS))
    assert [span.status.code for span in spans] == [0, 1]


async def test_metrics_are_edited_from_their_points_too():
    body = {"metric_statements": ['set(metric.unit, "ms") where datapoint.attributes["route"] == "/"']}
    metrics = metrics_of(await processed(FACTORY, body, metric_request(a=[{"route": "/"}], b=[{}])))
    assert [metric.unit for metric in metrics] == ["ms", ""]


async def test_bodies_are_parsed_and_set():
    body = {
        "log_statements": [
            'set(log.attributes["code"], Int(ParseJSON(log.body)["code"]))',
            'set(log.body, "done")',
        ]
    }
    (record,) = logs_of(await processed(FACTORY, body, log_request({"body": '{"code": 7}'})))
    assert (attributes_of(record), record.body.string_value) == ({"code": 7}, "done")


async def test_an_error_costs_the_statement_or_the_batch():
    body = {"trace_statements": ["set(span.name, 1)", 'set(span.name, "n")']}
    assert {s.name for s in spans_of(await processed(FACTORY, {"error_mode": "silent", **body}, SPANS))} == {
        "n"
    }
    async with running_processor(FACTORY, {"error_mode": "propagate", **body}) as processor:
        with pytest.raises(PermanentError, match="failed to execute statement"):
            await processor.consume(batch_of(SPANS))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"trace_statements": ["sett(span.name, 1)"]}, "trace_statements::0: no editor is called sett"),
        ({"trace_statements": [{"statements": ["set(span.name, 1)"], "conditions": ["span.nmae == 1"]}]},
         "trace_statements::0::conditions::0"),
        ({"log_statements": ['set(span.name, "x")']}, "needs the name of its context"),
    ],
)  # fmt: skip
def test_mistakes_are_refused_at_the_start(body, problem):
    assert any(problem in found for found in problems(FACTORY, body))
