/** A refusal of the gateway, with the code and message of its error body. */
export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

let onUnauthorized: () => void = () => {};

/** Names the one function that is told about every 401. */
export function whenUnauthorized(listener: () => void): void {
  onUnauthorized = listener;
}

/** Sends one request to `/api/v1<path>`; a status outside 2xx throws an ApiError. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(`/api/v1${path}`, {
    ...init,
    headers: { accept: "application/json", ...init.headers },
  });
  if (response.ok) return response;
  if (response.status === 401) onUnauthorized();
  throw await readError(response);
}

export async function getJson(path: string, signal?: AbortSignal): Promise<unknown> {
  return (await request(path, signal ? { signal } : {})).json();
}

/** Sends one change. The header tells the gateway that it comes from our own page, not from another site's. */
export function change(method: "POST" | "DELETE", path: string, body?: object): Promise<Response> {
  const headers = { "x-tollspan-page": "1", "content-type": "application/json" };
  return request(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

async function readError(response: Response): Promise<ApiError> {
  const fallback = new ApiError(response.status, "http", `The gateway answered ${response.status}.`);
  const body: unknown = await response.json().catch(() => null);
  if (typeof body !== "object" || body === null || !("error" in body)) return fallback;
  const { code, message } = body.error as { code?: unknown; message?: unknown };
  if (typeof code !== "string" || typeof message !== "string") return fallback;
  return new ApiError(response.status, code, message);
}

/** What a page may say about a failed request. */
export function explain(error: unknown): string {
  if (error instanceof TypeError) return "The gateway cannot be reached.";
  return error instanceof Error ? error.message : String(error);
}
