"""What the shop's processes share: telemetry on, an inherited socket to serve on, an account at the end."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from opentelemetry import trace
from starlette.middleware.base import RequestResponseEndpoint

import tollspan
from tollspan.demo.customers import CustomerUnits

TRACE_ID_HEADER = "x-trace-id"


def start_telemetry(service_name: str) -> tollspan.Tollspan:
    """All three signals go to the gateway; SQLAlchemy's spans show what its driver's would."""
    logging.getLogger(service_name).setLevel(logging.INFO)
    return tollspan.init(service_name, service_version="1.0.0", environment="demo", disable=["sqlite3"])


def report(telemetry: tollspan.Tollspan) -> None:
    """Send what is left and print one JSON line that accounts for every item of this process."""
    telemetry.shutdown()
    status = telemetry.status()
    sent = {name: signal.sent for name, signal in status.signals.items()}
    lost = {**status.dropped, "rejected": status.rejected, "queued": status.queued}
    print(json.dumps({"sent": sent, "lost": {why: n for why, n in lost.items() if n}}), flush=True)


def build_app(service_name: str) -> FastAPI:
    """A FastAPI application whose requests and outgoing calls are traced to the gateway."""
    telemetry = start_telemetry(service_name)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        report(telemetry)

    app = FastAPI(title=service_name, lifespan=lifespan)
    app.middleware("http")(_name_the_trace)
    app.add_exception_handler(Exception, _failure)
    return app


async def _name_the_trace(request: Request, call_next: RequestResponseEndpoint) -> Response:
    trace_id = f"{trace.get_current_span().get_span_context().trace_id:032x}"
    try:
        response = await call_next(request)
    except Exception as error:
        trace.get_current_span().record_exception(error)
        response = _failure(request, error)
    response.headers[TRACE_ID_HEADER] = trace_id
    return response


def _failure(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": type(error).__name__}, status_code=500)


def parse_arguments() -> argparse.Namespace:
    """The options that the stage passes to every process of the shop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, help="the listening socket to serve on")
    parser.add_argument("--database", help="the shop's SQLite file")
    parser.add_argument("--payments", help="the payment service's URL")
    return parser.parse_args()


def serve(app: FastAPI, fd: int) -> None:
    """Serve until SIGTERM."""
    uvicorn.run(CustomerUnits(app), fd=fd, log_level="warning")
