"""With access tokens that live two seconds, the SDK exports for a minute and every span arrives once."""

import json
import subprocess
import sys

import httpx
import pytest

from helpers.gateway import Gateway

CONFIG = """
extensions:
  auth:
    access_token_lifetime: 2s
"""

APPLICATION = """
import json, time
import tollspan
from opentelemetry import trace

telemetry = tollspan.init("short-tokens")
tracer = trace.get_tracer("app")
trace_ids = []
started = time.monotonic()
while time.monotonic() - started < 60:
    with tracer.start_as_current_span("tick") as root:
        trace_ids.append(f"{root.get_span_context().trace_id:032x}")
        for number in range(4):
            with tracer.start_as_current_span(f"step {number}"):
                pass
    time.sleep(0.1)
telemetry.shutdown(timeout_s=10)
status = telemetry.status()
print(json.dumps({"trace_ids": trace_ids, "sent": status.sent, "dropped": status.dropped}))
"""


@pytest.mark.timeout(240)
def test_every_span_of_a_minute_arrives_once_though_tokens_live_two_seconds(tmp_path):
    config = tmp_path / "short.yaml"
    config.write_text(CONFIG)
    with Gateway(tmp_path / "data", "--config", str(config)) as gateway:
        credential = gateway.create_credential()
        environment = {
            "TOLLSPAN_ENDPOINT": gateway.url,
            "TOLLSPAN_CLIENT_ID": credential["client_id"],
            "TOLLSPAN_CLIENT_SECRET": credential["client_secret"],
        }
        done = subprocess.run(
            [sys.executable, "-c", APPLICATION], env=environment, capture_output=True, text=True, check=True
        )
        account = json.loads(done.stdout)
        basic = (credential["client_id"], credential["client_secret"])
        with httpx.Client(base_url=gateway.url, auth=basic) as http:
            stored = [read_span_ids(http, trace_id) for trace_id in account["trace_ids"]]

    assert all(len(span_ids) == len(set(span_ids)) == 5 for span_ids in stored)
    assert account["sent"] == 5 * len(account["trace_ids"])
    assert not account["dropped"]
    assert gateway.log.count("token_issued") > 20
    assert credential["client_secret"] not in gateway.log + done.stderr


def read_span_ids(http: httpx.Client, trace_id: str) -> list[str]:
    # The reader's tokens live two seconds too, so it asks for one each time.
    token = http.post("/token", data={"grant_type": "client_credentials"}).json()["access_token"]
    answer = http.get(f"/api/v1/traces/{trace_id}", auth=None, headers={"Authorization": f"Bearer {token}"})
    return answer.json()["spans"]["span_id"]
