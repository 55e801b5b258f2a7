import { describe, expect, test } from "vitest";
import { clampWindow, panWindow, ticks, WINDOW_MIN_NANO, zoomWindow } from "../../src/trace/time_window";

const TOTAL = 1_000_000;

describe("clampWindow", () => {
  test("keeps a window inside the trace", () => {
    expect(clampWindow({ from: -50, to: 500_000 }, TOTAL)).toEqual({ from: 0, to: 500_050 });
    expect(clampWindow({ from: 900_000, to: 1_200_000 }, TOTAL)).toEqual({ from: 700_000, to: TOTAL });
  });

  test("never gets shorter than can be told apart", () => {
    expect(clampWindow({ from: 10, to: 10 }, TOTAL)).toEqual({ from: 10, to: 10 + WINDOW_MIN_NANO });
  });

  test("shows a trace of no length", () => {
    expect(clampWindow({ from: 0, to: 0 }, 0)).toEqual({ from: 0, to: WINDOW_MIN_NANO });
  });
});

test("a zoom leaves the instant under the pointer where it is", () => {
  const timeWindow = zoomWindow({ from: 0, to: TOTAL }, 0.5, 250_000, TOTAL);
  expect(timeWindow).toEqual({ from: 125_000, to: 625_000 });
});

test("a pan stops at the end of the trace", () => {
  expect(panWindow({ from: 0, to: 400_000 }, 0.5, TOTAL)).toEqual({ from: 200_000, to: 600_000 });
  expect(panWindow({ from: 500_000, to: 900_000 }, 1, TOTAL)).toEqual({ from: 600_000, to: TOTAL });
});

describe("ticks", () => {
  test("are round and cover the window", () => {
    expect(ticks({ from: 0, to: 1_000 }, 5)).toEqual([0, 200, 400, 600, 800, 1_000]);
    expect(ticks({ from: 130, to: 190 }, 4)).toEqual([140, 160, 180]);
  });

  test("stay few and ordered for any window", () => {
    for (let length = WINDOW_MIN_NANO; length < 1e15; length *= 3.7) {
      const found = ticks({ from: length / 3, to: length / 3 + length }, 7);
      expect(found.length).toBeGreaterThan(1);
      expect(found.length).toBeLessThanOrEqual(8);
      expect(found).toEqual([...found].sort((a, b) => a - b));
    }
  });
});
