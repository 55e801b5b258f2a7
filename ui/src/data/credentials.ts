import { Fields } from "./fields";
import { change, getJson } from "./http";

export const MANAGE_CREDENTIALS = "manage:credentials";

/** What a program signs in with. Times are Unix seconds. */
export interface Credential {
  id: string;
  kind: string;
  name: string;
  datasets: string[];
  permissions: string[];
  expiresS: number | null;
  revokedS: number | null;
  lastUsedS: number | null;
  liveSecrets: number;
}

/** What its owner is to be told, under the names that SDK settings have; it cannot be had again. */
export type Issued = [name: string, value: string][];

export interface NewCredential {
  name: string;
  kind: "oauth2" | "api_key";
  permissions: string[];
  datasets: string[];
}

export async function getCredentials(abort?: AbortSignal): Promise<Credential[]> {
  return new Fields(await getJson("/credentials", abort), "credentials").objects("data", readCredential);
}

export async function postCredential(credential: NewCredential): Promise<Issued> {
  return readIssued(await (await change("POST", "/credentials", credential)).json());
}

export async function rotateCredential(id: string): Promise<Issued> {
  return readIssued(await (await change("POST", `/credentials/${id}/rotate`, {})).json());
}

export async function revokeCredential(id: string): Promise<void> {
  await change("DELETE", `/credentials/${id}`);
}

function readCredential(fields: Fields): Credential {
  return {
    id: fields.text("id"),
    kind: fields.text("kind"),
    name: fields.text("name"),
    datasets: fields.texts("datasets"),
    permissions: fields.texts("permissions"),
    expiresS: fields.numberOrNull("expires_s"),
    revokedS: fields.numberOrNull("revoked_s"),
    lastUsedS: fields.numberOrNull("last_used_s"),
    liveSecrets: fields.number("live_secrets"),
  };
}

export function readIssued(body: unknown): Issued {
  const fields = new Fields(body, "credential");
  const shown = ["client_id", "client_secret", "api_key"] as const;
  return shown.flatMap((name) => {
    const value = fields.textOrNull(name);
    return value === null ? [] : [[name, value] as [string, string]];
  });
}
