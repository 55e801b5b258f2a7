import { hex, pick, seeded } from "./random.ts";
import { columnsOf, detailOf, summaryOf } from "./synthetic_answers.ts";
import { growTrace, HOSTILE, type Shape, type SyntheticTrace } from "./synthetic_trace.ts";

const ROUTES = ["POST /checkout", "GET /products/{id}", "GET /", "POST /cart/items", "GET /orders/{id}"];
const UNITS = ["customer-acme", "customer-globex", "customer-initech", "customer-umbrella", null];
const PINNED: [traceId: string, size: number, rootName: string, more?: Partial<Shape>][] = [
  ["00000000ffffffffffffffffffffffff", 120, "POST /checkout (card declined)", { errorRate: 0.06 }],
  ["11111111aaaaaaaaaaaaaaaaaaaaaaaa", 100_000, "nightly re-index (100k spans)"],
  ["22222222bbbbbbbbbbbbbbbbbbbbbbbb", 40, HOSTILE, { unit: HOSTILE }],
  ["33333333cccccccccccccccccccccccc", 400, "recursive resolve (400 deep)", { chain: true }],
  ["44444444dddddddddddddddddddddddd", 60, "POST /checkout (parents missing)"],
];
const ONE_MILLION = "55555555eeeeeeeeeeeeeeeeeeeeeeee";
const PARENTS_MISSING = PINNED[4][0];

/** Traces of an imaginary shop: two days of history, and a new one whenever `arrive` is called. */
export class MockStore {
  readonly #random = seeded(7);
  readonly #traces = new Map<string, SyntheticTrace>();
  received = 0;

  constructor(now: number) {
    for (let i = 0; i < 400; i++) this.#add(this.#shape(now - i * i * 1_000 - 20_000));
    PINNED.forEach(([traceId, size, rootName, more], i) => {
      const shape = {
        ...this.#shape(now - 4_000 * (i + 1)),
        traceId,
        size,
        rootName,
        errorRate: 0.01,
        ...more,
      };
      this.#add({ ...shape, durationNano: 2.4e9 });
    });
  }

  arrive(now: number): SyntheticTrace {
    return this.#add(this.#shape(now));
  }

  find(query: URLSearchParams) {
    const limit = Number(query.get("limit") ?? 50);
    const before = Number(query.get("cursor") ?? Number.MAX_SAFE_INTEGER);
    const matching = this.#matching(query).filter((trace) => trace.startMs < before);
    const page = matching.slice(0, limit);
    return {
      data: page.map(summaryOf),
      next_cursor: matching.length > limit ? String(page[page.length - 1].startMs) : null,
    };
  }

  services(query: URLSearchParams) {
    const counts = new Map<string, { name: string; spans: number; errors: number }>();
    for (const trace of this.#matching(query)) {
      for (const span of trace.spans) {
        const name = trace.services[span.service];
        const count = counts.get(name) ?? { name, spans: 0, errors: 0 };
        counts.set(name, count);
        count.spans += 1;
        count.errors += span.status === 2 ? 1 : 0;
      }
    }
    return { data: [...counts.values()].sort((a, b) => b.spans - a.spans) };
  }

  columns(traceId: string) {
    const trace = this.#get(traceId);
    return trace && columnsOf(trace, traceId === PARENTS_MISSING ? [9, 20] : []);
  }

  detail(traceId: string, spanId: string) {
    const trace = this.#get(traceId);
    const row = trace?.spans.findIndex((span) => span.spanId === spanId) ?? -1;
    return trace && row >= 0 ? detailOf(trace, row, PINNED[1][0]) : undefined;
  }

  /** The million-span trace is grown when it is asked for: it takes a few seconds. */
  #get(traceId: string): SyntheticTrace | undefined {
    if (traceId === ONE_MILLION && !this.#traces.has(traceId)) {
      const shape = { ...this.#shape(Date.now() - 60_000), traceId, size: 1_000_000, errorRate: 0.001 };
      this.#add({ ...shape, durationNano: 60e9, rootName: "data migration (1M spans)" });
    }
    return this.#traces.get(traceId);
  }

  #matching(query: URLSearchParams): SyntheticTrace[] {
    const text = (name: string) => query.get(name);
    const start = Number(text("start") ?? 0) * 1_000;
    const end = Number(text("end") ?? Number.MAX_SAFE_INTEGER) * 1_000;
    return [...this.#traces.values()]
      .filter((trace) => {
        const summary = summaryOf(trace);
        if (trace.startMs < start || trace.startMs > end) return false;
        if (text("service") && !trace.services.includes(text("service") ?? "")) return false;
        if (text("unit") && summary.unit !== text("unit")) return false;
        if (text("errors") === "true" && summary.errors === 0) return false;
        if (summary.duration_nano < Number(text("min_duration_ms") ?? 0) * 1e6) return false;
        return !text("name") || trace.names.includes(text("name") ?? "");
      })
      .sort((a, b) => b.startMs - a.startMs);
  }

  #shape(startMs: number): Shape {
    const random = this.#random;
    return {
      traceId: hex(random, 32),
      startMs,
      size: 3 + Math.floor(random() ** 3 * 120),
      durationNano: 10 ** (6.2 + random() * 3),
      errorRate: random() < 0.12 ? 0.15 : 0,
      unit: pick(random, UNITS),
      rootName: pick(random, ROUTES),
    };
  }

  #add(shape: Shape): SyntheticTrace {
    const trace = growTrace(shape);
    this.#traces.set(trace.traceId, trace);
    this.received += trace.spans.length;
    return trace;
  }
}
