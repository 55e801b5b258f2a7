"""Every example does what its first line says."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
import requests
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from examples.conftest import EXAMPLES, Run, Serve
from helpers.otlp_peer import OTLPPeer


def spans(peer: OTLPPeer) -> dict[str, Span]:
    """The last span of each name."""
    exports = [export for export in peer.exports if export.stored]
    return {span.name: span for export in exports for span in getattr(export, "spans", ())}


def unit(span: Span) -> str:
    return {a.key: a.value.string_value for a in span.attributes}.get("tollspan.unit", "")


def test_a_script_sends_everything_before_it_ends(peer: OTLPPeer, run: Run):
    printed = run(str(EXAMPLES / "script.py"))

    assert printed == "acme-toys 90\nglobex-garden 130\n"
    assert peer.stored == {"report": 1, "count orders": 2}
    assert {"/v1/traces", "/v1/metrics", "/v1/logs"} <= set(peer.paths)


def test_a_link_leads_from_the_requests_trace_into_the_rolls_and_back(peer: OTLPPeer, serve: Serve):
    with serve("Running on ", str(EXAMPLES / "flask_dice.py")) as url:
        assert requests.get(f"{url}/rolldice", timeout=10).text in "123456"
        assert requests.get(f"{url}/roll_with_link", timeout=10).text in "123456"
        peer.wait(lambda: peer.stored["roll"] == 2 and peer.stored["GET /roll_with_link"] == 1)

    request = spans(peer)["GET /roll_with_link"]
    rolls = [span for export in peer.exports for span in export.spans if span.name == "roll" and span.links]
    assert [span.links[0].trace_id for span in rolls] == [request.trace_id]
    assert request.links[0].span_id == rolls[0].span_id
    assert rolls[0].trace_id != request.trace_id
    assert not rolls[0].parent_span_id


def test_a_fastapi_request_is_for_its_customer(peer: OTLPPeer, serve: Serve):
    with serve("running on ", str(EXAMPLES / "fastapi_shop.py")) as url:
        answer = requests.get(f"{url}/items/7", headers={"X-Customer": "acme-toys"}, timeout=10)
        peer.wait(lambda: {"GET /items/{number}", "select"} <= peer.stored.keys())

    assert answer.json() == {"item": 7, "price": 21}
    request, query = spans(peer)["GET /items/{number}"], spans(peer)["select"]
    assert query.trace_id == request.trace_id
    assert (unit(request), unit(query)) == ("acme-toys", "acme-toys")


def test_a_django_project_is_traced(peer: OTLPPeer, serve: Serve):
    arguments = ("-m", "gunicorn", "--bind=127.0.0.1:0", "django_shop:application")
    with serve("Listening at: ", *arguments) as url:
        assert requests.get(f"{url}/items/7", timeout=10).json() == {"item": 7, "price": 21}
        peer.wait(lambda: {"GET items/<int:number>", "find price"} <= peer.stored.keys())

    request, inner = spans(peer)["GET items/<int:number>"], spans(peer)["find price"]
    assert inner.parent_span_id == request.span_id


def test_a_trace_goes_from_the_sender_into_the_worker(peer: OTLPPeer, serve: Serve, run: Run, tmp_path: Path):
    folder = {"ORDERS_FOLDER": str(tmp_path / "queue")}
    worker = ("-m", "celery", "-A", "celery_orders", "worker", "--concurrency=1", "--loglevel=INFO")
    with serve("ready.", *worker, **folder):
        run(str(EXAMPLES / "celery_orders.py"), **folder)
        peer.wait(lambda: {"place order", "print label"} <= peer.stored.keys())

    ordered, shipped = spans(peer)["place order"], spans(peer)["print label"]
    assert shipped.trace_id == ordered.trace_id
    assert unit(shipped) == "acme-toys"


def test_the_spans_of_jobs_that_run_at_once_are_apart(peer: OTLPPeer, run: Run):
    run(str(EXAMPLES / "asyncio_worker.py"))

    assert peer.stored == {"job": 6, "fetch": 6, "store": 6}
    all_spans = [span for export in peer.exports for span in export.spans]
    traces = {
        span.trace_id: [other for other in all_spans if other.trace_id == span.trace_id] for span in all_spans
    }
    assert all(
        len(members) == 3 and len({unit(span) for span in members}) == 1 for members in traces.values()
    )


def test_a_lambda_has_delivered_when_it_answers(peer: OTLPPeer, run: Run):
    freeze = """if True:
        import os, lambda_handler
        class Context:
            def get_remaining_time_in_millis(self): return 3000
        print(lambda_handler.handler({"customer": "acme-toys", "image": "a.png"}, Context()), flush=True)
        os._exit(0)
    """

    assert run("-c", freeze) == "{'statusCode': 200}\n"
    assert peer.stored == {"make thumbnail": 1}
    assert "/v1/logs" in peer.paths


def test_the_stock_sdk_gets_an_access_token(peer: OTLPPeer, run: Run):
    run(
        str(EXAMPLES / "stock_otel.py"),
        OTEL_EXPORTER_OTLP_ENDPOINT=peer.url,
        OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER="tollspan",
    )

    assert peer.stored == {"work": 1}
    assert len(peer.token_requests) == 1


def test_the_sidecars_configuration_is_valid(run: Run):
    run("-m", "tollspan.cli", "collector", "validate", "--config", str(EXAMPLES / "sidecar.yaml"))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_listed_and_tested(path: Path):
    assert f"({path.name})" in (EXAMPLES / "README.md").read_text()
    assert path.stem in Path(__file__).read_text()
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_example_depends_on_this_environment():
    files = [path for path in EXAMPLES.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert not [path for path in files if os.fspath(Path.home()) in path.read_text()]
