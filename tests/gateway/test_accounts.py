"""Whatever is sent to a running gateway, its ledger adds up: for every tenant, dataset and signal."""

import asyncio
import gzip
import itertools
from collections import Counter

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.gateway_service import key_of, running_gateway
from helpers.otlp_peer import running_peer
from helpers.signals import REQUESTS, trace_request
from tollspan.gateway.storage import chunks
from tollspan.otlp.grpc_exchange import SERVICES
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")

OTLP = {"Content-Type": "application/x-protobuf"}
ITEMS_MAX = 50

FORWARDING = """
processors:
  filter:
    error_mode: ignore
    trace_conditions: ['span.name == "noise"']
exporters:
  otlp_http:
    endpoint: %s
    compression: none
    sending_queue: {queue_size: 1000}
    retry_on_failure: {enabled: false}
service:
  pipelines:
    traces: {processors: [filter], exporters: [storage, live, otlp_http]}
"""


def noisy(spans, name="noise"):
    request = trace_request(spans)
    for span in request.resource_spans[0].scope_spans[0].spans[::2]:
        span.name = name
    return request.SerializeToString()


def rejected():
    request = trace_request(3)
    request.resource_spans[0].scope_spans[0].spans[0].trace_id = b"short"
    return request.SerializeToString()


JSON = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s"},{"traceId":"zz"}]}]}]}'

BODIES = {
    "good": (trace_request(2).SerializeToString(), OTLP),
    "gzip": (gzip.compress(trace_request(2).SerializeToString()), OTLP | {"Content-Encoding": "gzip"}),
    "noise": (noisy(4), OTLP),
    "rejected": (rejected(), OTLP),
    "over budget": (trace_request(ITEMS_MAX + 1).SerializeToString(), OTLP),
    "too large": (gzip.compress(bytes(65 << 20), 1), OTLP | {"Content-Encoding": "gzip"}),
    "malformed": (b"\x0a\xff", OTLP),
    "not gzip": (b"x", OTLP | {"Content-Encoding": "gzip"}),
    "json": (JSON % (b"ab" * 16, b"cd" * 8), {"Content-Type": "application/json"}),
    "not json": (b"[" * 1000, {"Content-Type": "application/json"}),
    "empty": (b"", OTLP),
    "another type": (b"", {"Content-Type": "text/plain"}),
}


TWICE = {"received": 2, "stored": 2, "copied": 2, "sent": 2}
FATES = {
    "good": TWICE,
    "gzip": TWICE,
    "noise": TWICE | {"received": 4, "filtered": 2},
    "rejected": {"received": 3, "stored": 2, "rejected": 1, "copied": 3, "sent": 3},
    "over budget": dict.fromkeys(("received", "too_large", "copied", "sent"), ITEMS_MAX + 1),
    "json": {"received": 2, "rejected": 1, "stored": 1, "copied": 1, "sent": 1},
    "too large": {"requests: too_large": 1},
    "malformed": {"requests: malformed": 1},
    "not gzip": {"requests: malformed": 1},
    "not json": {"requests: malformed": 1},
}
"""What becomes of the items of each kind of body, or of the request when they cannot be counted."""


@pytest.fixture
async def gateway(tmp_path, monkeypatch):
    async with running_gateway(tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture
async def forwarding(tmp_path, monkeypatch):
    """A gateway that drops noise, and sends on what it stores."""
    monkeypatch.setattr(chunks, "ITEMS_MAX", ITEMS_MAX)
    with running_peer() as peer:
        async with running_gateway(tmp_path, monkeypatch, f"yaml:{FORWARDING % peer.url}") as running:
            yield running


async def post(http, kind, **headers):
    body, own = BODIES[kind]
    return (await http.post("/v1/traces", content=body, headers=own | headers)).status_code


async def settled_accounts(http, key):
    """Every account of the tenant, flat, once nothing is under way any more; each adds up at any time."""
    async with asyncio.timeout(20):
        while True:
            answer = (await http.get("/api/v1/status", headers=key)).json()
            accounts = {
                (account["dataset"], account["signal"]): flat(account) for account in answer["datasets"]
            }
            if not any(account["pending"] for account in accounts.values()):
                return accounts
            await asyncio.sleep(0.01)


def flat(account):
    fates = {name: account[name] for name in ("received", "copied", "stored", "sent", "pending")}
    losses = Counter(account["refused"]) + Counter(account["dropped"])
    settled = fates["stored"] + fates["sent"] + fates["pending"] + losses.total()
    assert fates["received"] + fates["copied"] == settled
    assert fates["pending"] >= 0
    requests = {f"requests: {reason}": count for reason, count in account["refused_requests"].items()}
    return Counter(fates) + losses + Counter(requests)


def unknown_senders(service):
    """Refused requests of whom nobody knows who sent them."""
    return +service.counters.ledger.account((Signal.TRACES, "", "")).refused_requests


DATASETS = ("shop", "bank")
TENANTS = ("acme", "rival")
OFFERS = st.tuples(st.sampled_from(TENANTS), st.sampled_from(DATASETS), st.sampled_from([*BODIES]))


@settings(max_examples=8, suppress_health_check=[*HealthCheck])
@given(offers=st.lists(OFFERS, min_size=1, max_size=16))
async def test_every_mix_of_requests_is_accounted_for_by_tenant_and_dataset(forwarding, offers):
    service, http = forwarding
    keys = {tenant: key_of(service, tenant) for tenant in TENANTS}
    reader = key_of(service, "acme", ["read:traces"])
    before = {tenant: await settled_accounts(http, key) for tenant, key in keys.items()}
    strangers = unknown_senders(service)
    await asyncio.gather(
        *(
            post(http, kind, **keys[tenant], **{"X-Tollspan-Dataset": dataset})
            for tenant, dataset, kind in offers
        )
    )
    assert [await post(http, "good", **key) for key in (reader, {})] == [403, 401]
    refused = {"forbidden": 1, "unauthenticated": 1}
    refused["unsupported"] = sum(kind == "another type" for *_, kind in offers)  # nobody asked who that was
    assert unknown_senders(service) - strangers == +Counter(refused)

    after = {tenant: await settled_accounts(http, key) for tenant, key in keys.items()}
    for tenant, dataset in itertools.product(TENANTS, DATASETS):
        expected = Counter(before[tenant].get((dataset, "traces")))
        for *place, kind in offers:
            expected.update(FATES.get(kind, {}) if place == [tenant, dataset] else {})
        assert Counter(after[tenant].get((dataset, "traces"))) == expected


async def test_every_signal_is_accounted_for_over_both_transports(gateway):
    service, http = gateway
    key = key_of(service, "acme")
    [grpc_server] = service.grpc_servers.values()
    async with grpc.aio.insecure_channel(grpc_server.address) as channel:
        for signal, (request, _) in REQUESTS.items():
            body = request.SerializeToString()
            assert (await http.post(signal.path, content=body, headers=OTLP | key)).status_code == 200
            export = channel.unary_unary(f"/{SERVICES[signal]}/Export")
            await export(body, metadata=[("x-api-key", key["X-API-Key"])])
            with pytest.raises(grpc.aio.AioRpcError, match="UNAUTHENTICATED"):
                await export(body)

    accounts = await settled_accounts(http, key)
    assert accounts == {
        ("default", signal.value): Counter(received=2 * items, stored=2 * items)
        for signal, (_, items) in REQUESTS.items()
    }
