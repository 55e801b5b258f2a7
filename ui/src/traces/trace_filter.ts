/** Relative ranges, with their length in seconds. */
export const LAST = { "15m": 900, "1h": 3_600, "24h": 86_400 } as const;

export type Last = keyof typeof LAST;
export const LAST_DEFAULT: Last = "1h";

/** Either the time up to now, or fixed instants (RFC 3339; an empty one leaves that side open). */
export type TimeRange = { kind: "last"; last: Last } | { kind: "fixed"; start: string; end: string };

/** What the trace list shows. An empty string or false leaves a condition out. */
export interface TraceFilter {
  service: string;
  unit: string;
  name: string;
  errors: boolean;
  minDurationMs: string;
  range: TimeRange;
}

/** Reads the filter out of the page's address, so that a link shows the same list to everyone. */
export function filterFromQuery(query: string): TraceFilter {
  const params = new URLSearchParams(query);
  const text = (name: string) => params.get(name) ?? "";
  return {
    service: text("service"),
    unit: text("unit"),
    name: text("name"),
    errors: text("errors") === "true",
    minDurationMs: Number(text("min_duration_ms")) > 0 ? text("min_duration_ms") : "",
    range: rangeFrom(text("range"), text("start"), text("end")),
  };
}

function rangeFrom(last: string, start: string, end: string): TimeRange {
  if (start !== "" || end !== "" || last === "fixed")
    return { kind: "fixed", start: instant(start), end: instant(end) };
  return { kind: "last", last: Object.hasOwn(LAST, last) ? (last as Last) : LAST_DEFAULT };
}

const instant = (text: string): string => (Number.isNaN(Date.parse(text)) ? "" : text);

/** The query of the page's address for a filter: `""`, or `?` and the conditions that are set. */
export function filterToQuery(filter: TraceFilter): string {
  const params = conditions(filter);
  const { range } = filter;
  if (range.kind === "last" && range.last !== LAST_DEFAULT) params.set("range", range.last);
  if (range.kind === "fixed") {
    if (range.start) params.set("start", range.start);
    if (range.end) params.set("end", range.end);
    if (!range.start && !range.end) params.set("range", "fixed");
  }
  return params.size > 0 ? `?${params}` : "";
}

/** The query of `GET /api/v1/traces` for a filter at the time `nowMs`. */
export function filterToRequest(filter: TraceFilter, nowMs: number): URLSearchParams {
  const params = conditions(filter);
  const { range } = filter;
  if (range.kind === "last") params.set("start", String(Math.floor(nowMs / 1_000) - LAST[range.last]));
  if (range.kind === "fixed" && range.start) params.set("start", range.start);
  if (range.kind === "fixed" && range.end) params.set("end", range.end);
  return params;
}

function conditions(filter: TraceFilter): URLSearchParams {
  const params = new URLSearchParams();
  for (const name of ["service", "unit", "name"] as const) if (filter[name]) params.set(name, filter[name]);
  if (filter.errors) params.set("errors", "true");
  if (filter.minDurationMs) params.set("min_duration_ms", filter.minDurationMs);
  return params;
}

/** The query of `GET /api/v1/live`: the stream knows service and unit only. */
export function filterToLiveQuery({ service, unit }: TraceFilter): string {
  const params = new URLSearchParams();
  if (service) params.set("service", service);
  if (unit) params.set("unit", unit);
  return params.size > 0 ? `?${params}` : "";
}

/** True when the filter leaves traces out for another reason than their time. */
export const isNarrowed = (filter: TraceFilter): boolean => conditions(filter).size > 0;
