import pytest

from helpers.spans import NOW, batch, batch_of, request, span
from helpers.stores import open_engine
from tollspan.gateway.storage import envelopes
from tollspan.gateway.storage.chunks import read
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.envelopes import EnvelopeTable, service_names

pytestmark = pytest.mark.xdist_group("telemetry")

NOW_S = NOW // 10**9


class CountingEngine(Engine):
    inserts = 0

    def insert(self, table, block):
        self.inserts += 1
        super().insert(table, block)


@pytest.fixture
def engine(tmp_path):
    with open_engine(tmp_path, CountingEngine) as opened:
        yield opened


def chunks(*batches):
    found, _ = read({bytes([number]): own for number, own in enumerate(batches)}, NOW)
    return found


def stored(engine, table="resources"):
    return engine.rows(f"SELECT tenant, id FROM {table} ORDER BY tenant, id", {})


def test_equal_resources_are_one_row_with_one_id(engine):
    table = EnvelopeTable(engine, "resources", "resource")
    [[web, mail, again]] = table.write(
        chunks(batch(span(), service="web"), batch(span(), service="mail"), batch(span(), service="web")),
        NOW_S,
    )
    assert web == again != mail
    assert [row["id"] for row in stored(engine)] == sorted([web, mail])


def test_what_is_written_is_not_written_again_that_day(engine):
    table = EnvelopeTable(engine, "resources", "resource")
    first = table.write(chunks(batch(span())), NOW_S)
    assert table.write(chunks(batch(span())), NOW_S) == first
    assert engine.inserts == 1
    table.write(chunks(batch(span())), NOW_S + envelopes.DAY_S)
    assert engine.inserts == 2


def test_each_tenant_has_its_own_row(engine):
    table = EnvelopeTable(engine, "resources", "resource")
    [[first], [second]] = table.write(chunks(batch(span(), tenant="a"), batch(span(), tenant="b")), NOW_S)
    assert first == second
    assert stored(engine) == [{"tenant": "a", "id": first}, {"tenant": "b", "id": first}]


def test_what_is_remembered_is_bounded(engine, monkeypatch):
    monkeypatch.setattr(envelopes, "KNOWN_MAX", 1)
    table = EnvelopeTable(engine, "resources", "resource")
    for service in ("a", "b", "a"):
        table.write(chunks(batch(span(), service=service)), NOW_S)
    assert engine.inserts == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda scope_spans: setattr(scope_spans.scope, "name", "other"),
        lambda scope_spans: setattr(scope_spans.scope, "version", "other"),
        lambda scope_spans: setattr(scope_spans, "schema_url", "other"),
        lambda scope_spans: setattr(scope_spans.scope, "dropped_attributes_count", 1),
        lambda scope_spans: scope_spans.scope.attributes.add(key="k"),
    ],
)
def test_scopes_that_differ_in_anything_are_two(engine, change):
    plain, changed = request(span()), request(span())
    change(changed.resource_spans[0].scope_spans[0])
    table = EnvelopeTable(engine, "instrumentation_scopes", "scope")
    [[first, second]] = table.write(chunks(batch_of(plain), batch_of(changed)), NOW_S)
    assert first != second
    assert len(stored(engine, "instrumentation_scopes")) == 2


def test_a_resource_without_a_service_name_has_an_empty_one():
    [chunk] = chunks(batch(span(), service=""), batch(span(), service="web"))
    assert service_names(chunk.tables) == [b"", b"web"]
