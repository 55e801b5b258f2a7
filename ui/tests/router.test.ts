import { expect, test, vi } from "vitest";

vi.stubGlobal("location", { pathname: "/ui/", search: "" });
const { traceHref, traceIdOf } = await import("../src/router");

test("a trace has an address, and the address its trace", () => {
  expect(traceHref("4bf9")).toBe("/ui/traces/4bf9");
  expect(traceHref("4bf9", "00f0")).toBe("/ui/traces/4bf9?span=00f0");
  expect(traceIdOf("/ui/traces/4bf9")).toBe("4bf9");
  expect(traceIdOf("/ui/traces/%")).toBe("%");
});

test("other pages have none", () => {
  expect(traceIdOf("/ui/")).toBeNull();
  expect(traceIdOf("/ui/services")).toBeNull();
});
