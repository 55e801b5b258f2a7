import { Fields } from "./fields";
import { getJson } from "./http";

/** Status code of a span that failed (OTLP 1.11, Status.StatusCode). */
export const STATUS_ERROR = 2;

/**
 * A whole trace as columns: row i of every column is span i, rows ordered by start.
 * `services`, `names` and `units` are dictionaries that the columns of the same name index.
 */
export interface TraceColumns {
  traceId: string;
  startUnixNano: bigint;
  durationNano: number;
  services: string[];
  names: string[];
  units: string[];
  rows: number;
  spanIds: string[];
  parent: Int32Array;
  service: Uint16Array;
  name: Uint32Array;
  status: Uint8Array;
  offsetNano: Float64Array;
  spanDurationNano: Float64Array;
  unit: Int32Array;
  events: Uint32Array;
  /** Rows that name a parent which is not in the trace. */
  orphans: Int32Array;
}

/** Fetches a trace; the performance entries `trace:…` say how long its reading took. */
export async function getTrace(traceId: string, abort: AbortSignal): Promise<TraceColumns> {
  const answer = await getJson(`/traces/${encodeURIComponent(traceId)}`, abort);
  performance.mark("trace:received");
  const columns = readTraceColumns(answer);
  performance.measure("trace:columns", "trace:received");
  return columns;
}

export function readTraceColumns(answer: unknown): TraceColumns {
  const trace = new Fields(answer, "trace");
  const spans = trace.object("spans");
  const spanIds = spans.list("span_id") as string[];
  const rows = spanIds.length;
  return {
    traceId: trace.text("trace_id"),
    startUnixNano: BigInt(trace.text("start_unix_nano")),
    durationNano: trace.number("duration_nano"),
    services: trace.texts("services"),
    names: trace.texts("names"),
    units: trace.texts("units"),
    rows,
    spanIds,
    parent: new Int32Array(spans.numbers("parent", rows)),
    service: new Uint16Array(spans.numbers("service", rows)),
    name: new Uint32Array(spans.numbers("name", rows)),
    status: new Uint8Array(spans.numbers("status", rows)),
    offsetNano: new Float64Array(spans.numbers("offset_nano", rows)),
    spanDurationNano: new Float64Array(spans.numbers("duration_nano", rows)),
    unit: new Int32Array(spans.numbers("unit", rows)),
    events: new Uint32Array(spans.numbers("events", rows)),
    orphans: new Int32Array(trace.list("orphans") as number[]),
  };
}
