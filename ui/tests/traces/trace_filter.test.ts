import { describe, expect, test } from "vitest";
import {
  filterFromQuery,
  filterToLiveQuery,
  filterToQuery,
  filterToRequest,
  isNarrowed,
} from "../../src/traces/trace_filter";

const NOW = Date.parse("2026-01-02T03:04:05Z");

describe("a filter and its address", () => {
  test.each([
    "",
    "?range=15m",
    "?service=web&unit=customer-1&name=GET+%2F&errors=true&min_duration_ms=12.5&range=24h",
    "?start=2026-01-01T00%3A00%3A00Z&end=2026-01-02T00%3A00%3A00Z",
    "?end=2026-01-02T00%3A00%3A00Z",
    "?range=fixed",
  ])("%s survives a round trip", (query) => expect(filterToQuery(filterFromQuery(query))).toBe(query));

  test.each([
    "?range=1h",
    "?range=9d",
    "?range=toString",
    "?errors=false",
    "?min_duration_ms=abc",
    "?min_duration_ms=-1",
  ])("%s is the default", (query) => expect(filterToQuery(filterFromQuery(query))).toBe(""));

  test("an instant that is none is left out", () => {
    expect(filterFromQuery("?start=yesterday").range).toEqual({ kind: "fixed", start: "", end: "" });
  });
});

describe("the request for a filter", () => {
  const request = (query: string) => filterToRequest(filterFromQuery(query), NOW).toString();

  test("counts a relative range back from now", () => {
    expect(request("?range=15m&service=web")).toBe(`service=web&start=${NOW / 1_000 - 900}`);
  });

  test("passes fixed instants on", () => {
    expect(request("?end=2026-01-02T00:00:00Z")).toBe("end=2026-01-02T00%3A00%3A00Z");
  });
});

test("the live stream is narrowed by service and unit only", () => {
  expect(filterToLiveQuery(filterFromQuery("?service=web&unit=u&name=x&errors=true"))).toBe(
    "?service=web&unit=u",
  );
  expect(filterToLiveQuery(filterFromQuery("?name=x"))).toBe("");
});

test("the time range alone does not narrow", () => {
  expect(isNarrowed(filterFromQuery("?range=15m"))).toBe(false);
  expect(isNarrowed(filterFromQuery("?errors=true"))).toBe(true);
});
