import { expect, test } from "vitest";
import { selfTimeNano } from "../../src/trace/self_time";
import { buildTree } from "../../src/trace/trace_tree";
import { type SpanRow, traceOf } from "../traces_fixture";

const selfTime = (...children: [offset: number, duration: number][]): number => {
  const spans: SpanRow[] = [[-1, "a", 100, 100], ...children.map(([o, d]): SpanRow => [0, "b", o, d])];
  const trace = traceOf(spans);
  return selfTimeNano(trace, buildTree(trace.parent), 0);
};

test("a span without children is all self", () => expect(selfTime()).toBe(100));
test("children that overlap count once", () => expect(selfTime([110, 20], [120, 20])).toBe(70));
test("a child inside another counts nothing", () => expect(selfTime([110, 50], [120, 10])).toBe(50));
test("a child that outlives its parent counts up to its end", () => expect(selfTime([190, 500])).toBe(90));
test("a child before its parent counts nothing", () => expect(selfTime([10, 50])).toBe(100));
