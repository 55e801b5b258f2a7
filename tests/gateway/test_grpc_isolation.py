"""Who may write what over gRPC: every service by every permission, and never to another tenant or dataset."""

import grpc
import pytest

from helpers.gateway_service import key_of, running_gateway
from helpers.requests import TraceRequest
from helpers.signals import REQUESTS
from tollspan.collector.receivers.otlp.intake import DATASET_HEADERS
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.permissions import PERMISSIONS
from tollspan.otlp.grpc_exchange import SERVICES
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")


@pytest.fixture
async def gateway(tmp_path, monkeypatch):
    async with running_gateway(tmp_path, monkeypatch) as (service, http):
        [server] = service.grpc_servers.values()
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield service, http, channel


async def export(channel, signal, metadata, body=None):
    """The status code of the call."""
    call = channel.unary_unary(f"/{SERVICES[signal]}/Export")
    request = REQUESTS[signal][0].SerializeToString() if body is None else body
    try:
        await call(request, metadata=[(name.lower(), value) for name, value in metadata.items()])
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_each_service_is_open_to_its_permission_and_to_no_other(gateway):
    service, _, channel = gateway
    answered = {
        (held, signal): await export(channel, signal, key_of(service, "acme", [held]))
        for held in PERMISSIONS
        for signal in Signal
    }
    assert answered == {
        (held, signal): grpc.StatusCode.OK
        if held == signal.write_permission
        else grpc.StatusCode.PERMISSION_DENIED
        for held in PERMISSIONS
        for signal in Signal
    }


@pytest.mark.parametrize("signal", Signal)
async def test_each_service_refuses_what_proves_nobody(gateway, signal):
    service, _, channel = gateway
    credentials = service.extension("auth").identity().credentials
    revoked = credentials.create(CredentialDraft("r", PERMISSIONS, kind="api_key", tenant="acme"))
    credentials.revoke(revoked.credential.id)
    nobodies = [
        {},
        {"Authorization": "Bearer x"},
        {"Cookie": "tollspan_session=x"},
        {"X-API-Key": revoked.secret.reveal()},
    ]
    codes = [await export(channel, signal, nobody) for nobody in nobodies]
    assert codes == [grpc.StatusCode.UNAUTHENTICATED] * len(nobodies)


async def test_what_is_sent_is_the_senders_whatever_its_metadata_names(gateway):
    service, http, channel = gateway
    ours, theirs, request = key_of(service, "acme"), key_of(service, "rival"), TraceRequest(2)
    named = {"X-Scope-OrgID": "rival", "X-Tenant": "rival", "tenant": "rival"}

    assert await export(channel, Signal.TRACES, ours | named, request.wire) is grpc.StatusCode.OK

    path = f"/api/v1/traces/{request.trace_id.hex()}"
    assert [(await http.get(path, headers=key)).status_code for key in (ours, theirs)] == [200, 404]


async def test_a_key_of_one_dataset_writes_to_no_other(gateway):
    service, http, channel = gateway
    draft = CredentialDraft("k", PERMISSIONS, kind="api_key", tenant="acme", datasets=("open",))
    issued = service.extension("auth").identity().credentials.create(draft)
    bound, request = {"X-API-Key": issued.secret.reveal()}, TraceRequest(2)

    for name in DATASET_HEADERS:
        code = await export(channel, Signal.TRACES, bound | {name: "hidden"}, request.wire)
        assert code is grpc.StatusCode.PERMISSION_DENIED, name
    whole = await http.get("/api/v1/traces", headers=key_of(service, "acme"))
    assert whole.json()["data"] == []
