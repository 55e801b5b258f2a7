"""`GET /api/v1/attributes`, and of one attribute its values."""

import pytest

from helpers.spans import batch, span
from helpers.web import READER

pytestmark = pytest.mark.xdist_group("telemetry")

PATH = "/api/v1/attributes"


async def test_keys_are_listed_with_what_they_take(http, store):
    await store.write(
        batch(span(attributes={"order/id": "o-1", "items": 3}), span(attributes={"order/id": "o-22"}))
    )
    listed = (await http.get(PATH, headers=READER)).raise_for_status().json()["data"]
    assert listed == [
        {"key": "items", "type": "int", "spans": 1, "bytes": 8},
        {"key": "order/id", "type": "string", "spans": 2, "bytes": 7},
    ]


async def test_values_are_listed_the_most_frequent_first(http, store):
    await store.write(batch(*(span(attributes={"order/id": value}) for value in ("a", "b", "b"))))
    response = await http.get(f"{PATH}/order/id", params={"limit": 1}, headers=READER)
    assert response.raise_for_status().json() == {
        "data": [{"value": "b", "spans": 2}],
        "distinct": 2,
        "sampled_spans": 3,
    }


async def test_a_wrong_limit_is_named(http, store):
    response = await http.get(f"{PATH}/order/id", params={"limit": 0}, headers=READER)
    assert (response.status_code, response.json()["error"]["field"]) == (400, "limit")
