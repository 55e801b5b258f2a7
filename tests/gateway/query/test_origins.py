import pytest

from helpers.logs import log_batch, log_record
from helpers.spans import batch, span
from tollspan.gateway.query.origins import find_origins

pytestmark = pytest.mark.xdist_group("telemetry")


async def test_items_of_all_signals_share_the_origins_they_have_in_common(store):
    await store.write(batch(span(), service="web"))
    await store.write(log_batch(log_record(), service="web"))
    await store.write(log_batch(log_record(), service="mail"))
    view = store.view("acme")
    engine = store._engine
    rows = [
        row
        for table in ("spans", "log_records")
        for row in engine.rows(f"SELECT resource_id, instrumentation_scope_id FROM {table}", {})
    ]
    origins = await find_origins(view, rows)
    assert sorted(own.resource.attributes["service.name"] for own in origins) == ["mail", "web", "web"]
    assert len({row["resource_id"] for row in rows}) == 2
    assert {own.instrumentation_scope.name for own in origins} == {""}
