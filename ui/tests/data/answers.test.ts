import { describe, expect, test } from "vitest";
import { columnsOf, detailOf } from "../../dev/synthetic_answers";
import { growTrace, HOSTILE } from "../../dev/synthetic_trace";
import { ShapeError } from "../../src/data/fields";
import { readSpanDetail } from "../../src/data/span_detail";
import { readTraceColumns } from "../../src/data/trace_columns";

const synthetic = growTrace({
  traceId: "0af7651916cd43dd8448eb211c80319c",
  startMs: 1_700_000_000_000,
  size: 50,
  durationNano: 1e9,
  errorRate: 0.5,
  unit: HOSTILE,
});
const columns = () => columnsOf(synthetic, [7]);

describe("a span", () => {
  test("with keys that reach a prototype elsewhere has them as keys", () => {
    const text =
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"prototype":1}';
    const { attributes } = readSpanDetail({
      ...detailOf(synthetic, 0, "0".repeat(32)),
      attributes: JSON.parse(text),
    });
    expect(attributes.map(([key]) => key)).toEqual(["__proto__", "constructor", "prototype"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("a trace", () => {
  test("is read into columns of one length", () => {
    const trace = readTraceColumns(columns());
    expect(trace.rows).toBe(50);
    expect(trace.startUnixNano).toBe(1_700_000_000_000_000_000n);
    expect([...trace.orphans]).toEqual([7]);
    expect(trace.parent[7]).toBe(-1);
    expect(trace.units).toEqual([HOSTILE]);
  });

  test("with a column of another length is refused by name", () => {
    const answer = columns();
    answer.spans.status.pop();
    expect(() => readTraceColumns(answer)).toThrow(
      new ShapeError("trace.spans.status is not a column of 50 numbers"),
    );
  });

  test("that is no object is refused", () => {
    expect(() => readTraceColumns([])).toThrow(ShapeError);
    expect(() => readTraceColumns({})).toThrow("trace.spans is not an object");
  });
});

describe("a span", () => {
  test("is read with its attributes ordered by key", () => {
    const span = readSpanDetail(detailOf(synthetic, 0, "0".repeat(32)));
    const keys = span.attributes.map(([key]) => key);
    expect(keys).toEqual([...keys].sort());
    expect(Object.fromEntries(span.attributes)["user.name"]).toBe(HOSTILE);
    expect(span.parentSpanId).toBeNull();
    expect(span.links).toHaveLength(1);
  });

  test("with a field of another type is refused by name", () => {
    const answer = { ...detailOf(synthetic, 0, ""), kind: "server" };
    expect(() => readSpanDetail(answer)).toThrow("span.kind is not a number");
  });
});
