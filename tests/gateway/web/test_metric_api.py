"""`GET /api/v1/metrics`: the catalogue, and a metric over time."""

import time

import pytest

from helpers.metrics import DELTA, add_point, metric, metric_batch, one_of_each_kind
from helpers.spans import NOW, SECOND
from helpers.web import LIMITED, READER

pytestmark = pytest.mark.xdist_group("telemetry")

START_S = NOW // SECOND


async def ask(http, path="", headers=READER, **parameters):
    response = await http.get(f"/api/v1/metrics{path}", params=parameters, headers=headers)
    return response.raise_for_status().json()


async def test_the_catalogue_describes_each_metric(http, store):
    sold = metric("sold", "sum", DELTA, monotonic=True, unit="{item}", description="Items sold.")
    sold.metadata.add(key="prometheus.type").value.string_value = "counter"
    add_point(sold, as_int=1)
    await store.write(metric_batch(sold))
    assert await ask(http) == {
        "data": [
            {
                "name": "sold",
                "type": "sum",
                "unit": "{item}",
                "description": "Items sold.",
                "metadata": {"prometheus.type": "counter"},
                "temporality": 1,
                "monotonic": True,
                "services": ["orders"],
                "points": 1,
                "timeseries": 1,
                "latest_unix_nano": str(NOW),
            }
        ]
    }
    assert await ask(http, q="bought") == {"data": []}


async def test_a_metric_is_aggregated_over_time(http, store):
    sold = metric("sold/per item", "sum", DELTA, monotonic=True)
    for step in range(4):
        add_point(sold, NOW + step * 5 * SECOND, {"shop": "north"}, as_int=step)
    await store.write(metric_batch(sold))
    answer = await ask(
        http, "/sold%2Fper%20item", start=START_S, end=START_S + 20, step_s=10, aggregation="sum", by="shop"
    )
    assert answer == {
        "name": "sold/per item",
        "aggregation": "sum",
        "step_nano": 10 * SECOND,
        "series": [
            {
                "labels": {"shop": "north"},
                "steps_unix_nano": [str(NOW), str(NOW + 10 * SECOND)],
                "values": [1, 5],
            }
        ],
        "exemplars": [],
    }


async def test_the_last_hour_is_shown_in_sixty_steps_when_nothing_else_is_asked(http, store):
    load = metric("load")
    add_point(load, time.time_ns() - SECOND, as_int=3).exemplars.add(as_int=7, trace_id=b"t" * 16)
    await store.write(metric_batch(load))
    answer = await ask(http, "/load")
    assert answer["step_nano"] == 60 * SECOND
    assert [series["values"] for series in answer["series"]] == [[3]]
    assert [(own["value"], own["trace_id"]) for own in answer["exemplars"]] == [(7, (b"t" * 16).hex())]


async def test_a_metric_that_nobody_sent_has_no_series(http, store):
    assert (await ask(http, "/unknown"))["series"] == []


async def test_a_credential_for_some_datasets_sees_no_other(http, store):
    await store.write(metric_batch(*one_of_each_kind(), dataset="hidden"))
    assert await ask(http, headers=LIMITED) == {"data": []}
    assert (await ask(http, "/a.gauge", LIMITED, start=START_S, end=START_S + 1))["series"] == []


@pytest.mark.parametrize(
    ("field", "value"), [("aggregation", "mode"), ("step_s", "0"), ("step_s", "0.001"), ("start", "noon")]
)
async def test_a_wrong_parameter_is_named(http, store, field, value):
    response = await http.get("/api/v1/metrics/load", params={field: value}, headers=READER)
    assert (response.status_code, response.json()["error"]["field"]) == (400, field)


async def test_a_metric_is_narrowed_to_points_with_an_attribute(http, store):
    load = metric("load")
    for host in (1, 2):
        add_point(load, attributes={"host": host}, as_int=host)
    await store.write(metric_batch(load))
    asked = {"start": NOW / 1e9, "end": NOW / 1e9 + 60, "step_s": 60}

    answer = await ask(http, "/load", attribute="host=2", resource_attribute="service.name=orders", **asked)
    assert [series["values"] for series in answer["series"]] == [[2]]
    answer = await ask(http, "/load", attribute="host=2", resource_attribute="service.name=mail", **asked)
    assert answer["series"] == []
