import { afterEach, expect, test, vi } from "vitest";
import { keyOf, takeKeyFromAddress } from "../../src/frame/session";

afterEach(() => vi.unstubAllGlobals());

function visit(address: string) {
  const { pathname, search, hash } = new URL(address);
  const replaceState = vi.fn();
  vi.stubGlobal("location", { pathname, search, hash });
  vi.stubGlobal("history", { replaceState });
  return replaceState;
}

test("the key is taken out of the address", () => {
  const replaceState = visit("http://localhost/ui/traces/ab?span=cd#key=s3cret");
  expect(takeKeyFromAddress()).toBe("s3cret");
  expect(replaceState).toHaveBeenCalledWith(null, "", "/ui/traces/ab?span=cd");
});

test("an address without a key is left alone", () => {
  const replaceState = visit("http://localhost/ui/#top");
  expect(takeKeyFromAddress()).toBeNull();
  expect(replaceState).not.toHaveBeenCalled();
});

test.each([
  ["s3cret", "s3cret"],
  ["  s3cret\n", "s3cret"],
  ["http://localhost:8320/ui/#key=s3cret", "s3cret"],
])("%j pasted gives the key", (pasted, key) => expect(keyOf(pasted)).toBe(key));
