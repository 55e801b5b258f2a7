import { Fields } from "./fields";
import { getJson, request } from "./http";

export interface Session {
  tenant: string;
  permissions: string[];
  /** The datasets that can be read; an empty list means all of the tenant. */
  datasets: string[];
}

export async function getSession(): Promise<Session> {
  const fields = new Fields(await getJson("/session"), "session");
  return {
    tenant: fields.text("tenant"),
    permissions: fields.texts("permissions"),
    datasets: fields.texts("datasets"),
  };
}

export async function postSession(key: string): Promise<void> {
  const body = JSON.stringify({ key });
  await request("/session", { method: "POST", body, headers: { "content-type": "application/json" } });
}

export async function deleteSession(): Promise<void> {
  await request("/session", { method: "DELETE" });
}

/** Items of one signal since the gateway started. */
export interface SignalCounts {
  received: number;
  stored: number;
  rejected: { reason: string; items: number }[];
}

export async function getTraceCounts(abort: AbortSignal): Promise<SignalCounts> {
  const traces = new Fields(await getJson("/status", abort), "status").object("traces");
  const rejected = traces.object("rejected");
  return {
    received: traces.number("received"),
    stored: traces.number("stored"),
    rejected: rejected.entries().map(([reason]) => ({ reason, items: rejected.number(reason) })),
  };
}
