"""`GET /api/v1/services/edges`."""

import pytest

from helpers.spans import NOW, SECOND, batch, failed_span
from helpers.web import READER

pytestmark = pytest.mark.xdist_group("telemetry")

CLIENT = 3


async def test_a_failed_call_of_a_database_is_an_edge(http, store):
    query = failed_span(kind=CLIENT, attributes={"db.system.name": "postgresql"})
    await store.write(batch(query, service="shop"))
    response = await http.get("/api/v1/services/edges", params={"start": NOW // SECOND}, headers=READER)
    assert response.raise_for_status().json() == {
        "data": [{"caller": "shop", "callee": "postgresql", "to_database": True, "calls": 1, "errors": 1}]
    }
