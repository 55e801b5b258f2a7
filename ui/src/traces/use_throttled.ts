import { useEffect, useRef } from "preact/hooks";

/** Short enough to feel immediate, long enough to take in what arrives together. */
const SOON_MS = 300;

/** A function that runs `action` soon, and at most once per interval however often it is called. */
export function useThrottled(action: () => Promise<void>, everyMs: number): () => void {
  const latest = useRef(action);
  latest.current = action;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const lastRun = useRef(Date.now());
  useEffect(() => () => clearTimeout(timer.current), []);

  return () => {
    if (timer.current !== undefined) return;
    const run = async () => {
      await latest.current();
      lastRun.current = Date.now();
      timer.current = undefined;
    };
    timer.current = setTimeout(run, Math.max(SOON_MS, lastRun.current + everyMs - Date.now()));
  };
}
