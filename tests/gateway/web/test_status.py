"""What the gateway says about itself."""

import pytest
import structlog

from helpers.web import READER
from tollspan.otlp.signals import Signal

CHECKS = dict.fromkeys(("disk", "database", "identity", "signing_key"), "ok")


@pytest.mark.xdist_group("telemetry")
async def test_a_gateway_that_stops_is_alive_but_not_ready(http, parts, store):
    before = await http.get("/readyz")
    parts.stopping.set()
    health, after = await http.get("/healthz"), await http.get("/readyz")

    assert (health.status_code, after.status_code) == (200, 503)
    assert before.json() == {"status": "ok", "checks": CHECKS}
    assert health.json() == {"status": "ok"}


@pytest.mark.xdist_group("telemetry")
async def test_a_full_disk_and_a_missing_signing_key_are_named_and_the_log_says_why(
    http, parts, store, monkeypatch
):
    monkeypatch.setattr(store._engine, "disk_free_bytes", lambda: 1000)
    full = await http.get("/readyz")

    async def check():
        return {"identity": "", "signing_key": "/secret/place is gone"}

    monkeypatch.setattr(parts.authenticator, "check", check)
    with structlog.testing.capture_logs() as lines:
        both = await http.get("/readyz")
    assert (full.status_code, both.status_code) == (503, 503)
    assert full.json()["error"]["message"] == "not ready: disk; the log says why"
    assert both.json()["error"]["message"] == "not ready: signing_key, disk; the log says why"
    [line] = lines
    assert (line["event"], line["signing_key"]) == ("not_ready", "/secret/place is gone")
    assert line["disk"].startswith("1000 bytes are free")


async def test_each_account_adds_up_and_is_shown_to_its_tenant_alone(http, parts):
    ledger = parts.counters.ledger
    shop = ledger.account((Signal.TRACES, "acme", "shop"))
    shop.received, shop.stored = 9, 2
    shop.refused.update({"rejected": 1, "malformed": 3, "never": 0})
    shop.dropped["filtered"] += 2
    bank = ledger.account((Signal.LOGS, "acme", "bank"))
    bank.refused_requests["malformed"] = 7
    bank.received, bank.copied, bank.stored, bank.sent = 1, 1, 1, 1
    ledger.account((Signal.LOGS, "rival", "shop")).received = 100

    answer = (await http.get("/api/v1/status", headers=READER)).json()

    none = dict.fromkeys(("received", "copied", "stored", "sent", "pending"), 0)
    none |= {"refused": {}, "dropped": {}, "refused_requests": {}}
    traces = none | {
        "received": 9,
        "stored": 2,
        "refused": {"rejected": 1, "malformed": 3},
        "dropped": {"filtered": 2},
        "pending": 1,
    }
    logs = none | dict.fromkeys(("received", "copied", "stored", "sent"), 1)
    logs |= {"refused_requests": {"malformed": 7}}
    assert answer == {
        "traces": traces,
        "metrics": none,
        "logs": logs,
        "datasets": [
            {"dataset": "bank", "signal": "logs", **logs},
            {"dataset": "shop", "signal": "traces", **traces},
        ],
    }
    one = (await http.get("/api/v1/status", headers=READER | {"X-Tollspan-Dataset": "bank"})).json()
    assert [account["dataset"] for account in one["datasets"]] == ["bank"]
    assert one["traces"] == none
