"""The sidecar pipeline with an attribute put on every span and another taken off, 512 spans a request."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench.collectors import Traces, measure, rotel_command, tollspan_command

TITLE = "collector, one attribute inserted and one deleted, OTLP/HTTP in, 512 spans a request"
ITEM = "span"
TRACES = Traces("http", 512)

OURS = (
    "attributes: {actions: [{key: deployment.environment, value: production, action: insert},"
    " {key: url.path, action: delete}]}"
)

ROTELS = """
from rotel_sdk.open_telemetry.common.v1 import KeyValue

def process_spans(resource_spans):
    for scope_spans in resource_spans.scope_spans:
        for span in scope_spans.spans:
            attributes = [attribute for attribute in span.attributes if attribute.key != "url.path"]
            if all(attribute.key != "deployment.environment" for attribute in attributes):
                attributes.append(KeyValue.new_string_value("deployment.environment", "production"))
            span.attributes = attributes
"""

PEERS: dict[str, Callable[[], float]] = {
    "Tollspan": lambda: measure(partial(tollspan_command, processor=OURS), TRACES).cpu_s,
    "rotel 0.0.1a15, in Python": lambda: measure(partial(rotel_command, processor=ROTELS), TRACES).cpu_s,
}
