"""The gateway in the test's own event loop, for tests that reach into its parts or change its bounds."""

from contextlib import asynccontextmanager

import httpx

from tollspan.collector.config.load import load
from tollspan.collector.service import Service
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.permissions import PERMISSIONS
from tollspan.gateway.commands import DEFAULT_CONFIG
from tollspan.gateway.distribution import build_gateway_registry


@asynccontextmanager
async def running_gateway(folder, monkeypatch, *configs):
    """The service, and a client of its one port."""
    for name, value in (("HTTP", "127.0.0.1:0"), ("GRPC", "127.0.0.1:0"), ("DATA_DIR", str(folder))):
        monkeypatch.setenv(f"TOLLSPAN_GATEWAY_{name}", value)
    service = Service(load([DEFAULT_CONFIG, *configs]), build_gateway_registry())
    await service.start()
    [server] = service.http_servers.values()
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
            yield service, http
    finally:
        await service.shutdown()


def key_of(service, tenant, permissions=PERMISSIONS):
    draft = CredentialDraft("test", tuple(permissions), kind="api_key", tenant=tenant)
    issued = service.extension("auth").identity().credentials.create(draft)
    return {"X-API-Key": issued.secret.reveal()}
