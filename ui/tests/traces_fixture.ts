import type { TraceColumns } from "../src/data/trace_columns";

/** A span as [parent row, service, start, duration], in rows ordered by start. */
export type SpanRow = [parent: number, service: string, offset: number, duration: number, failed?: boolean];

/** A trace whose spans are named "<service> <row>". */
export function traceOf(spans: SpanRow[], orphans: number[] = []): TraceColumns {
  const services = [...new Set(spans.map(([, service]) => service))];
  return {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    startUnixNano: 1_700_000_000_000_000_000n,
    durationNano: Math.max(...spans.map(([, , offset, duration]) => offset + duration)),
    services,
    names: spans.map(([, service], row) => `${service} ${row}`),
    units: [],
    rows: spans.length,
    spanIds: spans.map((_, row) => row.toString(16).padStart(16, "0")),
    parent: Int32Array.from(spans, ([parent]) => parent),
    service: Uint16Array.from(spans, ([, service]) => services.indexOf(service)),
    name: Uint32Array.from(spans, (_, row) => row),
    status: Uint8Array.from(spans, ([, , , , failed]) => (failed ? 2 : 0)),
    offsetNano: Float64Array.from(spans, ([, , offset]) => offset),
    spanDurationNano: Float64Array.from(spans, ([, , , duration]) => duration),
    unit: new Int32Array(spans.length).fill(-1),
    events: new Uint32Array(spans.length),
    orphans: Int32Array.from(orphans),
  };
}
