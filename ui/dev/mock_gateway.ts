/**
 * A MOCK of the gateway's own HTTP API for work on the pages: synthetic data, nothing is stored.
 * `npm run dev` and `npm run preview` serve it unless TOLLSPAN_GATEWAY names a real gateway.
 * Sign in with the key "mock": <page address>/ui/#key=mock. TOLLSPAN_MOCK_EMPTY=1 starts without traces.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";
import { MockStore } from "./mock_store.ts";
import { liveSpansOf } from "./synthetic_answers.ts";

const COOKIE = "tollspan_session=mock";

/** The policy that the gateway sends. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; " +
  "require-trusted-types-for 'script'";

export function mockGateway(): Plugin {
  return {
    name: "mock-gateway",
    configureServer: (server) => {
      server.middlewares.use(mockApi());
    },
    configurePreviewServer: (server) => {
      server.middlewares.use((_request, response, next) => {
        response.setHeader("content-security-policy", CONTENT_SECURITY_POLICY);
        next();
      });
      server.middlewares.use(mockApi());
    },
  };
}

function mockApi(): Connect.NextHandleFunction {
  const store = new MockStore(Date.now());
  const empty = process.env.TOLLSPAN_MOCK_EMPTY === "1";
  return (request, response, next) => {
    const url = new URL(request.url ?? "/", "http://mock");
    if (!url.pathname.startsWith("/api/v1/")) return next();
    const path = url.pathname.slice("/api/v1".length);
    if (path === "/session" && request.method === "POST") return void postSession(request, response);
    if (path === "/session" && request.method === "DELETE")
      return noContent(response, "tollspan_session=; Max-Age=0; Path=/");
    if (!request.headers.cookie?.includes(COOKIE))
      return fail(response, 401, "unauthorized", "Sign in first.");
    if (path === "/live") return live(store, request, response);
    const answer =
      empty && path === "/traces" ? { data: [], next_cursor: null } : read(store, path, url.searchParams);
    if (answer === undefined) return fail(response, 404, "not_found", "There is no such trace or span.");
    return send(response, 200, answer);
  };
}

function read(store: MockStore, path: string, query: URLSearchParams): unknown {
  const [, kind, traceId, , spanId] = path.split("/");
  if (path === "/session") return { tenant: "default", permissions: ["read:traces"], datasets: ["default"] };
  if (path === "/status") return status(store);
  if (path === "/services") return store.services(query);
  if (path === "/traces") return store.find(query);
  if (kind !== "traces") return undefined;
  return spanId ? store.detail(traceId, spanId) : store.columns(traceId);
}

function status(store: MockStore) {
  const idle = { received: 0, stored: 0, rejected: {} };
  const traces = {
    received: store.received,
    stored: store.received - 3,
    rejected: { invalid_id: 2, too_large: 1 },
  };
  return { traces, metrics: idle, logs: idle };
}

/** Server-sent events: a new trace every second and a half or so. */
function live(store: MockStore, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": mock\n\n");
  const timer = setInterval(() => {
    const trace = store.arrive(Date.now());
    response.write(`event: spans\ndata: ${JSON.stringify({ spans: liveSpansOf(trace), dropped: 0 })}\n\n`);
  }, 1_500);
  request.on("close", () => clearInterval(timer));
}

async function postSession(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const { key } = JSON.parse(body) as { key?: unknown };
  if (key !== "mock") return fail(response, 401, "unauthorized", "This sign-in key is not valid.");
  noContent(response, `${COOKIE}; HttpOnly; SameSite=Strict; Path=/`);
}

function noContent(response: ServerResponse, cookie: string): void {
  response.writeHead(204, { "set-cookie": cookie }).end();
}

function fail(response: ServerResponse, code: number, name: string, message: string): void {
  send(response, code, { error: { code: name, message } });
}

function send(response: ServerResponse, code: number, answer: unknown): void {
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(answer));
}
