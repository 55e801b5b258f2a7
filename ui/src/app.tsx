import { useEffect, useRef } from "preact/hooks";
import { CredentialsPage } from "./credentials/credentials_page";
import type { Session } from "./data/gateway_status";
import { Frame } from "./frame/frame";
import { NewOwnerForm } from "./frame/new_owner_form";
import { session, startSession } from "./frame/session";
import { SignIn } from "./frame/sign_in";
import { BASE, CREDENTIALS, place, traceIdOf } from "./router";
import { useStore } from "./store";
import { TracePage } from "./trace/trace_page";
import { TracesPage } from "./traces/traces_page";
import type { ListVisit } from "./traces/use_trace_list";

export function App() {
  const state = useStore(session);
  const { path } = useStore(place);
  switch (state.kind) {
    case "checking":
      return null;
    case "signed-out":
      return <SignIn problem={state.problem} />;
    case "new-owner":
      return <NewOwnerForm ownerKey={state.key} />;
    case "unreachable":
      return <Unreachable problem={state.problem} />;
    case "signed-in":
      return (
        <Frame session={state.session} path={path}>
          <Page path={path} session={state.session} />
        </Frame>
      );
  }
}

function Page({ path, session }: { path: string; session: Session }) {
  const lastVisit = useRef<ListVisit>({ query: "", list: null, scrollPx: 0 });
  const traceId = traceIdOf(path);
  if (traceId !== null) return <TracePage key={traceId} traceId={traceId} />;
  if (path === CREDENTIALS) return <CredentialsPage session={session} />;
  if (path === BASE) return <TracesPage lastVisit={lastVisit.current} />;
  return (
    <main class="notice">
      <h1>There is no such page</h1>
      <p>
        <a href={BASE}>All traces</a>
      </p>
    </main>
  );
}

const RETRY_MS = 3_000;

function Unreachable({ problem }: { problem: string }) {
  useEffect(() => {
    const timer = setInterval(() => void startSession(null), RETRY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <main class="notice">
      <div role="alert">
        <h1>{problem}</h1>
        <p>Trying again every few seconds.</p>
      </div>
    </main>
  );
}
