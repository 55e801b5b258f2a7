import { expect, test } from "vitest";
import { nextMatch, searchSpans } from "../../src/trace/trace_search";
import { buildTree } from "../../src/trace/trace_tree";
import { traceOf } from "../traces_fixture";

const trace = traceOf([
  [-1, "web", 0, 100],
  [0, "Cache", 10, 5],
  [0, "db", 20, 30],
  [2, "cache", 25, 5],
]);
const tree = buildTree(trace.parent);

test("a search compares name and service, whatever the case", () => {
  expect([...searchSpans(trace, tree, "CACHE")]).toEqual([1, 3]);
  expect([...searchSpans(trace, tree, "web 0")]).toEqual([0]);
  expect([...searchSpans(trace, tree, "  ")]).toEqual([]);
});

test("next and previous go round", () => {
  const matches = Int32Array.from([2, 5, 9]);
  expect([-1, 2, 3, 9].map((at) => nextMatch(matches, at, 1))).toEqual([2, 5, 5, 2]);
  expect([-1, 2, 3, 9].map((at) => nextMatch(matches, at, -1))).toEqual([9, 9, 2, 5]);
  expect(nextMatch(new Int32Array(0), 3, 1)).toBe(-1);
});
