import { hex, pick, type Random, seeded } from "./random.ts";

/** What a hostile sender may put into any name or value: it must show up as text. */
export const HOSTILE = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;

const CALLS: Record<string, [service: string, name: string][]> = {
  web: [
    ["web", "validate session"],
    ["catalog", "GET /products/{id}"],
    ["orders", "POST /orders"],
    ["web", "render page"],
  ],
  orders: [
    ["orders", "SELECT orders"],
    ["payments", "POST /charges"],
    ["inventory", "reserve stock"],
    ["orders", "INSERT order_lines"],
    ["queue", "orders.created publish"],
  ],
  payments: [
    ["payments", "authorise card"],
    ["payments", "UPDATE ledger"],
    ["fraud", "score transaction"],
  ],
  catalog: [
    ["catalog", "SELECT products"],
    ["cache", "GET product:{id}"],
  ],
  inventory: [
    ["inventory", "SELECT stock"],
    ["inventory", "UPDATE stock"],
  ],
  fraud: [["fraud", "load model features"]],
  queue: [["worker", "orders.created process"]],
  worker: [
    ["worker", "send confirmation"],
    ["worker", "UPDATE orders"],
  ],
  cache: [["cache", "lookup"]],
};

export interface SyntheticTrace {
  traceId: string;
  startMs: number;
  services: string[];
  names: string[];
  units: string[];
  spans: SyntheticSpan[];
}

export interface SyntheticSpan {
  spanId: string;
  parent: number;
  service: number;
  name: number;
  kind: number;
  status: number;
  offset: number;
  duration: number;
  unit: number;
  events: number;
}

export interface Shape {
  traceId: string;
  startMs: number;
  size: number;
  /** Length of the root span. */
  durationNano: number;
  errorRate: number;
  unit: string | null;
  rootName?: string;
  /** Every span under the one before it, instead of a bushy tree. */
  chain?: boolean;
}

/** Grows a trace breadth first: each span gets a few calls of its service inside its own time. */
export function growTrace(shape: Shape): SyntheticTrace {
  const random = seeded(Number.parseInt(shape.traceId.slice(0, 8), 16));
  const services: string[] = [];
  const names: string[] = [];
  const indexIn = (list: string[], value: string) => {
    const known = list.indexOf(value);
    return known >= 0 ? known : list.push(value) - 1;
  };
  const makeSpan = (service: string, name: string, parent: number, offset: number, duration: number) => ({
    spanId: hex(random, 16),
    parent,
    service: indexIn(services, service),
    name: indexIn(names, name),
    kind: parent < 0 ? 2 : 1 + Math.floor(random() * 3),
    status: random() < shape.errorRate ? 2 : 0,
    offset: Math.round(offset),
    duration: Math.max(900, Math.round(duration)),
    unit: shape.unit === null ? -1 : 0,
    events: random() < 0.08 ? 2 : 0,
  });
  const spans = [makeSpan("web", shape.rootName ?? "POST /checkout", -1, 0, shape.durationNano)];
  for (let at = 0; spans.length < shape.size; at++) {
    const above = spans[at];
    const calls = CALLS[services[above.service]] ?? CALLS.web;
    const fan = shape.chain ? 1 : fanOut(random, shape.size);
    let offset = above.offset + above.duration * 0.04 * random();
    for (let i = 0; i < fan && spans.length < shape.size; i++) {
      const [service, name] =
        shape.chain || fan <= calls.length ? calls[i % calls.length] : pick(random, calls);
      const length = shape.chain ? above.duration * 0.985 : (above.duration * (0.4 + random())) / fan;
      spans.push(makeSpan(service, name, at, offset, length));
      offset += length * (random() < 0.3 ? 0.3 : 1);
    }
  }
  return { ...shape, services, names, units: shape.unit === null ? [] : [shape.unit], spans: byStart(spans) };
}

const fanOut = (random: Random, size: number): number =>
  size > 5_000 ? 2 + Math.floor(random() * 9) : 1 + Math.floor(random() * 4);

/** Orders spans by start and renumbers their parents. */
function byStart(spans: SyntheticSpan[]): SyntheticSpan[] {
  const order = spans.map((_, i) => i).sort((a, b) => spans[a].offset - spans[b].offset || a - b);
  const rowOf = new Int32Array(spans.length);
  order.forEach((old, row) => {
    rowOf[old] = row;
  });
  return order.map((old) => ({
    ...spans[old],
    parent: spans[old].parent < 0 ? -1 : rowOf[spans[old].parent],
  }));
}
