import pytest

from helpers.logs import log_batch, log_record
from helpers.spans import NOW, batch, span
from helpers.stores import new_writer, open_engine
from tollspan.gateway.storage.item_writer import LAYOUTS
from tollspan.otlp.batch import digest
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")


@pytest.mark.parametrize(
    ("signal", "sent"),
    [
        (Signal.TRACES, [batch(span(), span()), batch(span(), dataset="other")]),
        (Signal.LOGS, [log_batch(log_record(), log_record()), log_batch(log_record(), dataset="other")]),
    ],
    ids=["traces", "logs"],
)
def test_a_part_names_the_requests_it_holds_and_all_its_rows_their_owner(tmp_path, signal, sent):
    with open_engine(tmp_path) as engine:
        new_writer(engine, signal, clock_ns=lambda: NOW).write(sent)
        rows = engine.rows(
            f"""
            SELECT lower(hex(request_digest)) AS id, tenant, dataset, toUnixTimestamp(received) AS at, service
            FROM {LAYOUTS[signal].table}
            """,
            {},
        )
    assert {row["id"] for row in rows} - {"0" * 32} == {digest(own).hex() for own in sent}
    assert sorted(row["dataset"] for row in rows) == ["default", "default", "other"]
    assert {(row["tenant"], row["at"], row["service"]) for row in rows} == {("acme", NOW // 10**9, "orders")}
