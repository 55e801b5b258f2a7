import { Fields } from "./fields";
import { getJson } from "./http";

/** Attribute values are what JSON can hold; integers beyond ±2^53 come as strings, bytes as {"bytes": base64}. */
export type Attributes = [key: string, value: unknown][];

export interface SpanEvent {
  name: string;
  timeUnixNano: bigint;
  attributes: Attributes;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  attributes: Attributes;
}

/** Everything that is known of one span. */
export interface SpanDetail {
  spanId: string;
  parentSpanId: string | null;
  name: string;
  service: string;
  kind: number;
  status: number;
  statusMessage: string;
  startUnixNano: bigint;
  durationNano: number;
  unit: string | null;
  parentUnit: string | null;
  traceState: string;
  attributes: Attributes;
  resourceAttributes: Attributes;
  instrumentationScope: { name: string; version: string; attributes: Attributes };
  events: SpanEvent[];
  links: SpanLink[];
  dropped: { attributes: number; events: number; links: number };
}

export async function getSpan(traceId: string, spanId: string, abort: AbortSignal): Promise<SpanDetail> {
  const path = `/traces/${encodeURIComponent(traceId)}/spans/${encodeURIComponent(spanId)}`;
  return readSpanDetail(await getJson(path, abort));
}

const attributesOf = (fields: Fields): Attributes =>
  fields
    .object("attributes")
    .entries()
    .sort(([a], [b]) => (a < b ? -1 : 1));

export function readSpanDetail(answer: unknown): SpanDetail {
  const span = new Fields(answer, "span");
  const instrumentationScope = span.object("instrumentation_scope");
  const dropped = span.object("dropped");
  return {
    spanId: span.text("span_id"),
    parentSpanId: span.textOrNull("parent_span_id"),
    name: span.text("name"),
    service: span.text("service"),
    kind: span.number("kind"),
    status: span.number("status"),
    statusMessage: span.text("status_message"),
    startUnixNano: BigInt(span.text("start_unix_nano")),
    durationNano: span.number("duration_nano"),
    unit: span.textOrNull("unit"),
    parentUnit: span.textOrNull("parent_unit"),
    traceState: span.text("trace_state"),
    attributes: attributesOf(span),
    resourceAttributes: attributesOf(span.object("resource")),
    instrumentationScope: {
      name: instrumentationScope.text("name"),
      version: instrumentationScope.text("version"),
      attributes: attributesOf(instrumentationScope),
    },
    events: span.objects("events", (event) => ({
      name: event.text("name"),
      timeUnixNano: BigInt(event.text("time_unix_nano")),
      attributes: attributesOf(event),
    })),
    links: span.objects("links", (link) => ({
      traceId: link.text("trace_id"),
      spanId: link.text("span_id"),
      attributes: attributesOf(link),
    })),
    dropped: {
      attributes: dropped.number("attributes"),
      events: dropped.number("events"),
      links: dropped.number("links"),
    },
  };
}
