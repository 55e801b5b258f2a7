"""The stock OpenTelemetry exporter sends to the gateway, and the API gives back what it sent."""

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode


@pytest.fixture(scope="module")
def credential(gateway):
    return gateway.create_credential()


@pytest.fixture(scope="module")
def reader(gateway, credential):
    with httpx.Client(base_url=gateway.url, headers=gateway.authorization(credential)) as http:
        yield http


@pytest.fixture(params=[Compression.NoCompression, Compression.Gzip], ids=["plain", "gzip"])
def provider(gateway, credential, request):
    exporter = OTLPSpanExporter(
        endpoint=f"{gateway.url}/v1/traces",
        headers=gateway.authorization(credential, scope="write:traces"),
        compression=request.param,
    )
    provider = TracerProvider(resource=Resource.create({"service.name": "shop", "service.version": "1.2.3"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    yield provider
    provider.shutdown()


def send_order(provider):
    """One trace of two spans; its id and theirs in hexadecimal."""
    tracer = provider.get_tracer("orders", "0.9")
    with tracer.start_as_current_span("POST /orders", kind=SpanKind.SERVER) as root:
        root.set_attributes({"tollspan.unit": "acme", "tollspan.parent_unit": "group", "tries": 3})
        with tracer.start_as_current_span("charge") as child:
            child.add_event("declined", {"reason": "limit"})
            child.set_status(Status(StatusCode.ERROR, "no money"))
    assert provider.force_flush()
    contexts = root.get_span_context(), child.get_span_context()
    return f"{contexts[0].trace_id:032x}", *(f"{context.span_id:016x}" for context in contexts)


def test_a_trace_is_read_back_as_soon_as_it_was_acknowledged(provider, reader):
    trace_id, root_id, child_id = send_order(provider)

    trace = reader.get(f"/api/v1/traces/{trace_id}").raise_for_status().json()

    spans = trace["spans"]
    assert spans["span_id"] == [root_id, child_id]
    assert spans["parent"] == [-1, 0]
    assert [trace["names"][index] for index in spans["name"]] == ["POST /orders", "charge"]
    assert [trace["services"][index] for index in spans["service"]] == ["shop", "shop"]
    assert spans["kind"] == [2, 1]
    assert spans["status"] == [0, 2]
    assert spans["events"] == [0, 1]
    assert trace["units"][spans["unit"][0]] == "acme"
    assert trace["orphans"] == []


def test_a_span_has_everything_that_was_set_on_it(provider, reader):
    trace_id, root_id, child_id = send_order(provider)

    root = reader.get(f"/api/v1/traces/{trace_id}/spans/{root_id}").raise_for_status().json()
    child = reader.get(f"/api/v1/traces/{trace_id}/spans/{child_id}").raise_for_status().json()

    assert root["parent_span_id"] is None
    assert root["attributes"]["tries"] == 3
    assert (root["unit"], root["parent_unit"]) == ("acme", "group")
    assert root["resource"]["attributes"]["service.version"] == "1.2.3"
    assert root["instrumentation_scope"]["name"] == "orders"
    assert child["parent_span_id"] == root_id
    assert (child["status"], child["status_message"]) == (2, "no money")
    assert [(event["name"], event["attributes"]) for event in child["events"]] == [
        ("declined", {"reason": "limit"})
    ]


def test_the_trace_list_shows_it_first_and_finds_it_by_its_unit(provider, reader):
    trace_id, *_ = send_order(provider)

    newest = reader.get("/api/v1/traces", params={"limit": 1}).raise_for_status().json()["data"][0]
    of_unit = reader.get("/api/v1/traces", params={"unit": "acme"}).raise_for_status().json()["data"]
    of_another = reader.get("/api/v1/traces", params={"unit": "nobody"}).raise_for_status().json()["data"]

    assert (newest["trace_id"], newest["root_name"], newest["root_service"]) == (
        trace_id,
        "POST /orders",
        "shop",
    )
    assert (newest["spans"], newest["errors"], newest["unit"]) == (2, 1, "acme")
    assert trace_id in [trace["trace_id"] for trace in of_unit]
    assert of_another == []


def test_the_services_are_counted(provider, reader):
    send_order(provider)

    services = reader.get("/api/v1/services").raise_for_status().json()["data"]

    assert [service["name"] for service in services] == ["shop"]
    assert services[0]["spans"] >= 2 * services[0]["errors"] > 0


def test_an_unknown_trace_is_not_found(reader):
    response = reader.get(f"/api/v1/traces/{'0' * 31}1")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
