import { useState } from "preact/hooks";
import { postOwner } from "../data/gateway_status";
import { explain } from "../data/http";
import { AccountFields } from "./account_fields";
import { Logo } from "./logo";
import { startSession } from "./session";

/** Makes the gateway's first account, with the key of the printed link. */
export function NewOwnerForm({ ownerKey }: { ownerKey: string }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await postOwner({ key: ownerKey, email, password });
      await startSession(null);
    } catch (error) {
      setProblem(explain(error));
    }
  };

  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1>
          <Logo /> Make the first account
        </h1>
        <p>It owns this gateway: it may read everything and make credentials.</p>
        <AccountFields email={email} password={password} isNew onEmail={setEmail} onPassword={setPassword} />
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary">
          Make the account
        </button>
      </form>
    </main>
  );
}
