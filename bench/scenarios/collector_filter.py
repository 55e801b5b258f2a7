"""The sidecar pipeline with a filter that drops one of seven spans, 512 spans a request."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench.collectors import Traces, measure, rotel_command, tollspan_command

TITLE = "collector, filter by an attribute, OTLP/HTTP in, 512 spans a request"
ITEM = "span"
TRACES = Traces("http", 512)

OURS = """filter: {traces: {span: ['attributes["http.route"] == "/api/orders/{id}/items/3"']}}"""

ROTELS = """
def process_spans(resource_spans):
    for scope_spans in resource_spans.scope_spans:
        scope_spans.spans = [span for span in scope_spans.spans if not is_dropped(span)]

def is_dropped(span):
    return any(
        attribute.key == "http.route" and attribute.value.value == "/api/orders/{id}/items/3"
        for attribute in span.attributes
    )
"""

PEERS: dict[str, Callable[[], float]] = {
    "Tollspan": lambda: measure(partial(tollspan_command, processor=OURS), TRACES).cpu_s,
    "rotel 0.0.1a15, in Python": lambda: measure(partial(rotel_command, processor=ROTELS), TRACES).cpu_s,
}
