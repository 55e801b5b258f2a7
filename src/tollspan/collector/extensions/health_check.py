"""Says whether the collector runs, and whether it can do its work.

    extensions:
      health_check:
        endpoint: localhost:13133
        check_collector_pipeline:
          enabled: true
          interval: 5m
          exporter_failure_threshold: 5

`GET /` is for liveness probes: 200 from the moment the pipelines run until they stop, 503
else. A restart does not repair a destination that is down, so what its answer says about
exports changes its status only with `check_collector_pipeline::enabled`.

`GET /ready` is for readiness probes and alerts: 503 while any component is not well. It is
not when its last `exporter_failure_threshold` attempts failed, be it to send or to get an
access token, or when something has waited in its queue for `interval`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tollspan.collector.component import Condition, Factory, Host, Kind
from tollspan.collector.config.values import Duration, Endpoint
from tollspan.errors import ConfigError


class ResponseBodyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`response_body`: texts instead of the JSON answer of the configured path."""

    healthy: str = ""
    unhealthy: str = ""


class CheckConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`check_collector_pipeline`."""

    enabled: bool = False
    interval_s: Duration = msgspec.field(default=300.0, name="interval")
    exporter_failure_threshold: Annotated[int, msgspec.Meta(ge=1)] = 5


class HealthCheckConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`extensions::health_check`."""

    endpoint: Endpoint = "localhost:13133"
    path: str = "/"
    response_body: ResponseBodyConfig = ResponseBodyConfig()
    check_collector_pipeline: CheckConfig = CheckConfig()

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not self.path.startswith("/") or self.path == "/ready":
            yield ConfigError("path", "must start with / and not be /ready")


class HealthCheck:
    """See the module."""

    def __init__(self, config: HealthCheckConfig) -> None:
        self._config = config
        self._check = config.check_collector_pipeline

    async def start(self, host: Host) -> None:
        """The paths will be served; the listener starts when all components run."""
        self._host = host
        self._up_since_s = time.time()
        routes = [Route(self._config.path, self._show_alive), Route("/ready", self._show_ready)]
        host.http_server(self._config.endpoint).add_routes(routes)

    async def shutdown(self) -> None:
        """Nothing is left to do: the listener has stopped."""

    async def _show_alive(self, request: Request) -> Response:
        unwell = self._unwell()
        body = self._config.response_body
        available = not (unwell and self._check.enabled)
        text = body.healthy if available else body.unhealthy
        if text:
            return PlainTextResponse(text, 200 if available else 503)
        return self._answer(available=available, unwell=unwell)

    async def _show_ready(self, request: Request) -> Response:
        unwell = self._unwell()
        return self._answer(available=not unwell, unwell=unwell)

    def _answer(self, *, available: bool, unwell: dict[str, Any]) -> Response:
        content = {
            "status": "Server available" if available else "Server not available",
            "upSince": datetime.fromtimestamp(self._up_since_s, UTC).isoformat(),
            "uptime": f"{time.time() - self._up_since_s:.3f}s",
            "unwell": unwell,
        }
        return JSONResponse(content, 200 if available else 503)

    def _unwell(self) -> dict[str, Any]:
        """The condition of each component that cannot do its work."""
        return {
            name: {
                "failures": condition.failures,
                "reason": condition.reason,
                "waiting_s": round(condition.waiting_s, 3),
            }
            for name, condition in self._host.conditions().items()
            if self._is_unwell(condition)
        }

    def _is_unwell(self, condition: Condition) -> bool:
        too_many = condition.failures >= self._check.exporter_failure_threshold
        return too_many or condition.waiting_s > self._check.interval_s


FACTORY = Factory(kind=Kind.EXTENSION, type="health_check", config=HealthCheckConfig, build=HealthCheck)
