import { useEffect, useState } from "preact/hooks";
import { BASE } from "../router";
import { Logo } from "./logo";
import { keyOf, startSession, takeKeyFromAddress } from "./session";

/** Asks for the sign-in key; the gateway prints a link that carries it when it starts. */
export function SignIn({ problem }: { problem: string | null }) {
  const [key, setKey] = useState("");

  useEffect(() => {
    // Opening the printed link in this tab changes the fragment only, without a new load of the page.
    const readAddress = () => {
      const fromAddress = takeKeyFromAddress();
      if (fromAddress !== null) void startSession(fromAddress);
    };
    addEventListener("hashchange", readAddress);
    return () => removeEventListener("hashchange", readAddress);
  }, []);

  const submit = (event: Event) => {
    event.preventDefault();
    void startSession(keyOf(key));
  };

  return (
    <main class="sign-in">
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
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </main>
  );
}
