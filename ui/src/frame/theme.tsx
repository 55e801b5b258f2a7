import { createStore, useStore } from "../store";
import { IconButton } from "./icon";

type Theme = "auto" | "light" | "dark";

const KEY = "tollspan.theme";
const NEXT: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
const LABEL: Record<Theme, string> = { auto: "as the system", light: "light", dark: "dark" };

const chosen = document.documentElement.dataset.theme;
/** The chosen theme; canvases watch it, as they must be drawn again in its colours. */
export const theme = createStore<Theme>(chosen === "light" || chosen === "dark" ? chosen : "auto");

function choose(next: Theme): void {
  if (next === "auto") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset.theme = next;
    localStorage.setItem(KEY, next);
  }
  theme.set(next);
}

export function ThemeSwitch() {
  const current = useStore(theme);
  const label = `Theme: ${LABEL[current]}. Switch to ${LABEL[NEXT[current]]}.`;
  return <IconButton icon={current} label={label} onClick={() => choose(NEXT[current])} />;
}
