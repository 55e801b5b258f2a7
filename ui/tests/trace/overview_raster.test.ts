import { expect, test } from "vitest";
import { EMPTY, ERROR, rasterise } from "../../src/trace/overview_raster";
import { buildTree } from "../../src/trace/trace_tree";
import { type SpanRow, traceOf } from "../traces_fixture";

/** The cells as text: a digit per service, "x" for a failure, "." for nothing. */
function draw(spans: SpanRow[], width: number, height: number): string[] {
  const trace = traceOf(spans);
  const cells = rasterise(trace, buildTree(trace.parent), width, height);
  const text = Array.from(cells, (cell) => (cell === EMPTY ? "." : cell === ERROR ? "x" : String(cell))).join(
    "",
  );
  return Array.from({ length: height }, (_, y) => text.slice(y * width, (y + 1) * width));
}

const SPANS: SpanRow[] = [
  [-1, "a", 0, 100],
  [0, "b", 20, 30],
  [0, "c", 90, 1, true],
];

test("few spans get thick bars", () => {
  expect(draw(SPANS, 10, 6)).toEqual([
    "0000000000",
    "0000000000",
    "..111.....",
    "..111.....",
    ".........x",
    ".........x",
  ]);
});

test("many spans share a line, and a failure is never covered", () => {
  expect(draw(SPANS, 10, 1)).toEqual(["000000000x"]);
});

test("a span too short to see still takes a cell", () => {
  const spans: SpanRow[] = [
    [-1, "a", 0, 1_000_000],
    [0, "b", 1_000_000, 0],
  ];
  expect(draw(spans, 4, 2)).toEqual(["0000", "...1"]);
});
