"""The OpenTelemetry Collector sends to the gateway, with access tokens that it fetches itself.

Its binary, with the extension oauth2client, is `otelcol` in the PATH, or what the variable OTELCOL names.
"""

import os
import shutil

import httpx
import pytest
import yaml

from helpers.gateway import Gateway
from helpers.peer_process import free_port, running_process
from helpers.requests import OTLP, TraceRequest


@pytest.fixture(scope="module")
def otelcol(skip_without):
    path = os.environ.get("OTELCOL") or shutil.which("otelcol")
    return path or skip_without("otelcol with oauth2client (set OTELCOL to the binary)")


def document(gateway, credential, port):
    client = {
        "client_id": credential["client_id"],
        "client_secret": credential["client_secret"],
        "token_url": f"{gateway.url}/token",
        "scopes": ["write:traces"],
    }
    sending = {"endpoint": gateway.url, "auth": {"authenticator": "oauth2client"}}
    pipeline = {"receivers": ["otlp"], "exporters": ["otlp_http"]}
    return {
        "extensions": {"oauth2client": client},
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"otlp_http": sending},
        "service": {
            "extensions": ["oauth2client"],
            "pipelines": {"traces": pipeline},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }


def test_what_it_sends_is_stored_once(otelcol, tmp_path):
    with Gateway(tmp_path / "data") as gateway:
        credential, port = gateway.create_credential(), free_port()
        config = tmp_path / "otelcol.yaml"
        config.write_text(yaml.safe_dump(document(gateway, credential, port)))
        request = TraceRequest(5)
        with running_process([otelcol, "--config", str(config)], tmp_path / "otelcol.log", port=port):
            url = f"http://127.0.0.1:{port}/v1/traces"
            httpx.post(url, content=request.wire, headers=OTLP).raise_for_status()
        # It has drained its queue when it ends.
        headers = gateway.authorization(credential)
        found = httpx.get(f"{gateway.url}/api/v1/traces/{request.trace_id.hex()}", headers=headers).json()

    assert sorted(found["spans"]["span_id"]) == sorted(span_id.hex() for span_id in request.span_ids)
