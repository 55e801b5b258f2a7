import { CopyButton } from "../frame/copy_button";
import { BASE } from "../router";

/** Shown while nothing has been stored: how to send the first trace. */
export function FirstTrace() {
  const settings = [
    `export TOLLSPAN_ENDPOINT=${location.origin}`,
    "export TOLLSPAN_CLIENT_ID=<client_id>",
    "export TOLLSPAN_CLIENT_SECRET=<client_secret>",
  ].join("\n");
  return (
    <section class="notice first-trace">
      <h1>No traces in this time range</h1>
      <p>
        This page shows them as soon as they arrive; there may be older ones in the{" "}
        <a href={`${BASE}?range=24h`}>last 24 hours</a>. To send the first one:
      </p>
      <ol>
        <Step
          title="Create credentials on the gateway's machine. The secret is shown once."
          command="tollspan credentials create --name my-app --permissions write:traces"
        />
        <Step title="Give them to your application." command={settings} />
        <Step title="Run it. No code changes are needed." command="tollspan run -- python app.py" />
      </ol>
      <p>
        Any OpenTelemetry exporter works as well: send OTLP/HTTP to <code>{location.origin}/v1/traces</code>{" "}
        with an access token from <code>{location.origin}/token</code>.
      </p>
    </section>
  );
}

function Step({ title, command }: { title: string; command: string }) {
  return (
    <li>
      {title}
      <div class="sample">
        <pre>{command}</pre>
        <CopyButton text={command} label="Copy" />
      </div>
    </li>
  );
}
