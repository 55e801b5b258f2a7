import { describe, expect, test } from "vitest";
import {
  formatDuration,
  formatInstant,
  formatLocal,
  formatShare,
  formatTick,
  formatValue,
  plural,
} from "../src/format";

describe("formatDuration", () => {
  test.each([
    [0, "0 ns"],
    [850, "850 ns"],
    [999.4, "999 ns"],
    [999.6, "1.00 µs"],
    [12_345, "12.3 µs"],
    [999_600, "1.00 ms"],
    [9_994_000, "9.99 ms"],
    [9_996_000, "10.0 ms"],
    [123_456_789, "123 ms"],
    [999_600_000, "1.00 s"],
    [59_400_000_000, "59.4 s"],
    [59_600_000_000, "1 m 00 s"],
    [123_000_000_000, "2 m 03 s"],
    [3_720_000_000_000, "1 h 02 m"],
    [273_600_000_000_000, "3 d 04 h"],
    [-1_500_000, "−1.50 ms"],
  ])("%d ns is %s", (nano, text) => expect(formatDuration(nano)).toBe(text));

  test("never shows a four digit figure below a minute", () => {
    for (let nano = 1; nano < 59e9; nano *= 1.0137) {
      const figure = formatDuration(nano).split(" ")[0];
      expect(Number(figure), `${nano}`).toBeLessThan(1000);
    }
  });
});

test.each([
  [0, "0"],
  [500_000_000, "500 ms"],
  [1_500_000_000, "1.5 s"],
  [2_400_020_000, "2.40002 s"],
  [20, "20 ns"],
  [120_000_000_000, "2 m 00 s"],
])("the tick at %d ns is labelled %s", (nano, text) => expect(formatTick(nano)).toBe(text));

test.each([
  [1, 3, "33%"],
  [1, 1, "100%"],
  [1, 30, "3.3%"],
  [9_960, 100_000, "10%"],
  [1, 100_000, "<0.1%"],
  [0, 5, "0.0%"],
  [5, 0, ""],
])("%d of %d is %s", (part, whole, text) => expect(formatShare(part, whole)).toBe(text));

test("an instant keeps all nine digits", () => {
  expect(formatInstant(1_700_000_000_000_000_001n)).toBe("2023-11-14T22:13:20.000000001Z");
  expect(formatInstant(18_446_744_073_709_551_615n)).toBe("2554-07-21T23:34:33.709551615Z");
});

test("the local time leaves the date out only when it is today", () => {
  const now = new Date(2026, 5, 15, 12, 0, 0);
  const nano = (date: Date) => BigInt(date.getTime()) * 1_000_000n;
  expect(formatLocal(nano(new Date(2026, 5, 15, 9, 8, 7, 65)), now)).toBe("09:08:07.065");
  expect(formatLocal(nano(new Date(2026, 5, 14, 9, 8, 7)), now)).toBe("14 Jun 09:08:07.000");
  expect(formatLocal(nano(new Date(2025, 5, 15, 9, 8, 7)), now)).toBe("15 Jun 2025 09:08:07.000");
});

test("strings are shown as they are and other values as JSON", () => {
  expect(formatValue("<b>1</b>")).toBe("<b>1</b>");
  expect(formatValue([1, true, null])).toBe("[1,true,null]");
  expect(formatValue({ bytes: "AAE=" })).toBe('{"bytes":"AAE="}');
});

test("one is not plural", () => {
  expect(plural(1, "span")).toBe("1 span");
  expect(plural(1_200, "span")).toBe("1,200 spans");
  expect(plural(2, "span names", "spans name")).toBe("2 spans name");
});
