"""What it costs a program to have the SDK: import and initialise it, with a destination, before any span."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from bench.peers import python_with

TITLE = "import and initialise"
ITEM = "process"
UNIT, SCALE = "ms CPU", 1e3

URL = "http://127.0.0.1:9"

OFFICIAL = f"""
from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
tracers, loggers = TracerProvider(), LoggerProvider()
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter("{URL}/v1/traces")))
trace.set_tracer_provider(tracers)
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter("{URL}/v1/logs")))
_logs.set_logger_provider(loggers)
reader = PeriodicExportingMetricReader(OTLPMetricExporter("{URL}/v1/metrics"))
metrics.set_meter_provider(MeterProvider([reader]))
"""

STATEMENTS = {
    "tollspan": f"import tollspan; tollspan.init('bench', endpoint='{URL}', instrument=False)",
    "official": OFFICIAL,
    "obtrace": "from obtrace_sdk import ObtraceClient, ObtraceConfig; "
    f"ObtraceClient(ObtraceConfig('key', 'bench', ingest_base_url='{URL}', auto_instrument_http=False))",
    "logfire": "import logfire; logfire.configure(send_to_logfire=False, console=False)",
    "sentry": "import sentry_sdk; sentry_sdk.init('http://key@127.0.0.1:9/1', traces_sample_rate=1.0)",
}


def run(peer: str, measured: str) -> float:
    """What the expression `measured` is in a process that has done nothing else."""
    script = f"import os, resource, time\n{STATEMENTS[peer]}\nprint({measured}, flush=True)\nos._exit(0)"
    done = subprocess.run(
        [python_with(peer), "-c", script], check=True, stdout=subprocess.PIPE, text=True, timeout=60
    )
    return float(done.stdout.splitlines()[-1])


def _cpu(peer: str) -> Callable[[], float]:
    return lambda: run(peer, "time.process_time()")


PEERS: dict[str, Callable[[], float]] = {
    "Tollspan, three signals": _cpu("tollspan"),
    "official SDK, three signals": _cpu("official"),
    "obtrace-sdk-python": _cpu("obtrace"),
    "logfire": _cpu("logfire"),
    "sentry-sdk": _cpu("sentry"),
}
