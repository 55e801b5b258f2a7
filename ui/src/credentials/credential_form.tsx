import { useState } from "preact/hooks";
import { type Issued, postCredential } from "../data/credentials";

interface CredentialFormProps {
  /** What the person has, and so can give. */
  permissions: string[];
  onCreate: (made: Promise<Issued>) => Promise<void>;
}

/** Asks what a new credential shall be; unless changed, that of a program that sends all it can. */
export function CredentialForm({ permissions, onCreate }: CredentialFormProps) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState<"oauth2" | "api_key">("oauth2");
  const [given, setGiven] = useState(permissions.filter((one) => one.startsWith("write:")));
  const [datasets, setDatasets] = useState("");

  const toggle = (permission: string) =>
    setGiven(given.includes(permission) ? given.filter((one) => one !== permission) : [...given, permission]);

  const submit = (event: Event) => {
    event.preventDefault();
    const wanted = { name, kind, permissions: given, datasets: datasets.split(/[\s,]+/).filter(Boolean) };
    void onCreate(postCredential(wanted));
  };

  return (
    <form class="card" onSubmit={submit}>
      <label class="stacked">
        Name
        <input type="text" required value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label class="stacked">
        Kind
        <select
          value={kind}
          onChange={(event) => setKind(event.currentTarget.value === "api_key" ? "api_key" : "oauth2")}
        >
          <option value="oauth2">OAuth2 client</option>
          <option value="api_key">API key</option>
        </select>
      </label>
      <label class="stacked">
        Datasets
        <input
          type="text"
          placeholder="all"
          value={datasets}
          onInput={(event) => setDatasets(event.currentTarget.value)}
        />
      </label>
      <fieldset>
        <legend>Permissions</legend>
        {permissions.map((permission) => (
          <label key={permission}>
            <input type="checkbox" checked={given.includes(permission)} onChange={() => toggle(permission)} />
            {permission}
          </label>
        ))}
      </fieldset>
      <button type="submit" class="primary">
        Create
      </button>
    </form>
  );
}
