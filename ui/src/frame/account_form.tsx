import { useState } from "preact/hooks";
import { AccountFields } from "./account_fields";
import { startSession } from "./session";

/** Asks for an account; the tenant only matters to who has several. */
export function AccountForm() {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [tenant, setTenant] = useState("");

  const submit = (event: Event) => {
    event.preventDefault();
    void startSession({ email, password, tenant: tenant.trim() });
  };

  return (
    <form class="card" onSubmit={submit}>
      <AccountFields
        email={email}
        password={password}
        isNew={false}
        onEmail={setEmail}
        onPassword={setPassword}
      />
      <label class="stacked">
        Tenant, if you are in several
        <input type="text" value={tenant} onInput={(event) => setTenant(event.currentTarget.value)} />
      </label>
      <button type="submit" class="primary">
        Sign in with a password
      </button>
    </form>
  );
}
