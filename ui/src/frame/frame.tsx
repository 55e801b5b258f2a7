import type { ComponentChildren } from "preact";
import type { Session } from "../data/gateway_status";
import { BASE } from "../router";
import { IconButton } from "./icon";
import { Logo } from "./logo";
import { signOut } from "./session";
import { StatusLine } from "./status_line";
import { ThemeSwitch } from "./theme";

interface FrameProps {
  session: Session;
  children: ComponentChildren;
}

/** Navigation above, status below, the page between them. */
export function Frame({ session, children }: FrameProps) {
  return (
    <div class="frame">
      <header class="top-bar">
        <a class="brand" href={BASE}>
          <Logo /> Tollspan
        </a>
        <nav aria-label="Pages">
          <a href={BASE} aria-current="page">
            Traces
          </a>
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
