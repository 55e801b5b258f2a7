import pytest

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
from tollspan.collector.processors.unit import FACTORY


async def units(source, attributes, name="unit"):
    request = trace_request({"attributes": attributes}, resource={"tenant": "7"})
    (span,) = spans_of(await processed(FACTORY, {name: source}, request))
    return attributes_of(span).get(f"tollspan.{name}")


@pytest.mark.parametrize(
    ("source", "attributes", "unit"),
    [
        ({"from_attribute": "customer.id"}, {"customer__id": 17}, "17"),
        ({"from_attribute": "customer.id"}, {}, None),
        ({"from_resource": "tenant"}, {}, "7"),
        ({"from_tenant": True}, {}, "acme"),
        ({"from_attribute": "customer.id", "from_resource": "tenant"}, {}, "7"),
        ({"default": "shared"}, {}, "shared"),
        ({"from_attribute": "id", "table": {"1": "a"}, "default": "other"}, {"id": 1}, "a"),
        ({"from_attribute": "id", "table": {"1": "a"}, "default": "other"}, {"id": 2}, "other"),
        ({"default": "new"}, {"tollspan__unit": "old"}, "old"),
        ({"default": "new", "override": True}, {"tollspan__unit": "old"}, "new"),
        ({"default": "new"}, {"unomiq__unit": "old"}, None),
    ],
)
async def test_the_first_source_that_has_something_counts(source, attributes, unit):
    assert await units(source, attributes) == unit


async def test_parent_units_log_records_and_data_points_get_theirs():
    assert await units({"from_resource": "tenant"}, {}, "parent_unit") == "7"
    body = {"unit": {"from_resource": "service.name"}}
    (record,) = logs_of(await processed(FACTORY, body, log_request({})))
    assert attributes_of(record) == {"tollspan.unit": "orders"}
    (metric,) = metrics_of(await processed(FACTORY, {"unit": {"from_tenant": True}}, metric_request(m=[{}])))
    assert attributes_of(metric.sum.data_points[0]) == {"tollspan.unit": "acme"}


def test_a_unit_needs_a_source():
    assert problems(FACTORY, {}) == ["needs unit or parent_unit"]
    assert "needs from_attribute" in problems(FACTORY, {"unit": {}})[0]
