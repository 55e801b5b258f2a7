"""The examples send to a real gateway, whose API shows what they sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests

from examples.conftest import EXAMPLES, Run, Serve, environment
from helpers.gateway import Credential, Gateway

SIGNALS = ("traces", "metrics", "logs")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def credential(gateway: Gateway) -> Credential:
    permissions = [f"{what}:{signal}" for what in ("read", "write") for signal in SIGNALS]
    return gateway.create_credential("examples", ",".join(permissions))


@pytest.fixture
def environ(gateway: Gateway, credential: Credential) -> dict[str, str]:
    return environment(gateway.url, credential["client_id"], credential["client_secret"])


@pytest.fixture
def api(gateway: Gateway, credential: Credential) -> Iterator[httpx.Client]:
    headers = gateway.authorization(credential)
    with httpx.Client(base_url=f"{gateway.url}/api/v1", headers=headers) as api:
        yield api


def find(api: httpx.Client, path: str, **parameters: str) -> list[dict[str, Any]]:
    """What the list has as soon as it has anything."""
    deadline_s = time.monotonic() + 20
    while True:
        found: list[dict[str, Any]] = api.get(path, params=parameters).raise_for_status().json()["data"]
        if found:
            return found
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def span(api: httpx.Client, trace_id: str, name: str) -> dict[str, Any]:
    """The only span of that name in the trace."""
    trace = api.get(f"/traces/{trace_id}").raise_for_status().json()
    columns = trace["spans"]
    (span_id,) = [
        columns["span_id"][row] for row, index in enumerate(columns["name"]) if trace["names"][index] == name
    ]
    found: dict[str, Any] = api.get(f"/traces/{trace_id}/spans/{span_id}").raise_for_status().json()
    return found


def test_all_three_signals_of_a_script_are_there(api: httpx.Client, run: Run) -> None:
    run(str(EXAMPLES / "script.py"))

    (trace,) = find(api, "/traces", service="nightly-report")
    assert (trace["root_name"], trace["spans"]) == ("report", 3)
    records = find(api, "/logs", service="nightly-report")
    assert sorted(record["body"] for record in records) == [
        "counted 130 orders of globex-garden",
        "counted 90 orders of acme-toys",
    ]
    assert {record["trace_id"] for record in records} == {trace["trace_id"]}
    assert {record["parent_unit"] for record in records} == {"enterprise"}
    (metric,) = find(api, "/metrics", q="report.orders")
    assert (metric["unit"], metric["services"], metric["timeseries"]) == ("{order}", ["nightly-report"], 2)


def test_the_links_of_the_dice_lead_into_the_other_trace_and_back(api: httpx.Client, serve: Serve) -> None:
    with serve("Running on ", str(EXAMPLES / "flask_dice.py")) as url:
        assert requests.get(f"{url}/roll_with_link", timeout=10).text in "123456"
    (requested,) = find(api, "/traces", service="dice", name="GET /roll_with_link")
    request = span(api, requested["trace_id"], "GET /roll_with_link")

    (there,) = request["links"]
    assert there["trace_id"] != requested["trace_id"]
    rolled = span(api, there["trace_id"], "roll")
    (back,) = rolled["links"]

    assert rolled["span_id"] == there["span_id"]
    assert (back["trace_id"], back["span_id"]) == (requested["trace_id"], request["span_id"])
    assert rolled["parent_span_id"] is None


def test_the_spans_below_a_fastapi_request_are_for_its_customer(api: httpx.Client, serve: Serve) -> None:
    with serve("running on ", str(EXAMPLES / "fastapi_shop.py")) as url:
        requests.get(f"{url}/items/7", headers={"X-Customer": "acme-toys"}, timeout=10)

    (trace,) = find(api, "/traces", unit="acme-toys", name="GET /items/{number}")
    assert trace["spans"] > 1
    assert api.get(f"/traces/{trace['trace_id']}").json()["units"] == ["acme-toys"]
