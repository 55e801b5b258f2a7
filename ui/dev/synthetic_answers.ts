import { HOSTILE, type SyntheticTrace } from "./synthetic_trace.ts";

const unixNano = (ms: number, nano = 0): string => String(BigInt(ms) * 1_000_000n + BigInt(nano));

const durationNano = (trace: SyntheticTrace): number =>
  trace.spans.reduce((end, span) => Math.max(end, span.offset + span.duration), 0);

export const errorsOf = (trace: SyntheticTrace): number =>
  trace.spans.filter((span) => span.status === 2).length;

/** One row of `GET /api/v1/traces`. */
export function summaryOf(trace: SyntheticTrace) {
  const root = trace.spans.find((span) => span.parent < 0) ?? trace.spans[0];
  return {
    trace_id: trace.traceId,
    root_name: trace.names[root.name],
    root_service: trace.services[root.service],
    start_unix_nano: unixNano(trace.startMs),
    duration_nano: durationNano(trace),
    spans: trace.spans.length,
    errors: errorsOf(trace),
    services: trace.services,
    unit: trace.units[0] ?? null,
    parent_unit: null,
  };
}

/** `GET /api/v1/traces/{trace_id}`. */
export function columnsOf(trace: SyntheticTrace, orphans: number[]) {
  const column = <T>(read: (span: SyntheticTrace["spans"][number]) => T): T[] => trace.spans.map(read);
  return {
    trace_id: trace.traceId,
    start_unix_nano: unixNano(trace.startMs),
    duration_nano: durationNano(trace),
    services: trace.services,
    names: trace.names,
    units: trace.units,
    spans: {
      span_id: column((span) => span.spanId),
      parent: trace.spans.map((span, row) => (orphans.includes(row) ? -1 : span.parent)),
      service: column((span) => span.service),
      name: column((span) => span.name),
      kind: column((span) => span.kind),
      status: column((span) => span.status),
      offset_nano: column((span) => span.offset),
      duration_nano: column((span) => span.duration),
      unit: column((span) => span.unit),
      events: column((span) => span.events),
    },
    orphans,
  };
}

const STACK_TRACE = `Traceback (most recent call last):
  File "/srv/shop/orders.py", line 118, in place_order
    charge = await payments.charge(order, card)
  File "/srv/shop/payments.py", line 42, in charge
    raise CardDeclined(response.code)
shop.payments.CardDeclined: insufficient_funds`;

/** `GET /api/v1/traces/{trace_id}/spans/{span_id}`. */
export function detailOf(trace: SyntheticTrace, row: number, linkTo: string) {
  const span = trace.spans[row];
  const parent = trace.spans[span.parent];
  const failed = span.status === 2;
  const at = (part: number) => unixNano(trace.startMs, Math.round(span.offset + span.duration * part));
  return {
    span_id: span.spanId,
    parent_span_id: parent?.spanId ?? null,
    name: trace.names[span.name],
    service: trace.services[span.service],
    kind: span.kind,
    status: span.status,
    status_message: failed ? "CardDeclined: insufficient_funds" : "",
    start_unix_nano: at(0),
    duration_nano: span.duration,
    unit: trace.units[span.unit] ?? null,
    parent_unit: null,
    trace_state: "",
    flags: 257,
    attributes: {
      "http.request.method": "POST",
      "http.response.status_code": failed ? 402 : 200,
      "http.route": "/orders/{id}",
      "server.address": "orders.internal",
      "server.port": 8080,
      "db.query.text":
        "SELECT id, customer, total, currency FROM orders WHERE customer = ? AND state IN (?, ?)",
      "user.name": HOSTILE,
      "tollspan.unit": trace.units[span.unit] ?? "",
      "app.order.lines": [1, 2, 3],
      "app.retry": false,
      "app.big": "9223372036854775807",
      "app.payload": { bytes: "AAECAwQFBgc=" },
      "app.basket": { items: 3, coupon: null, total: 129.9 },
    },
    resource: {
      attributes: {
        "service.name": trace.services[span.service],
        "service.version": "2.14.0",
        "host.name": "node-7",
        "process.pid": 4711,
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": "1.45.1",
      },
      schema_url: "https://opentelemetry.io/schemas/1.43.0",
    },
    instrumentation_scope: { name: "opentelemetry.instrumentation.httpx", version: "0.66b1", attributes: {} },
    events:
      failed || span.events > 0
        ? [
            { name: "card.checked", time_unix_nano: at(0.35), attributes: { attempt: 1 } },
            {
              name: "exception",
              time_unix_nano: at(0.9),
              attributes: {
                "exception.type": "CardDeclined",
                "exception.message": "insufficient_funds",
                "exception.stacktrace": STACK_TRACE,
              },
            },
          ]
        : [],
    links:
      row === 0
        ? [{ trace_id: linkTo, span_id: "00f067aa0ba902b7", attributes: { reason: "retry of" } }]
        : [],
    dropped: { attributes: row % 7 === 3 ? 2 : 0, events: 0, links: 0 },
  };
}

export const liveSpansOf = (trace: SyntheticTrace) =>
  trace.spans.map((span) => ({
    trace_id: trace.traceId,
    span_id: span.spanId,
    parent_span_id: trace.spans[span.parent]?.spanId ?? null,
    name: trace.names[span.name],
    service: trace.services[span.service],
    start_unix_nano: unixNano(trace.startMs, span.offset),
    duration_nano: span.duration,
    status: span.status,
    unit: trace.units[span.unit] ?? null,
  }));
