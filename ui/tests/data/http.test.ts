import { afterEach, expect, test, vi } from "vitest";
import { ApiError, explain, getJson, whenUnauthorized } from "../../src/data/http";

const answer = (status: number, body: string) =>
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, { status })));

afterEach(() => vi.unstubAllGlobals());

test("an answer is parsed", async () => {
  answer(200, '{"a":1}');
  expect(await getJson("/x")).toEqual({ a: 1 });
});

test("an error carries the code and message of its body", async () => {
  answer(400, '{"error":{"code":"bad_cursor","message":"The cursor is not valid.","field":"cursor"}}');
  await expect(getJson("/x")).rejects.toEqual(new ApiError(400, "bad_cursor", "The cursor is not valid."));
});

test("an error of something in between is explained by its status", async () => {
  answer(502, "<h1>Bad gateway</h1>");
  await expect(getJson("/x")).rejects.toThrow("The gateway answered 502.");
});

test("a 401 is reported", async () => {
  const listener = vi.fn();
  whenUnauthorized(listener);
  answer(401, "{}");
  await expect(getJson("/x")).rejects.toBeInstanceOf(ApiError);
  expect(listener).toHaveBeenCalledOnce();
});

test("a gateway that does not answer is said to be out of reach", () => {
  expect(explain(new TypeError("Failed to fetch"))).toBe("The gateway cannot be reached.");
});
