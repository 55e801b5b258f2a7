"""`GET /api/v1/points/NAME`: the data points of a metric as they were sent."""

import math

import pytest

from helpers.metrics import DELTA, add_point, metric, metric_batch, one_of_each_kind
from helpers.spans import NOW
from helpers.web import LIMITED, READER

pytestmark = pytest.mark.xdist_group("telemetry")


async def ask(http, name, headers=READER, **parameters):
    response = await http.get(f"/api/v1/points/{name}", params=parameters, headers=headers)
    return response.raise_for_status().json()


async def value_of(http, name):
    [point] = (await ask(http, name))["data"]
    return point["value"]


async def test_a_point_comes_whole(http, store):
    sold = metric("sold/item", "sum", DELTA, monotonic=True, unit="{item}", description="Items sold.")
    sold.metadata.add(key="prometheus.type").value.string_value = "counter"
    point = add_point(sold, attributes={"shop": "north"}, start_time_unix_nano=NOW - 1, as_int=2**60, flags=1)
    exemplar = point.exemplars.add(time_unix_nano=NOW, as_double=math.nan, trace_id=b"t" * 16)
    exemplar.filtered_attributes.add(key="till").value.int_value = 3
    await store.write(metric_batch(sold))
    assert await ask(http, "sold%2Fitem") == {
        "data": [
            {
                "metric": "sold/item",
                "type": "sum",
                "metric_unit": "{item}",
                "description": "Items sold.",
                "metadata": {"prometheus.type": "counter"},
                "temporality": 1,
                "monotonic": True,
                "time_unix_nano": str(NOW),
                "start_unix_nano": str(NOW - 1),
                "flags": 1,
                "value": str(2**60),
                "service": "orders",
                "unit": None,
                "parent_unit": None,
                "attributes": {"shop": "north"},
                "exemplars": [
                    {
                        "time_unix_nano": str(NOW),
                        "value": "nan",
                        "trace_id": (b"t" * 16).hex(),
                        "span_id": None,
                        "attributes": {"till": 3},
                    }
                ],
                "resource": {
                    "attributes": {"service.name": "orders"},
                    "schema_url": "",
                    "dropped_attributes": 0,
                },
                "instrumentation_scope": {
                    "name": "",
                    "version": "",
                    "attributes": {},
                    "schema_url": "",
                    "dropped_attributes": 0,
                },
            }
        ],
        "next_cursor": None,
    }


async def test_the_value_of_each_kind_has_its_own_fields(http, store):
    await store.write(metric_batch(*one_of_each_kind()))
    measured = {"sum": None, "min": None, "max": None}
    assert await value_of(http, "a.gauge") == -7
    assert await value_of(http, "a.sum") == 0.5
    assert await value_of(http, "a.histogram") == {
        **measured,
        "count": 3,
        "sum": 4,
        "min": 1,
        "bucket_counts": [1, 2],
        "explicit_bounds": [1.5],
    }
    assert await value_of(http, "a.exponential_histogram") == {
        **measured,
        "count": 4,
        "scale": 1,
        "zero_count": 1,
        "zero_threshold": 0,
        "positive": {"offset": 1, "bucket_counts": [1, 2]},
        "negative": {"offset": 0, "bucket_counts": []},
    }
    assert await value_of(http, "a.summary") == {
        "count": 9,
        "sum": 1,
        "quantiles": [{"quantile": 0.5, "value": 2}],
    }


async def test_a_point_without_a_recorded_value_has_none(http, store):
    load = metric("load")
    add_point(load, flags=1)
    await store.write(metric_batch(load))
    assert await value_of(http, "load") is None


async def test_a_cursor_asks_for_the_next_page(http, store):
    load = metric("load")
    for step in range(3):
        add_point(load, NOW + step, as_int=step)
    await store.write(metric_batch(load))
    first = await ask(http, "load", limit=2)
    second = await ask(http, "load", limit=2, cursor=first["next_cursor"])
    assert [point["value"] for point in (*first["data"], *second["data"])] == [2, 1, 0]


async def test_a_credential_for_some_datasets_sees_no_other(http, store):
    await store.write(metric_batch(*one_of_each_kind(), dataset="hidden"))
    assert (await ask(http, "a.gauge", LIMITED))["data"] == []


@pytest.mark.parametrize(("field", "value"), [("limit", "0"), ("cursor", "x"), ("start", "noon")])
async def test_a_wrong_parameter_is_named(http, store, field, value):
    response = await http.get("/api/v1/points/load", params={field: value}, headers=READER)
    assert (response.status_code, response.json()["error"]["field"]) == (400, field)
