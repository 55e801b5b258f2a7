import { deleteSession, getSession, postSession, type Session } from "../data/gateway_status";
import { ApiError, explain, whenUnauthorized } from "../data/http";
import { createStore } from "../store";

export type SessionState =
  | { kind: "checking" }
  | { kind: "unreachable"; problem: string }
  | { kind: "signed-out"; problem: string | null }
  | { kind: "signed-in"; session: Session };

export const session = createStore<SessionState>({ kind: "checking" });

whenUnauthorized(() => {
  if (session.get().kind !== "signed-out") session.set({ kind: "signed-out", problem: null });
});

/** Takes the sign-in key out of the address bar, so that it is neither shared nor kept in the history. */
export function takeKeyFromAddress(): string | null {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key !== null) history.replaceState(null, "", location.pathname + location.search);
  return key;
}

/** The key itself, also when the whole printed address was pasted. */
export const keyOf = (pasted: string): string => pasted.trim().replace(/^.*#key=/, "");

/** Finds out who is signed in, with a sign-in key first if there is one. */
export async function startSession(key: string | null): Promise<void> {
  try {
    if (key !== null) await postSession(key);
    session.set({ kind: "signed-in", session: await getSession() });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) {
      session.set({ kind: "unreachable", problem: explain(error) });
    } else {
      const problem =
        key === null ? null : "The gateway does not accept this key. It is valid until the gateway restarts.";
      session.set({ kind: "signed-out", problem });
    }
  }
}

export async function signOut(): Promise<void> {
  await deleteSession();
  session.set({ kind: "signed-out", problem: null });
}
