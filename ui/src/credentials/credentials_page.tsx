import { useCallback, useEffect, useState } from "preact/hooks";
import {
  type Credential,
  getCredentials,
  type Issued,
  revokeCredential,
  rotateCredential,
} from "../data/credentials";
import type { Session } from "../data/gateway_status";
import { explain } from "../data/http";
import { CopyButton } from "../frame/copy_button";
import { CredentialForm } from "./credential_form";

/** The tenant's credentials: made, rotated and revoked here; a new secret is shown until the page is left. */
export function CredentialsPage({ session }: { session: Session }) {
  const [credentials, setCredentials] = useState<Credential[] | null>(null);
  const [issued, setIssued] = useState<Issued | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  const refresh = useCallback(async () => {
    try {
      setCredentials(await getCredentials());
      setProblem(null);
    } catch (error) {
      setProblem(explain(error));
    }
  }, []);

  useEffect(() => void refresh(), [refresh]);

  const act = async (action: () => Promise<Issued | null>) => {
    try {
      setIssued(await action());
      await refresh();
    } catch (error) {
      setProblem(explain(error));
    }
  };

  return (
    <main class="credentials">
      <h1>Credentials</h1>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {issued && <IssuedSecret issued={issued} />}
      {credentials && (
        <CredentialForm permissions={session.permissions} onCreate={(made) => act(() => made)} />
      )}
      {credentials && (
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th>Id</th>
              <th>Kind</th>
              <th>Permissions</th>
              <th>Datasets</th>
              <th>Last used</th>
              <th>State</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {credentials.map((credential) => (
              <Row
                key={credential.id}
                credential={credential}
                onRotate={() => act(() => rotateCredential(credential.id))}
                onRevoke={() => act(() => revokeCredential(credential.id).then(() => null))}
              />
            ))}
          </tbody>
        </table>
      )}
    </main>
  );
}

interface RowProps {
  credential: Credential;
  onRotate: () => Promise<void>;
  onRevoke: () => Promise<void>;
}

function Row({ credential, onRotate, onRevoke }: RowProps) {
  const [asked, setAsked] = useState(false);
  const state = stateOf(credential, Date.now() / 1_000);
  return (
    <tr>
      <td>{credential.name}</td>
      <td>
        <code>{credential.id}</code>
      </td>
      <td>{credential.kind}</td>
      <td>{credential.permissions.join(", ")}</td>
      <td>{credential.datasets.join(", ") || "all"}</td>
      <td>
        {credential.lastUsedS === null ? "never" : new Date(credential.lastUsedS * 1_000).toLocaleString()}
      </td>
      <td>{state}</td>
      <td class="actions">
        {state === "live" && (
          <>
            <button type="button" onClick={() => void onRotate()}>
              Rotate
            </button>
            <button type="button" onClick={() => (asked ? void onRevoke() : setAsked(true))}>
              {asked ? "Revoke for good" : "Revoke"}
            </button>
          </>
        )}
      </td>
    </tr>
  );
}

function IssuedSecret({ issued }: { issued: Issued }) {
  return (
    <dl class="issued">
      {issued.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <code>{value}</code> <CopyButton text={value} label={`Copy ${name}`} />
          </dd>
        </div>
      ))}
      <p>It is shown this once.</p>
    </dl>
  );
}

export function stateOf(credential: Credential, nowS: number): "live" | "expired" | "revoked" {
  if (credential.revokedS !== null) return "revoked";
  return credential.expiresS !== null && credential.expiresS <= nowS ? "expired" : "live";
}
