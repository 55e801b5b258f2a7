import { describe, expect, test } from "vitest";
import type { TracePage, TraceSummary } from "../../src/data/trace_summaries";
import { firstPage, heldCount, newestPage, olderPage, releaseHeld } from "../../src/traces/trace_list";

const trace = (start: number, spans = 1): TraceSummary => ({
  traceId: `t${start}`,
  rootName: "GET /",
  rootService: "web",
  startUnixNano: BigInt(start),
  durationNano: 1,
  spans,
  errors: 0,
  services: ["web"],
  unit: null,
  parentUnit: null,
  costs: [],
});
const page = (starts: number[], nextCursor: string | null = "more"): TracePage => ({
  traces: starts.map((start) => trace(start)),
  nextCursor,
});
const starts = (list: { rows: TraceSummary[] }) => list.rows.map((row) => Number(row.startUnixNano));

const list = firstPage(page([5, 4, 3]));

test("an older page goes below, without what is known already", () => {
  const longer = olderPage(list, page([3, 2, 1], null));
  expect(starts(longer)).toEqual([5, 4, 3, 2, 1]);
  expect(longer.cursor).toBeNull();
});

describe("a newer page", () => {
  test("enters on top", () => {
    const newer = newestPage(list, page([7, 6, 5]), false);
    expect(starts(newer)).toEqual([7, 6, 5, 4, 3]);
    expect(newer.cursor).toBe("more");
  });

  test("brings known traces up to date in place, held back or not", () => {
    for (const hold of [true, false]) {
      const newer = newestPage(list, { traces: [trace(5, 9), trace(4)], nextCursor: "more" }, hold);
      expect(newer.rows.map((row) => row.spans)).toEqual([9, 1, 1]);
    }
  });

  test("keeps the order of the gateway, which may put a trace with new spans first", () => {
    expect(starts(newestPage(list, page([3, 6, 5]), false))).toEqual([3, 6, 5, 4]);
  });

  test("with nothing in common replaces the list, so that no gap is hidden", () => {
    const newer = newestPage(list, page([90, 80], "at 80"), false);
    expect(starts(newer)).toEqual([90, 80]);
    expect(newer.cursor).toBe("at 80");
  });

  test("to an empty list is simply there", () => {
    expect(starts(newestPage(firstPage(page([], null)), page([1], null), false))).toEqual([1]);
  });
});

describe("held back", () => {
  const held = newestPage(list, page([7, 6, 5]), true);

  test("new traces are counted and change nothing", () => {
    expect(starts(held)).toEqual([5, 4, 3]);
    expect(heldCount(held)).toEqual({ count: 2, more: false });
    expect(heldCount(newestPage(list, page([90, 80]), true))).toEqual({ count: 2, more: true });
  });

  test("they enter when released", () => {
    expect(starts(releaseHeld(held))).toEqual([7, 6, 5, 4, 3]);
    expect(heldCount(releaseHeld(held)).count).toBe(0);
  });
});
