import pytest

from helpers.logs import log_batch, log_record
from helpers.spans import NOW
from helpers.stores import new_writer, open_engine
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")


def test_requests_of_several_tenants_are_one_part_in_their_order(tmp_path):
    sent = [
        log_batch(log_record("a"), tenant="acme"),
        log_batch(log_record("b", attributes={"tollspan.unit": "u"}), tenant="rival", service="billing"),
    ]
    with open_engine(tmp_path) as engine:
        new_writer(engine, Signal.LOGS, clock_ns=lambda: NOW).write(sent)
        [parts] = engine.rows("SELECT count() AS parts FROM system.parts WHERE table = 'log_records'", {})
        rows = engine.rows("SELECT tenant, service, body_text, unit FROM log_records ORDER BY tenant", {})
    assert parts == {"parts": 1}
    assert rows == [
        {"tenant": "acme", "service": "orders", "body_text": "a", "unit": ""},
        {"tenant": "rival", "service": "billing", "body_text": "b", "unit": "u"},
    ]
