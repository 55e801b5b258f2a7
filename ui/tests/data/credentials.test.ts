import { afterEach, expect, test, vi } from "vitest";
import { stateOf } from "../../src/credentials/credentials_page";
import { type Credential, getCredentials, postCredential, readIssued } from "../../src/data/credentials";

afterEach(() => vi.unstubAllGlobals());

const answered = {
  id: "abc",
  kind: "oauth2",
  name: "exporter",
  tenant: "acme",
  datasets: [],
  permissions: ["write:traces"],
  created_s: 1,
  expires_s: null,
  revoked_s: null,
  last_used_s: 2,
  live_secrets: 1,
  refreshable: false,
};

test("a list of credentials is read", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify({ data: [answered] }))));
  const [credential] = await getCredentials();
  expect(credential).toMatchObject({ id: "abc", lastUsedS: 2, expiresS: null });
});

test("a change says that it comes from our own page", async () => {
  const fetched = vi.fn(() => Promise.resolve(new Response(JSON.stringify({ ...answered, api_key: "k" }))));
  vi.stubGlobal("fetch", fetched);
  const wanted = { name: "n", kind: "api_key", permissions: ["read:logs"], datasets: [] } as const;
  expect(await postCredential({ ...wanted, permissions: ["read:logs"], datasets: [] })).toEqual([
    ["api_key", "k"],
  ]);
  const [path, init] = fetched.mock.calls[0] as unknown as [string, RequestInit];
  expect(path).toBe("/api/v1/credentials");
  expect(new Headers(init.headers).get("x-tollspan-page")).toBe("1");
});

test("what its owner is told is shown under the names of the settings", () => {
  expect(readIssued({ client_id: "a", client_secret: "b" })).toEqual([
    ["client_id", "a"],
    ["client_secret", "b"],
  ]);
});

test.each([
  [{}, "live"],
  [{ expiresS: 10 }, "expired"],
  [{ expiresS: 11 }, "live"],
  [{ revokedS: 1, expiresS: 5 }, "revoked"],
])("a credential with %j is %s", (changes, state) => {
  const credential = { expiresS: null, revokedS: null, ...changes } as Credential;
  expect(stateOf(credential, 10)).toBe(state);
});
