import { useEffect, useRef } from "preact/hooks";

export type KeyActions = Record<string, () => void>;

/** Runs the action of a key pressed anywhere on the page, except while something is typed or a dialog is open. */
export function useKeys(actions: KeyActions): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (isElsewhere(event.target)) return;
      runKey(event, latest.current);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}

/** Runs the action of the pressed key and keeps the browser from acting on it too. */
export function runKey(event: KeyboardEvent, actions: KeyActions): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key;
  const action = Object.hasOwn(actions, key) ? actions[key] : undefined;
  if (!action) return;
  event.preventDefault();
  action();
}

function isElsewhere(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, select, dialog") !== null;
}
