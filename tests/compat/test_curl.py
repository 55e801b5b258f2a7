"""curl alone: a token, a span sent with it, and the trace read back."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from helpers.gateway import Gateway

SPAN = {
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
    "name": "from curl",
    "kind": 2,
    "startTimeUnixNano": "1700000000000000000",
    "endTimeUnixNano": "1700000001000000000",
}
BODY = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]})


def curl(*arguments: str) -> Any:
    command = ["curl", "--silent", "--show-error", "--fail-with-body", *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on the path")
def test_a_token_a_span_and_its_trace(gateway: Gateway) -> None:
    credential = gateway.create_credential("curl")
    client = f"{credential['client_id']}:{credential['client_secret']}"
    token = curl("--user", client, "--data", "grant_type=client_credentials", f"{gateway.url}/token")
    authorization = ("--header", f"Authorization: Bearer {token['access_token']}")

    json_type = ("--header", "Content-Type: application/json")
    assert curl(*authorization, *json_type, "--data", BODY, f"{gateway.url}/v1/traces") == {}
    trace = curl(*authorization, f"{gateway.url}/api/v1/traces/{SPAN['traceId']}")
    assert (trace["names"], trace["spans"]["span_id"]) == (["from curl"], [SPAN["spanId"]])
