"""Read the demo's traces back through the gateway's API and say what is missing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import httpx

from tollspan.demo.customers import PLANS
from tollspan.demo.stage import Stage
from tollspan.demo.traffic import Visit

SHIP_TIMEOUT_S = 30.0


class Reader:
    """The gateway's API as the demo's reading credential sees it."""

    def __init__(self, stage: Stage) -> None:
        self._http = httpx.Client(base_url=stage.gateway_url, timeout=30)
        answer = self._http.post(
            "/token",
            data={"grant_type": "client_credentials", "scope": "read:traces"},
            auth=(stage.reader["client_id"], stage.reader["client_secret"]),
        )
        answer.raise_for_status()
        self._http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """The trace, or None when the gateway does not have it."""
        answer = self._http.get(f"/api/v1/traces/{trace_id}")
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        trace: dict[str, Any] = answer.json()
        return trace

    def await_shipments(self, visits: Iterable[Visit]) -> None:
        """Return when the warehouse's span of every paid order is stored, or after SHIP_TIMEOUT_S."""
        deadline_s = time.monotonic() + SHIP_TIMEOUT_S
        waiting = {v.trace_id for v in visits if (v.method, v.status) == ("POST", 201)}
        while waiting and time.monotonic() < deadline_s:
            waiting = {trace_id for trace_id in waiting if "warehouse" not in _services(self.trace(trace_id))}
            time.sleep(0.2)

    def close(self) -> None:
        self._http.close()


def find_faults(
    reader: Reader, visits: Iterable[Visit], accounts: dict[str, dict[str, Any]]
) -> tuple[list[str], Counter[str]]:
    """What is wrong with the stored traces, and how many spans each service has among them."""
    faults: list[str] = []
    stored: Counter[str] = Counter()
    for visit in visits:
        trace = reader.trace(visit.trace_id)
        faults += [
            f"{visit.method} {visit.path} ({visit.trace_id}): {fault}" for fault in _faults(trace, visit)
        ]
        if trace is not None:
            stored.update(trace["services"][index] for index in trace["spans"]["service"])
    for service, account in accounts.items():
        if account["lost"]:
            faults.append(f"{service}: not delivered: {account['lost']}")
    return faults, stored


def _faults(trace: dict[str, Any] | None, visit: Visit) -> list[str]:
    if trace is None:
        return ["the trace is not stored"]
    faults = []
    expected = {"shop"}
    if visit.method == "POST":
        expected |= {"payments", "warehouse"} if visit.status == 201 else {"payments"}
    if missing := expected - _services(trace):
        faults.append(f"no span of {', '.join(sorted(missing))}")
    if not any(name.startswith("SELECT") for name in trace["names"]):
        faults.append("no span of its SQL")
    if trace.get("orphans"):
        faults.append(f"{len(trace['orphans'])} spans without their parent")
    if set(trace["units"]) != {visit.customer}:
        faults.append(f"unit is {trace['units']}, not {visit.customer} (plan {PLANS[visit.customer]})")
    return faults


def _services(trace: dict[str, Any] | None) -> set[str]:
    return set() if trace is None else set(trace["services"])
