// Sends a trace of two spans to the URL in the first argument, with Jaeger's own client for Node.
const { initTracer } = require("jaeger-client");

const tracer = initTracer(
  { serviceName: "shop", sampler: { type: "const", param: 1 }, reporter: { collectorEndpoint: process.argv[2] } },
  { tags: { region: "eu" } },
);
const outer = tracer.startSpan("outer", { tags: { "span.kind": "server", tries: 3, ratio: 0.5, warm: true } });
const inner = tracer.startSpan("inner", { childOf: outer, tags: { error: true } });
inner.log({ event: "declined", reason: "limit" });
inner.finish();
outer.finish();
tracer.close(() => process.exit(0));
