"""Keycloak issues the tokens: one collector fetches them, another asks for them.

Keycloak is what KEYCLOAK_ZIP names, or it comes from Maven Central, once.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml

from helpers.collector_process import Collector
from helpers.gateway import Gateway
from helpers.otlp_peer import running_peer
from helpers.peer_process import free_port, running_process
from helpers.requests import OTLP, TraceRequest
from helpers.signals import trace_request

pytestmark = pytest.mark.timeout(300)

VERSION = "26.0.8"
START_TIMEOUT_S = 110


def mapper(kind, **config):
    common = {"access.token.claim": "true", "id.token.claim": "false"}
    return {"name": kind, "protocol": "openid-connect", "protocolMapper": kind, "config": common | config}


REALM = {
    "realm": "main",
    "enabled": True,
    "sslRequired": "none",
    "clients": [
        {
            "clientId": "shipper",
            "secret": "hush",
            "serviceAccountsEnabled": True,
            "standardFlowEnabled": False,
            "protocolMappers": [
                mapper("oidc-audience-mapper", **{"included.custom.audience": "telemetry"}),
                mapper(
                    "oidc-hardcoded-claim-mapper",
                    **{"claim.name": "organization", "claim.value": "acme", "jsonType.label": "String"},
                ),
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def distribution(tmp_path_factory, skip_without):
    """The unpacked distribution."""
    path = os.environ.get("KEYCLOAK_ZIP")
    if path is None:
        maven = shutil.which("mvn") or skip_without("Maven, or KEYCLOAK_ZIP")
        artifact = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
        subprocess.run(
            [maven, "-q", "-B", "dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false"], check=True
        )
        folder = Path.home() / ".m2/repository/org/keycloak/keycloak-quarkus-dist" / VERSION
        path = str(folder / f"keycloak-quarkus-dist-{VERSION}.zip")
    if shutil.which("java") is None:
        skip_without("Java")
    folder = tmp_path_factory.mktemp("keycloak")
    shutil.unpack_archive(path, folder)
    (home,) = folder.iterdir()
    (home / "bin" / "kc.sh").chmod(0o755)
    return home


@pytest.fixture(scope="module")
def issuer(distribution):
    """The URL of a realm with one confidential client."""
    imports = distribution / "data" / "import"
    imports.mkdir(parents=True)
    (imports / "main.json").write_text(json.dumps(REALM))
    port = free_port()
    options = [
        f"--http-port={port}",
        "--http-host=127.0.0.1",
        "--import-realm",
        "--http-management-port=" + str(free_port()),
    ]
    command = [str(distribution / "bin" / "kc.sh"), "start-dev", *options]
    url = f"http://127.0.0.1:{port}/realms/main"
    log = distribution / "keycloak.log"
    with running_process(command, log, port=port, url=url, timeout_s=START_TIMEOUT_S):
        yield url


def write(folder, name, **sections):
    path = folder / name
    path.mkdir()
    protocols = {"grpc": {"endpoint": "127.0.0.1:0"}, "http": {"endpoint": "127.0.0.1:0"}}
    document = {"receivers": {"otlp": {"protocols": protocols}}, **sections}
    (path / "collector.yaml").write_text(yaml.safe_dump(document))
    return path


def test_a_token_of_keycloak_opens_the_way_from_one_collector_to_the_next(issuer, tmp_path):
    auth = {"authenticator": "oidc"}
    oidc = {"issuer_url": issuer, "audience": "telemetry", "tenant_claim": "organization"}
    token_url = f"{issuer}/protocol/openid-connect/token"
    client = {"client_id": "shipper", "client_secret": "hush", "token_url": token_url, "scopes": ["openid"]}
    pipelines = {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}
    with running_peer() as peer:
        gate = write(
            tmp_path,
            "gate",
            exporters={"otlp_http": {"endpoint": peer.url}},
            extensions={"oidc": oidc},
            service={"extensions": ["oidc"], "pipelines": pipelines},
        )
        guarded = {"receivers": {"otlp": {"protocols": {"http": {"auth": auth}, "grpc": {"auth": auth}}}}}
        with Collector(gate, gate / "collector.yaml", guarded) as gateway:
            sidecar = write(
                tmp_path,
                "sidecar",
                exporters={"otlp_http": {"endpoint": gateway.url, "auth": {"authenticator": "oauth2client"}}},
                extensions={"oauth2client": client},
                service={"extensions": ["oauth2client"], "pipelines": pipelines},
            )
            with Collector(sidecar, sidecar / "collector.yaml") as collector:
                headers = {"Content-Type": "application/x-protobuf"}
                body = trace_request(3).SerializeToString()
                direct = httpx.post(f"{gateway.url}/v1/traces", content=body, headers=headers)
                sent = httpx.post(f"{collector.url}/v1/traces", content=body, headers=headers)
                peer.wait(lambda: peer.stored.total() == 3)

    assert (direct.status_code, sent.status_code) == (401, 200)
    assert "hush" not in collector.log


def test_a_token_of_keycloak_opens_the_gateway_for_the_tenant_that_it_claims(issuer, tmp_path):
    trusted = {
        "issuer": issuer,
        "audiences": ["telemetry"],
        "profile": "jwt",
        "tenant_claim": "organization",
        "permissions_claim": "realm_access.roles",
        "permissions": {"default-roles-main": ["write:traces", "read:traces"]},
    }
    config = tmp_path / "trust.yaml"
    config.write_text(yaml.safe_dump({"extensions": {"auth": {"trusted_issuers": [trusted]}}}))
    grant = {"grant_type": "client_credentials", "client_id": "shipper", "client_secret": "hush"}
    answer = httpx.post(f"{issuer}/protocol/openid-connect/token", data=grant).raise_for_status().json()
    request = TraceRequest(3)
    with Gateway(tmp_path / "data", "--config", str(config)) as gateway:
        key = {"X-API-Key": gateway.create_credential(tenant="acme", kind="api_key")["api_key"]}
        other = {"X-API-Key": gateway.create_credential(tenant="rival", kind="api_key")["api_key"]}
        headers = {"Authorization": f"Bearer {answer['access_token']}"}
        sent = httpx.post(f"{gateway.url}/v1/traces", content=request.wire, headers=OTLP | headers)
        trace = f"{gateway.url}/api/v1/traces/{request.trace_id.hex()}"
        statuses = [httpx.get(trace, headers=own).status_code for own in (headers, key, other)]

    assert [sent.status_code, *statuses] == [200, 200, 200, 404]
