"""The sidecar pipeline with tail sampling over traces of 8 spans; rotel, which has none, passes all on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench.collectors import Traces, measure, rotel_command, tollspan_command

TITLE = "collector, tail sampling, traces of 8 spans, OTLP/HTTP in, 512 spans a request"
ITEM = "span"
TRACES = Traces("http", 512, trace_size=8, settle_s=4.0)

OURS = (
    "tail_sampling: {decision_wait: 2s, policies: ["
    "{name: failed, type: numeric_attribute,"
    " numeric_attribute: {key: http.response.status_code, min_value: 500, max_value: 599}},"
    " {name: slow, type: latency, latency: {threshold_ms: 90}},"
    " {name: some, type: probabilistic, probabilistic: {sampling_percentage: 10}}]}"
)

PEERS: dict[str, Callable[[], float]] = {
    "Tollspan": lambda: measure(partial(tollspan_command, processor=OURS), TRACES).cpu_s,
    "Tollspan, without sampling": lambda: measure(tollspan_command, TRACES).cpu_s,
    "rotel 0.0.1a15, without sampling": lambda: measure(rotel_command, TRACES).cpu_s,
}
