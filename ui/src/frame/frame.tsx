import type { ComponentChildren } from "preact";
import { MANAGE_CREDENTIALS } from "../data/credentials";
import type { Session } from "../data/gateway_status";
import { BASE, CREDENTIALS } from "../router";
import { IconButton } from "./icon";
import { Logo } from "./logo";
import { signOut } from "./session";
import { StatusLine } from "./status_line";
import { ThemeSwitch } from "./theme";

interface FrameProps {
  session: Session;
  path: string;
  children: ComponentChildren;
}

/** Navigation above, status below, the page between them. */
export function Frame({ session, path, children }: FrameProps) {
  return (
    <div class="frame">
      <header class="top-bar">
        <a class="brand" href={BASE}>
          <Logo /> Tollspan
        </a>
        <nav aria-label="Pages">
          <a href={BASE} aria-current={path === CREDENTIALS ? undefined : "page"}>
            Traces
          </a>
          {session.permissions.includes(MANAGE_CREDENTIALS) && (
            <a href={CREDENTIALS} aria-current={path === CREDENTIALS ? "page" : undefined}>
              Credentials
            </a>
          )}
        </nav>
        <span class="identity">
          <span>
            tenant <b>{session.tenant}</b>
          </span>
          <span class="datasets">
            dataset <b>{session.datasets.join(", ") || "all"}</b>
          </span>
        </span>
        <ThemeSwitch />
        <IconButton icon="sign_out" label="Sign out" onClick={() => void signOut()} />
      </header>
      {children}
      <StatusLine />
    </div>
  );
}
