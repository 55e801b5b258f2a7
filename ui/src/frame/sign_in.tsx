import { useEffect, useState } from "preact/hooks";
import { getSignInWays, type SignInWays } from "../data/gateway_status";
import { BASE } from "../router";
import { AccountForm } from "./account_form";
import { Logo } from "./logo";
import { keyOf, startFromAddress, startSession } from "./session";

/** Asks who is there: an account, an identity provider, or the key that the gateway prints when it starts. */
export function SignIn({ problem }: { problem: string | null }) {
  const [key, setKey] = useState("");
  const [ways, setWays] = useState<SignInWays>({ password: false, oidc: false });

  useEffect(() => {
    const abort = new AbortController();
    // Without an answer the printed key is the way that is left.
    getSignInWays(abort.signal).then(setWays, () => {});
    return () => abort.abort();
  }, []);

  useEffect(() => {
    // Opening the printed link in this tab changes the fragment only, without a new load of the page.
    const readAddress = () => {
      if (location.hash.length > 1) startFromAddress();
    };
    addEventListener("hashchange", readAddress);
    return () => removeEventListener("hashchange", readAddress);
  }, []);

  const submit = (event: Event) => {
    event.preventDefault();
    void startSession({ key: keyOf(key) });
  };

  return (
    <main class="sign-in">
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {ways.oidc && <a href="/api/v1/session/oidc">Sign in with your organisation</a>}
      {ways.password && <AccountForm />}
      <form class="card" onSubmit={submit}>
        <h1>
          <Logo /> Sign in to Tollspan
        </h1>
        <p>
          The gateway prints one line when it starts. Open the <code>ui</code> address in that line, or paste
          it here:
        </p>
        <pre class="sample">{`${location.origin}${BASE}#key=…`}</pre>
        <label class="stacked">
          Sign-in key or address
          <input
            type="password"
            autocomplete="current-password"
            required
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </main>
  );
}
