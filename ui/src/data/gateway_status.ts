import { Fields } from "./fields";
import { change, getJson } from "./http";

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

/** What opens a session: the printed key, or an account with its tenant when it has several. */
export type Proof = { key: string } | { email: string; password: string; tenant: string };

export async function postSession(proof: Proof): Promise<void> {
  await change("POST", "/session", proof);
}

export interface NewOwner {
  key: string;
  email: string;
  password: string;
}

/** Makes the first account and signs it in. */
export async function postOwner(owner: NewOwner): Promise<void> {
  await change("POST", "/owner", owner);
}

export async function deleteSession(): Promise<void> {
  await change("DELETE", "/session");
}

/** How people can sign in, besides the printed key. */
export interface SignInWays {
  password: boolean;
  oidc: boolean;
}

export async function getSignInWays(abort: AbortSignal): Promise<SignInWays> {
  const fields = new Fields(await getJson("/session/ways", abort), "ways");
  return { password: fields.flag("password"), oidc: fields.flag("oidc") };
}

/** Items by the reason of their fate. */
export type ByReason = { reason: string; items: number }[];

/** Items of one signal since the gateway started. */
export interface SignalCounts {
  received: number;
  stored: number;
  refused: ByReason;
  dropped: ByReason;
  pending: number;
}

export async function getTraceCounts(abort: AbortSignal): Promise<SignalCounts> {
  const traces = new Fields(await getJson("/status", abort), "status").object("traces");
  return {
    received: traces.number("received"),
    stored: traces.number("stored"),
    refused: byReason(traces.object("refused")),
    dropped: byReason(traces.object("dropped")),
    pending: traces.number("pending"),
  };
}

function byReason(fate: Fields): ByReason {
  return fate.entries().map(([reason]) => ({ reason, items: fate.number(reason) }));
}
