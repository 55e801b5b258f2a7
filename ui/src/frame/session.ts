import { deleteSession, getSession, type Proof, postSession, type Session } from "../data/gateway_status";
import { ApiError, explain, whenUnauthorized } from "../data/http";
import { createStore } from "../store";

export type SessionState =
  | { kind: "checking" }
  | { kind: "unreachable"; problem: string }
  | { kind: "signed-out"; problem: string | null }
  | { kind: "new-owner"; key: string }
  | { kind: "signed-in"; session: Session };

export const session = createStore<SessionState>({ kind: "checking" });

whenUnauthorized(() => {
  if (session.get().kind !== "signed-out") session.set({ kind: "signed-out", problem: null });
});

/** Takes a printed key out of the address bar, so that it is neither shared nor kept in the history. */
export function takeKeyFromAddress(name: "key" | "owner" = "key"): string | null {
  const key = new URLSearchParams(location.hash.slice(1)).get(name);
  if (key !== null) history.replaceState(null, "", location.pathname + location.search);
  return key;
}

/** The key itself, also when the whole printed address was pasted. */
export const keyOf = (pasted: string): string => pasted.trim().replace(/^.*#key=/, "");

/** Begins with what the address says: a link that makes the first account, one that signs in, or neither. */
export function startFromAddress(): void {
  const owner = takeKeyFromAddress("owner");
  if (owner !== null) session.set({ kind: "new-owner", key: owner });
  else {
    const key = takeKeyFromAddress();
    void startSession(key === null ? null : { key });
  }
}

/** Finds out who is signed in, with a proof first if there is one. */
export async function startSession(proof: Proof | null): Promise<void> {
  try {
    if (proof !== null) await postSession(proof);
    session.set({ kind: "signed-in", session: await getSession() });
  } catch (error) {
    if (!(error instanceof ApiError && error.status < 500)) {
      session.set({ kind: "unreachable", problem: explain(error) });
    } else {
      session.set({ kind: "signed-out", problem: proof === null ? null : refusal(proof, error) });
    }
  }
}

const refusal = (proof: Proof, error: ApiError): string =>
  "key" in proof
    ? "The gateway does not accept this key. Each start of the gateway has a new one: take that of the latest."
    : error.message;

export async function signOut(): Promise<void> {
  await deleteSession();
  session.set({ kind: "signed-out", problem: null });
}
