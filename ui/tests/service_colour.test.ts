import { expect, test } from "vitest";
import { SERIES, serviceClass, serviceSlots } from "../src/service_colour";

const names = (count: number) => Array.from({ length: count }, (_, i) => `service-${i}`);

test("a service has the same colour everywhere", () => {
  expect(serviceClass("orders")).toBe(serviceClass("orders"));
  expect(serviceClass("orders")).toBe(`series-${serviceSlots(["orders"])[0]}`);
});

test("services of one trace differ while there are colours left", () => {
  expect(new Set(serviceSlots(names(SERIES))).size).toBe(SERIES);
});

test("more services than colours share them", () => {
  expect(Math.max(...serviceSlots(names(100)))).toBeLessThan(SERIES);
});
