import { describe, expect, test } from "vitest";
import { rowWindow, SPACER_MAX_PX, scrollToShow, spacerHeight } from "../src/row_window";

const ROW = 26;
const VIEW = 700;

describe("a list that fits the spacer", () => {
  test("shows the rows that the view covers, parts included", () => {
    expect(rowWindow(1_000, ROW, VIEW, 0)).toEqual({ first: 0, end: 27, shiftPx: 0 });
    expect(rowWindow(1_000, ROW, VIEW, 40)).toEqual({ first: 1, end: 29, shiftPx: -14 });
  });

  test("ends with its last row", () => {
    const { end } = rowWindow(1_000, ROW, VIEW, 1_000 * ROW - VIEW);
    expect(end).toBe(1_000);
  });

  test("shows all rows when they are few, however far it was scrolled before", () => {
    expect(rowWindow(3, ROW, VIEW, 5_000)).toEqual({ first: 0, end: 3, shiftPx: 0 });
  });
});

describe("a list that is longer than browsers can scroll", () => {
  const rows = 2_000_000;
  const scrollMax = spacerHeight(rows, ROW) - VIEW;

  test("has a spacer of the longest height", () => expect(spacerHeight(rows, ROW)).toBe(SPACER_MAX_PX));

  test("reaches the first and the last row", () => {
    expect(rowWindow(rows, ROW, VIEW, 0).first).toBe(0);
    expect(rowWindow(rows, ROW, VIEW, scrollMax).end).toBe(rows);
  });

  test("can bring any row into view", () => {
    for (const row of [0, 1, 12_345, 999_999, 1_999_999]) {
      const scrollPx = scrollToShow(row, rows, ROW, VIEW, 7_000_000);
      const { first, end } = rowWindow(rows, ROW, VIEW, scrollPx);
      expect(row).toBeGreaterThanOrEqual(first);
      expect(row).toBeLessThan(end);
    }
  });
});

describe("scrollToShow", () => {
  test("does not move when the row is in view", () =>
    expect(scrollToShow(30, 1_000, ROW, VIEW, 520)).toBe(520));
  test("moves by one row at the edge", () => expect(scrollToShow(27, 1_000, ROW, VIEW, 26)).toBe(28));
  test("puts the row in the middle after a far jump", () => {
    expect(scrollToShow(500, 1_000, ROW, VIEW, 0)).toBe(500 * ROW - (VIEW - ROW) / 2);
  });
});
