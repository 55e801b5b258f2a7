"""OpenTelemetry's own SDK and exporter; each request gets an access token of the moment from Tollspan.

Needs opentelemetry-exporter-otlp-proto-http 1.37 or newer, and beside TOLLSPAN_CLIENT_ID and
TOLLSPAN_CLIENT_SECRET the variables

    OTEL_EXPORTER_OTLP_ENDPOINT=$TOLLSPAN_ENDPOINT
    OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER=tollspan
"""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "stock"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)

with trace.get_tracer("stock").start_as_current_span("work") as span:
    # What the SDK's tollspan.unit() does.
    span.set_attribute("tollspan.unit", "acme-toys")
