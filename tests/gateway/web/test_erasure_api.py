"""Erasing a trace or a unit, and who may."""

import pytest

from helpers.logs import log_batch, log_record
from helpers.spans import batch, span
from helpers.web import PRINCIPALS, READER
from tollspan.gateway.authserver import audit
from tollspan.oauth2.principal import Principal

pytestmark = pytest.mark.xdist_group("telemetry")

MANAGER = {"Authorization": "Bearer manager"}
LIMITED_MANAGER = {"Authorization": "Bearer limited manager"}


@pytest.fixture(autouse=True)
def managers(monkeypatch):
    may = frozenset({"manage:settings"})
    monkeypatch.setitem(PRINCIPALS, "manager", Principal("manager", "acme", may))
    monkeypatch.setitem(PRINCIPALS, "limited manager", Principal("m", "acme", may, frozenset({"bank"})))


async def test_a_trace_is_erased(http, store):
    made = span(trace_id=b"t" * 16)
    await store.write(batch(made, span()))
    await store.write(log_batch(log_record(trace_id=b"t" * 16)))
    path = f"/api/v1/traces/{made.trace_id.hex()}"
    answer = await http.delete(path, headers=MANAGER)
    assert answer.json() == {"traces": 1, "metrics": 0, "logs": 1}
    assert (await http.get(path, headers=READER)).status_code == 404
    assert len((await http.get("/api/v1/traces", headers=READER)).json()["data"]) == 1


async def test_a_unit_is_erased_whatever_it_is_called(http, store):
    unit = "acme/toys & co"
    await store.write(batch(span(attributes={"tollspan.unit": unit}), span()))
    answer = await http.delete("/api/v1/units/acme%2Ftoys%20%26%20co", headers=MANAGER)
    assert answer.json() == {"traces": 1, "metrics": 0, "logs": 0}


async def test_who_erased_what_is_in_the_audit_log(http, store, parts):
    made = span(trace_id=b"t" * 16, attributes={"tollspan.unit": "u"})
    await store.write(batch(made))
    await http.delete(f"/api/v1/traces/{made.trace_id.hex()}", headers=MANAGER)
    await http.delete("/api/v1/units/u", headers=MANAGER)

    entries = audit.list_entries(parts.identity.database, tenant="acme")
    assert [(entry.actor, entry.action, entry.subject, entry.detail) for entry in entries] == [
        ("manager", "unit_erased", "u", {"traces": 0, "metrics": 0, "logs": 0}),
        ("manager", "trace_erased", made.trace_id.hex(), {"traces": 1, "metrics": 0, "logs": 0}),
    ]


async def test_nobody_erases_beyond_their_datasets_or_without_the_permission(http, store):
    await store.write(batch(span(attributes={"tollspan.unit": "u"}), dataset="shop"))
    outside = await http.delete("/api/v1/units/u", headers=LIMITED_MANAGER)
    reader = await http.delete("/api/v1/units/u", headers=READER)
    assert outside.json()["traces"] == 0
    assert reader.status_code == 403
