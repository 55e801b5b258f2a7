from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from opentelemetry import trace
from opentelemetry.trace import StatusCode

import tollspan
from tollspan.sdk.integrations.flask import trace_requests
from tollspan.testing import Captured


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("shop")
    trace_requests(app)

    @app.get("/items/<int:number>")
    def show(number: int) -> str:
        with tollspan.span("look up"):
            return str(number)

    @app.get("/broken")
    def broken() -> str:
        raise ValueError("broken")

    return app.test_client()


def test_a_request_is_one_span_and_one_log_record_of_it(client: FlaskClient, captel: Captured):
    client.get("/items/7")

    span = captel.span("GET /items/<int:number>")
    assert captel.span("look up").parent.span_id == span.context.span_id
    assert span.attributes["http.response.status_code"] == 200
    assert captel.logs[0].log_record.span_id == span.context.span_id
    assert captel.logs[0].log_record.body.startswith("GET /items/7 200 in ")
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_an_error_fails_the_span(client: FlaskClient, captel: Captured):
    assert client.get("/broken").status_code == 500

    span = captel.span("GET /broken")
    assert span.status.status_code is StatusCode.ERROR
    assert captel.logs[0].log_record.severity_text == "ERROR"


def test_a_path_without_a_route_is_recorded_too(client: FlaskClient, captel: Captured):
    client.get("/nowhere")

    assert captel.span("GET").attributes["http.response.status_code"] == 404
