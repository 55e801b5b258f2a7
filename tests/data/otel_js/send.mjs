// The stock JavaScript SDK, every signal in every protocol it has: `node send.mjs HTTP_URL GRPC_URL HEADERS`.
// Prints the trace id of each protocol; ends with 1 when an exporter reports an error.
import { Metadata } from "@grpc/grpc-js";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const [http, grpc, credentials] = process.argv.slice(2);
const headers = JSON.parse(credentials);
const metadata = new Metadata();
for (const [name, value] of Object.entries(headers)) metadata.set(name.toLowerCase(), value);

const problems = [];
const note = (...words) => problems.push(words.join(" "));
const silent = () => {};
diag.setLogger({ error: note, warn: note, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN);

const resource = resourceFromAttributes({ "service.name": "js-shop" });
const exporters = {
  json: new JsonExporter({ url: `${http}/v1/traces`, headers, compression: "gzip" }),
  protobuf: new ProtobufExporter({ url: `${http}/v1/traces`, headers }),
  grpc: new GrpcExporter({ url: grpc, metadata }),
};
const traces = {};
for (const [protocol, exporter] of Object.entries(exporters)) {
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter)] });
  const span = provider.getTracer("checkout").startSpan(`GET /cart by ${protocol}`);
  span.setAttributes({ items: 3, total: 1.5, "tollspan.unit": "acme", names: ["a", "b"] });
  span.addEvent("declined", { reason: "limit" });
  span.end();
  await provider.shutdown();
  traces[protocol] = span.spanContext().traceId;
}

const logExporter = new OTLPLogExporter({ url: `${http}/v1/logs`, headers });
const logs = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: logExporter })] });
logs.getLogger("checkout").emit({ body: "paid from JavaScript", severityNumber: 9 });
await logs.shutdown();

const metricExporter = new OTLPMetricExporter({ url: `${http}/v1/metrics`, headers });
const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 60_000 });
const metrics = new MeterProvider({ resource, readers: [reader] });
metrics.getMeter("checkout").createCounter("js.orders", { unit: "1" }).add(2);
await metrics.shutdown();

console.log(JSON.stringify({ traces, problems }));
process.exit(problems.length ? 1 : 0);
